#include "cairn/engine/plan/shape_inference.h"

#include <algorithm>
#include <map>

#include "cairn/base/error.h"
#include "cairn/engine/interpreter.h"

namespace cairn::engine {
namespace {

struct ShapesKnown {};  // thrown to stop the operator

class ShapeRecorder : public Allocator {
 public:
  ShapeRecorder(const Node& node, uint64_t max_elements)
      : wanted_(node.outputs.size()), recorded_(node.outputs.size()), max_elements_(max_elements) {
    for (size_t i = 0; i < wanted_.size(); ++i) wanted_[i] = !node.outputs[i].empty();
    missing_ = static_cast<size_t>(std::count(wanted_.begin(), wanted_.end(), true));
  }

  Tensor allocate(size_t index, DType type, const Shape& shape) override {
    check_size(shape, max_elements_);
    if (!recorded_[index] && wanted_[index]) --missing_;
    recorded_[index] = InferredOutput{type, shape};
    if (missing_ == 0) throw ShapesKnown();
    return {type, shape};
  }

  const std::vector<std::optional<InferredOutput>>& recorded() const { return recorded_; }

 private:
  std::vector<bool> wanted_;
  std::vector<std::optional<InferredOutput>> recorded_;
  uint64_t max_elements_;
  size_t missing_ = 0;
};

}  // namespace

std::optional<std::vector<InferredOutput>> infer_outputs(const Graph& graph, const Node& node,
                                                         const std::vector<const Tensor*>& inputs) {
  ShapeRecorder recorder(node, graph.max_tensor_elements);
  std::vector<Tensor> results(node.outputs.size());
  try {
    results = run_node(graph, node, inputs, recorder);
  } catch (const ShapesKnown&) {
  } catch (const Error&) {
    return std::nullopt;
  }
  std::vector<InferredOutput> outputs(node.outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (recorder.recorded()[i])
      outputs[i] = *recorder.recorded()[i];
    else if (results[i].memory() != nullptr)
      outputs[i] = {results[i].dtype(), results[i].shape()};
    else if (!node.outputs[i].empty())
      return std::nullopt;
  }
  return outputs;
}

bool depends_on_value(const std::string& op_type, size_t input) {
  static const std::map<std::string, std::vector<size_t>> kTable = {
      {"Compress", {0, 1}},
      {"ConstantOfShape", {0}},
      {"Expand", {1}},
      {"MaxUnpool", {2}},
      {"NonMaxSuppression", {0, 1, 2, 3, 4}},
      {"NonZero", {0}},
      {"OneHot", {1}},
      {"Pad", {1, 3}},
      {"Range", {0, 1, 2}},
      {"Reshape", {1}},
      {"Resize", {1, 2, 3}},
      {"Slice", {1, 2, 3, 4}},
      {"Split", {1}},
      {"Squeeze", {1}},
      {"Tile", {1}},
      {"TopK", {1}},
      {"Unique", {0}},
      {"Unsqueeze", {1}},
      {"Upsample", {1}},
  };
  if (op_type.starts_with("Reduce")) return input == 1;
  const auto found = kTable.find(op_type);
  return found != kTable.end() &&
         std::find(found->second.begin(), found->second.end(), input) != found->second.end();
}

}  // namespace cairn::engine
