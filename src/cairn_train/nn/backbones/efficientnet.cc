#include "cairn_train/nn/backbones/efficientnet.h"

#include <array>
#include <cmath>
#include <memory>

#include "cairn/base/error.h"

namespace cairn::nn {
namespace {

constexpr int64_t kClasses = 1000;

struct Stage {
  int blocks;
  int64_t kernel;
  int64_t stride;  // of the first block
  int64_t expansion;
  int64_t out;
};

// Table 1 of the paper, B0. The first stage has no expansion: depthwise, then pointwise.
constexpr std::array<Stage, 7> kStages{{
    {1, 3, 1, 1, 16},
    {2, 3, 2, 6, 24},
    {2, 5, 2, 6, 40},
    {3, 3, 2, 6, 80},
    {3, 5, 1, 6, 112},
    {4, 5, 2, 6, 192},
    {1, 3, 1, 6, 320},
}};
constexpr size_t kLastStrided = 5;
constexpr int64_t kStemChannels = 32;
constexpr int64_t kHeadChannels = 1280;

struct Scaling {
  double width;
  double depth;
  int64_t image_size;
};

constexpr std::array<Scaling, 8> kScalings{{
    {1.0, 1.0, 224},
    {1.0, 1.1, 240},
    {1.1, 1.2, 260},
    {1.2, 1.4, 300},
    {1.4, 1.8, 380},
    {1.6, 2.2, 456},
    {1.8, 2.6, 528},
    {2.0, 3.1, 600},
}};

// The nearest multiple of 8, but never less than nine tenths.
int64_t scaled_channels(int64_t channels, double width) {
  const double wanted = static_cast<double>(channels) * width;
  const int64_t rounded = std::max<int64_t>(8, static_cast<int64_t>(wanted + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * wanted ? rounded + 8 : rounded;
}

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

// Makes the layers in the order of the data, with the names of one of the two styles.
class Maker {
 public:
  explicit Maker(const EfficientNetOptions& options)
      : timm_(options.style == EfficientNetStyle::kTimm),
        norm_{.eps = 1e-3, .momentum = options.bn_momentum},
        nominal_size_(kScalings[static_cast<size_t>(options.number)].image_size) {}

  ModulePtr conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t groups = 1) {
    auto layer =
        std::make_shared<Conv2d>(ConvOptions{.in = in,
                                             .out = out,
                                             .kernel = kernel,
                                             .stride = stride,
                                             .groups = groups,
                                             .padding = timm_ ? Padding::kTfSame : Padding::kStatic,
                                             .nominal_size = nominal_size_});
    nominal_size_ = (nominal_size_ + stride - 1) / stride;
    return layer;
  }

  ModulePtr norm(int64_t channels, Activation activation) const {
    return std::make_shared<BatchNorm>(channels, norm_, activation);
  }

  ModulePtr block(const Stage& stage, int64_t in, int64_t stride) {
    const int64_t mid = in * stage.expansion;
    const bool expands = stage.expansion > 1;
    auto block = std::make_shared<Block>(stride == 1 && in == stage.out);
    int norms = timm_ ? 1 : expands ? 0 : 1;  // the number of the next one
    const auto add_norm = [&](int64_t channels, Activation activation) {
      block->add((timm_ ? "bn" : "_bn") + std::to_string(norms++), norm(channels, activation));
    };
    if (expands) {
      block->add(timm_ ? "conv_pw" : "_expand_conv", conv(in, mid, 1));
      add_norm(mid, Activation::kSilu);
    }
    block->add(timm_ ? "conv_dw" : "_depthwise_conv", conv(mid, mid, stage.kernel, stride, mid));
    add_norm(mid, Activation::kSilu);
    const auto gate = std::make_shared<SqueezeExcite>(mid, in / 4);
    if (timm_) {
      block->add("se", gate);
    } else {
      block->register_module("_se_reduce", gate->reduce());
      block->register_module("_se_expand", gate->expand());
      block->add(gate);
    }
    block->add(!timm_    ? "_project_conv"
               : expands ? "conv_pwl"
                         : "conv_pw",
               conv(mid, stage.out, 1));
    add_norm(stage.out, Activation::kNone);
    return block;
  }

 private:
  bool timm_;
  BatchNormOptions norm_;
  int64_t nominal_size_;  // of the map that the next convolution gets
};

}  // namespace

int64_t EfficientNet::channels_of(int number) {
  return scaled_channels(kHeadChannels, kScalings.at(static_cast<size_t>(number)).width);
}

EfficientNet::EfficientNet(const EfficientNetOptions& options) {
  if (options.number < 0 || options.number >= static_cast<int>(kScalings.size())) {
    throw Error("EfficientNet-B" + std::to_string(options.number) + ": there are B0 to B7");
  }
  check_last_stride(options.last_stride);
  const bool timm = options.style == EfficientNetStyle::kTimm;
  const Scaling& scaling = kScalings[static_cast<size_t>(options.number)];
  Maker maker(options);

  int64_t channels = scaled_channels(kStemChannels, scaling.width);
  add(timm ? "conv_stem" : "_conv_stem", maker.conv(3, channels, 3, 2));
  add(timm ? "bn1" : "_bn0", maker.norm(channels, Activation::kSilu));
  stages_ = {layers()};

  const auto all = register_module(timm ? "blocks" : "_blocks", std::make_shared<Chain>());
  int number = 0;
  for (size_t s = 0; s < kStages.size(); ++s) {
    Stage stage = kStages[s];
    stage.out = scaled_channels(stage.out, scaling.width);
    if (s == kLastStrided) stage.stride = options.last_stride;
    const int blocks = static_cast<int>(std::ceil(stage.blocks * scaling.depth));
    const auto group = timm ? std::make_shared<Chain>() : all;
    stages_.emplace_back();
    for (int b = 0; b < blocks; ++b) {
      const auto block = maker.block(stage, channels, b == 0 ? stage.stride : 1);
      group->add(std::to_string(timm ? b : number++), block);
      stages_.back().push_back(block);
      channels = stage.out;
    }
    if (timm) all->add(std::to_string(s), group);
  }
  add(all);

  channels_ = channels_of(options.number);
  add(timm ? "conv_head" : "_conv_head", maker.conv(channels, channels_, 1));
  add(timm ? "bn2" : "_bn1", maker.norm(channels_, Activation::kSilu));
  register_module(timm ? "classifier" : "_fc",
                  std::make_shared<Linear>(channels_, kClasses, /*bias=*/true));
}

}  // namespace cairn::nn
