// A convolution with constant weights, as oneDNN wants it described.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cairn/engine/plan/builder.h"
#include "cairn/engine/plan/window.h"

namespace cairn::engine {

constexpr int64_t kPhotoChannels = 4;  // what has so few is no map but a photo

struct ConvProblem {
  Shape in;
  Shape out;
  const Tensor* weights = nullptr;
  const Tensor* bias = nullptr;
  int64_t groups = 1;
  Window window;

  bool depthwise() const { return groups == in[1] && groups == out[1]; }
  // How its input is to lie in memory, and with it the weights. Depthwise convolutions are float32:
  // in bfloat16 they lose the most (MobileNetV2: two thirds of the error) and gain nothing. So is
  // the first one, of a photo, where it leads to one of them.
  DataType source_type(const PlanBuilder& builder, const std::string& output) const;
  // With a leading axis of groups, where there are several.
  Shape weights_shape() const;
  double flops() const;
  std::string text() const;  // "64x56x56 -> 256, 1x1"
  // Set where the primitive takes only a part of the weights at a time.
  std::optional<Shape> shape_of_weights{};
};

// The convolution that a Conv node is; nothing where its weights are not constants or its numbers
// are beyond oneDNN.
std::optional<ConvProblem> conv_problem(PlanBuilder& builder, const GraphNode& node,
                                        const Shape& in, const Shape& out);

// The primitive; nothing where oneDNN has none, one of another kind than wanted (a prefix of its
// name), or only its slow reference.
std::optional<dnnl::convolution_forward::primitive_desc> describe_conv(
    const PlanBuilder& builder, const ConvProblem& problem, const Layout& source,
    const Layout& target, const dnnl::primitive_attr& attributes, std::string_view wanted);

// What a fused Conv adds to its sums: the name of the other term, null where there is none. Nothing
// where a primitive cannot take it in (two terms, one that is not planned or of another shape, a
// slope per channel).
std::optional<const std::string*> residual_of(PlanBuilder& builder, const GraphNode& node,
                                              const Shape& out);

// What our own kernels do after the sums: an addition, bounds, and a quantisation.
struct ConvEnding {
  const std::string* residual = nullptr;  // the name of the other term of an addition
  float low = 0;                          // infinite: none
  float high = 0;
  std::optional<Grid> grid{};

  // What a sum of 1, and nothing, are in the numbers that the result lies in.
  float unit() const { return grid ? 1 / grid->scale : 1; }
  float zero() const { return grid ? static_cast<float>(grid->zero) : 0; }
};

// Nothing where a node's post-operations are others, or in another order.
std::optional<ConvEnding> ending_of(PlanBuilder& builder, const GraphNode& node, const Shape& out);

// The step that copies a residual to where a primitive adds to it.
void add_copy(PlanBuilder& builder, const Layout& layout, BufferId from, BufferId to);

// What a blocked convolution reads: the planes of a photo in their order, or blocks of channels.
Layout conv_source_layout(PlanBuilder& builder, const std::string& input, int64_t groups,
                          DataType type);

}  // namespace cairn::engine
