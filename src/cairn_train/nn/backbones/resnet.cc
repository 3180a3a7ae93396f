#include "cairn_train/nn/backbones/resnet.h"

#include <array>
#include <memory>

#include "cairn/base/error.h"
#include "cairn_train/nn/pooling.h"

namespace cairn::nn {
namespace {

constexpr int64_t kExpansion = 4;  // of bottlenecks

std::array<int, 4> blocks_of(int depth) {
  if (depth == 18) return {2, 2, 2, 2};
  if (depth == 50) return {3, 4, 6, 3};
  throw Error("depth: " + std::to_string(depth) + " is not 18 or 50");
}

bool is_basic(const ResNetOptions& options) { return options.depth < 50; }

int64_t outputs_of(int64_t width, const ResNetOptions& options) {
  return is_basic(options) ? width : width * kExpansion;
}

ModulePtr conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return std::make_shared<Conv2d>(
      ConvOptions{.in = in, .out = out, .kernel = kernel, .stride = stride});
}

// Convolutions beside a shortcut: 1×1, 3×3, 1×1 with the stride in the 3×3 one, or for basic blocks
// 3×3, 3×3 with the stride in the first.
class Residual : public Module {
 public:
  Residual(int64_t in, int64_t width, int64_t stride, const ResNetOptions& options)
      : norm_{.momentum = options.bn_momentum} {
    const int64_t out = outputs_of(width, options);
    if (is_basic(options)) {
      add("conv1", conv(in, width, 3, stride), "bn1", width, Activation::kRelu);
      add("conv2", conv(width, out, 3), "bn2", out, Activation::kNone);
    } else {
      add("conv1", conv(in, width, 1), "bn1", width, Activation::kRelu);
      add("conv2", conv(width, width, 3, stride), "bn2", width, Activation::kRelu);
      add("conv3", conv(width, out, 1), "bn3", out, Activation::kNone);
    }
    if (stride == 1 && in == out) return;
    auto shortcut = std::make_shared<Chain>();
    const bool pools = options.avg_down && stride > 1;
    if (pools) shortcut->add(std::make_shared<AvgPool2x2>());
    const int first = pools ? 1 : 0;
    shortcut->add(std::to_string(first), conv(in, out, 1, pools ? 1 : stride));
    shortcut->add(std::to_string(first + 1), std::make_shared<BatchNorm>(out, norm_));
    shortcut_ = register_module("downsample", shortcut);
  }

  torch::Tensor forward(const torch::Tensor& x) override {
    torch::Tensor y = x;
    for (size_t i = 0; i < convs_.size(); ++i) y = norms_[i]->forward(convs_[i]->forward(y));
    return torch::relu_(y.add_(shortcut_ ? shortcut_->forward(x) : x));
  }

  std::string emit(OnnxWriter& graph, const std::string& input) const override {
    std::string y = input;
    for (size_t i = 0; i < convs_.size(); ++i)
      y = norms_[i]->emit(graph, convs_[i]->emit(graph, y));
    const auto shortcut = shortcut_ ? shortcut_->emit(graph, input) : input;
    return graph.add_node("Relu", {graph.add_node("Add", {y, shortcut})});
  }

 private:
  void add(const std::string& conv_name, ModulePtr layer, const std::string& norm_name,
           int64_t channels, Activation activation) {
    convs_.push_back(register_module(conv_name, std::move(layer)));
    norms_.push_back(
        register_module(norm_name, std::make_shared<BatchNorm>(channels, norm_, activation)));
  }

  BatchNormOptions norm_;
  std::vector<ModulePtr> convs_;
  std::vector<ModulePtr> norms_;
  ModulePtr shortcut_;
};

}  // namespace

ResNet::ResNet(const ResNetOptions& options) : options_(options) {
  if (options.last_stride != 1 && options.last_stride != 2) {
    throw Error("last_stride: " + std::to_string(options.last_stride) + " is not 1 or 2");
  }
  int64_t channels = 64;
  add("conv1", conv(3, channels, 7, 2));
  add("bn1", std::make_shared<BatchNorm>(
                 channels, BatchNormOptions{.momentum = options.bn_momentum}, Activation::kRelu));
  add(std::make_shared<MaxPool3x3>());
  const std::array<int, 4> blocks = blocks_of(options.depth);
  for (size_t s = 0; s < blocks.size(); ++s) {
    const int64_t width = int64_t{64} << s;
    auto layer = std::make_shared<Chain>();
    for (int b = 0; b < blocks[s]; ++b) {
      const int64_t stage_stride = s == 0 ? 1 : s == 3 ? options.last_stride : 2;
      layer->add(std::to_string(b),
                 std::make_shared<Residual>(channels, width, b == 0 ? stage_stride : 1, options));
      channels = outputs_of(width, options);
    }
    add("layer" + std::to_string(s + 1), layer);
  }
}

torch::Tensor ResNet::forward(const torch::Tensor& x) {
  if (options_.avg_down) {
    // After the stem and the max pooling, every halving must come out even.
    const int64_t unit = options_.last_stride == 1 ? 4 : 8;
    const auto fits = [&](int64_t n) { return ((n + 1) / 2 + 1) / 2 % unit == 0; };
    if (!fits(x.size(2)) || !fits(x.size(3))) {
      throw Error("resnet50_avgdown cannot take images of " + std::to_string(x.size(3)) + "x" +
                  std::to_string(x.size(2)) + ": choose a width and height that are multiples of " +
                  std::to_string(4 * unit));
    }
  }
  return Chain::forward(x);
}

int64_t ResNet::channels() const { return is_basic(options_) ? 512 : 512 * kExpansion; }

}  // namespace cairn::nn
