#include "cairn_train/nn/backbones/resnest.h"

#include <array>
#include <memory>

#include "cairn/base/error.h"
#include "cairn_train/nn/pooling.h"

namespace cairn::nn {
namespace {

constexpr int64_t kExpansion = 4;
constexpr int64_t kRadix = 2;
constexpr int64_t kClasses = 1000;

std::array<int, 4> blocks_of(int depth) {
  if (depth == 50) return {3, 4, 6, 3};
  if (depth == 101) return {3, 4, 23, 3};
  if (depth == 200) return {3, 24, 36, 3};
  if (depth == 269) return {3, 30, 48, 8};
  throw Error("depth: " + std::to_string(depth) + " is not 50, 101, 200 or 269");
}

std::shared_ptr<Conv2d> conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return std::make_shared<Conv2d>(
      ConvOptions{.in = in, .out = out, .kernel = kernel, .stride = stride});
}

std::shared_ptr<Conv2d> conv_with_bias(int64_t in, int64_t out) {
  return std::make_shared<Conv2d>(ConvOptions{.in = in, .out = out, .bias = true});
}

// Split attention: a 3×3 convolution makes two maps (radix 2), each from half of its input; their
// weighted sum is the output, the weights a softmax over the two for each photo and channel.
class SplitAttention : public Module {
 public:
  // before, norm_before: the layers that come first, registered by the caller. They belong here
  // because the graph has them in halves, too.
  SplitAttention(std::shared_ptr<Conv2d> before, std::shared_ptr<BatchNorm> norm_before,
                 int64_t channels, int64_t dilation, const BatchNormOptions& norm)
      : channels_(channels), before_(std::move(before)), norm_before_(std::move(norm_before)) {
    const int64_t inner = std::max<int64_t>(channels * kRadix / 4, 32);
    conv_ = register_module("conv", std::make_shared<Conv2d>(ConvOptions{.in = channels,
                                                                         .out = channels * kRadix,
                                                                         .kernel = 3,
                                                                         .groups = kRadix,
                                                                         .dilation = dilation}));
    bn0_ = register_module("bn0",
                           std::make_shared<BatchNorm>(channels * kRadix, norm, Activation::kRelu));
    fc1_ = register_module("fc1", conv_with_bias(channels, inner));
    bn1_ = register_module("bn1", std::make_shared<BatchNorm>(inner, norm, Activation::kRelu));
    fc2_ = register_module("fc2", conv_with_bias(inner, channels * kRadix));
  }

  torch::Tensor forward(const torch::Tensor& x) override {
    const auto maps = bn0_->forward(conv_->forward(norm_before_->forward(before_->forward(x))));
    const auto split = [&](const torch::Tensor& t) {
      return t.reshape({t.size(0), kRadix, channels_, t.size(2), t.size(3)});
    };
    const auto means = split(maps.mean({2, 3}, /*keepdim=*/true)).sum(1);
    const auto scores = fc2_->forward(bn1_->forward(fc1_->forward(means)));
    const auto gates = split(scores).softmax(1).reshape_as(scores);
    const auto parts = (maps * gates).chunk(kRadix, 1);
    return parts[0] + parts[1];
  }

  // Every convolution in halves, so that no map is taken apart. The softmax of two is the sigmoid
  // of their difference.
  std::string emit(OnnxWriter& graph, const std::string& input) const override {
    std::array<std::string, kRadix> maps, means, scores, shares;
    for (int64_t r = 0; r < kRadix; ++r) {
      const int64_t half = channels_ / kRadix;
      const ChannelRange narrow{r * half, (r + 1) * half};
      const ChannelRange wide = range(r);
      const auto before =
          norm_before_->emit_part(graph, before_->emit_part(graph, input, narrow), narrow);
      maps[r] = bn0_->emit_part(graph, conv_->emit_part(graph, before, wide), wide);
      means[r] = graph.add_node("GlobalAveragePool", {maps[r]});
    }
    const auto hidden =
        bn1_->emit(graph, fc1_->emit(graph, graph.add_node("Add", {means[0], means[1]})));
    for (int64_t r = 0; r < kRadix; ++r) scores[r] = fc2_->emit_part(graph, hidden, range(r));
    for (int64_t r = 0; r < kRadix; ++r) {
      const auto difference = graph.add_node("Sub", {scores[r], scores[1 - r]});
      shares[r] = graph.add_node("Mul", {maps[r], graph.add_node("Sigmoid", {difference})});
    }
    return graph.add_node("Add", {shares[0], shares[1]});
  }

