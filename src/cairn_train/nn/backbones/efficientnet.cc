#include "cairn_train/nn/backbones/efficientnet.h"

#include <array>
#include <memory>

namespace cairn::nn {
namespace {

struct Stage {
  int blocks;
  int64_t kernel;
  int64_t stride;  // of the first block
  int64_t expansion;
  int64_t out;
};

// Table 1 of the paper. The first stage has no expansion: depthwise, then pointwise.
constexpr std::array<Stage, 7> kStages{{
    {1, 3, 1, 1, 16},
    {2, 3, 2, 6, 24},
    {2, 5, 2, 6, 40},
    {3, 3, 2, 6, 80},
    {3, 5, 1, 6, 112},
    {4, 5, 2, 6, 192},
    {1, 3, 1, 6, 320},
}};

// A chain of layers, plus its input where the shapes allow it.
class Block : public Chain {
 public:
  explicit Block(bool skip) : skip_(skip) {}

  torch::Tensor forward(const torch::Tensor& x) override {
    const auto y = Chain::forward(x);
    return skip_ ? y + x : y;
  }

  std::string emit(OnnxWriter& graph, const std::string& input) const override {
    const auto value = Chain::emit(graph, input);
    return skip_ ? graph.add_node("Add", {value, input}) : value;
  }

 private:
  bool skip_;
};

ModulePtr conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t groups = 1) {
  return std::make_shared<Conv2d>(ConvOptions{.in = in,
                                              .out = out,
                                              .kernel = kernel,
                                              .stride = stride,
                                              .groups = groups,
                                              .padding = Padding::kTfSame});
}

ModulePtr make_block(const Stage& stage, int64_t in, int64_t stride, const BatchNormOptions& bn) {
  const auto norm = [&](int64_t channels, Activation activation) {
    return std::make_shared<BatchNorm>(channels, bn, activation);
  };
  const int64_t mid = in * stage.expansion;
  const bool expands = stage.expansion > 1;
  auto block = std::make_shared<Block>(stride == 1 && in == stage.out);
  if (expands) {
    block->add("conv_pw", conv(in, mid, 1)).add("bn1", norm(mid, Activation::kSilu));
  }
  block->add("conv_dw", conv(mid, mid, stage.kernel, stride, mid))
      .add(expands ? "bn2" : "bn1", norm(mid, Activation::kSilu))
      .add("se", std::make_shared<SqueezeExcite>(mid, in / 4))
      .add(expands ? "conv_pwl" : "conv_pw", conv(mid, stage.out, 1))
      .add(expands ? "bn3" : "bn2", norm(stage.out, Activation::kNone));
  return block;
}

}  // namespace

EfficientNetB0::EfficientNetB0(double bn_momentum) {
  const BatchNormOptions bn{.eps = 1e-3, .momentum = bn_momentum};
  int64_t channels = 32;
  add("conv_stem", conv(3, channels, 3, 2));
  add("bn1", std::make_shared<BatchNorm>(channels, bn, Activation::kSilu));
  auto stages = std::make_shared<Chain>();
  for (size_t s = 0; s < kStages.size(); ++s) {
    auto blocks = std::make_shared<Chain>();
    for (int b = 0; b < kStages[s].blocks; ++b) {
      blocks->add(std::to_string(b),
                  make_block(kStages[s], channels, b == 0 ? kStages[s].stride : 1, bn));
      channels = kStages[s].out;
    }
    stages->add(std::to_string(s), blocks);
  }
  add("blocks", stages);
  add("conv_head", conv(channels, kChannels, 1));
  add("bn2", std::make_shared<BatchNorm>(kChannels, bn, Activation::kSilu));
  register_module("classifier", std::make_shared<Linear>(kChannels, 1000, /*bias=*/true));
}

}  // namespace cairn::nn