 private:
  ChannelRange range(int64_t map) const { return {map * channels_, (map + 1) * channels_}; }

  int64_t channels_;
  std::shared_ptr<Conv2d> before_;
  std::shared_ptr<BatchNorm> norm_before_;
  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<BatchNorm> bn0_;
  ModulePtr fc1_;
  ModulePtr bn1_;
  std::shared_ptr<Conv2d> fc2_;
};

struct BlockOptions {
  int64_t in = 0;
  int64_t width = 0;
  int64_t stride = 1;
  int64_t dilation = 1;
  bool pools = false;     // after the split attention, which has no stride itself
  bool projects = false;  // the shortcut
};

class Bottleneck : public Module {
 public:
  Bottleneck(const BlockOptions& o, const BatchNormOptions& norm) {
    const int64_t out = o.width * kExpansion;
    const auto conv1 = register_module("conv1", conv(o.in, o.width, 1));
    const auto bn1 =
        register_module("bn1", std::make_shared<BatchNorm>(o.width, norm, Activation::kRelu));
    add("conv2", std::make_shared<SplitAttention>(conv1, bn1, o.width, o.dilation, norm));
    if (o.pools)
      layers_.push_back(
          std::make_shared<AvgPool>(AvgPoolOptions{.kernel = 3, .stride = o.stride, .padding = 1}));
    add("conv3", conv(o.width, out, 1));
    add("bn3", std::make_shared<BatchNorm>(out, norm));
    if (!o.projects) return;
    auto shortcut = std::make_shared<Chain>();
    if (o.stride > 1) shortcut->add(std::make_shared<AvgPool>(AvgPoolOptions{.ceil = true}));
    shortcut->add("1", conv(o.in, out, 1)).add("2", std::make_shared<BatchNorm>(out, norm));
    shortcut_ = register_module("downsample", shortcut);
  }

  torch::Tensor forward(const torch::Tensor& x) override {
    torch::Tensor y = x;
    for (const ModulePtr& layer : layers_) y = layer->forward(y);
    return torch::relu_(y.add_(shortcut_ ? shortcut_->forward(x) : x));
  }

  std::string emit(OnnxWriter& graph, const std::string& input) const override {
    std::string y = input;
    for (const ModulePtr& layer : layers_) y = layer->emit(graph, y);
    const auto shortcut = shortcut_ ? shortcut_->emit(graph, input) : input;
    return graph.add_node("Relu", {graph.add_node("Add", {y, shortcut})});
  }

 private:
  void add(const std::string& name, ModulePtr layer) {
    layers_.push_back(register_module(name, std::move(layer)));
  }

  std::vector<ModulePtr> layers_;
  ModulePtr shortcut_;
};

}  // namespace

ResNeSt::ResNeSt(const ResNeStOptions& options) {
  check_last_stride(options.last_stride);
  const std::array<int, 4> blocks = blocks_of(options.depth);
  const BatchNormOptions norm{.momentum = options.bn_momentum};
  const auto relu_norm = [&](int64_t channels) {
    return std::make_shared<BatchNorm>(channels, norm, Activation::kRelu);
  };
  const int64_t stem = options.depth == 50 ? 32 : 64;
  int64_t channels = 2 * stem;
  auto convs = std::make_shared<Chain>();
  convs->add("0", conv(3, stem, 3, 2)).add("1", relu_norm(stem));
  convs->add("3", conv(stem, stem, 3)).add("4", relu_norm(stem));
  convs->add("6", conv(stem, channels, 3));
  add("conv1", convs);
  add("bn1", relu_norm(channels));
  add(std::make_shared<MaxPool3x3>());
  stages_ = {layers()};

  for (size_t s = 0; s < blocks.size(); ++s) {
    const bool dilated = s == 3 && options.last_stride == 1;
    auto layer = std::make_shared<Chain>();
    for (int b = 0; b < blocks[s]; ++b) {
      const bool first = b == 0;
      const BlockOptions block{.in = channels,
                               .width = int64_t{64} << s,
                               .stride = first && s > 0 && !dilated ? 2 : 1,
                               .dilation = dilated && !first ? 2 : 1,
                               .pools = first && s > 0,
                               .projects = first};
      layer->add(std::to_string(b), std::make_shared<Bottleneck>(block, norm));
      channels = block.width * kExpansion;
    }
    add("layer" + std::to_string(s + 1), layer);
    stages_.push_back(layer->layers());
  }
  register_module("fc", std::make_shared<Linear>(channels, kClasses, /*bias=*/true));
}

}  // namespace cairn::nn
