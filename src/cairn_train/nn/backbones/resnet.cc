#include "cairn_train/nn/backbones/resnet.h"

#include <array>
#include <memory>

#include "cairn/base/error.h"
#include "cairn_train/nn/pooling.h"

namespace cairn::nn {
namespace {

constexpr int kLeastBottlenecks = 50;   // depth from which the blocks are bottlenecks
constexpr int64_t kExpansion = 4;       // of bottlenecks
constexpr int64_t kGateReduction = 16;  // of squeeze-excite
constexpr int64_t kClasses = 1000;

std::array<int, 4> blocks_of(int depth) {
  if (depth == 18) return {2, 2, 2, 2};
  if (depth == 50) return {3, 4, 6, 3};
  if (depth == 101) return {3, 4, 23, 3};
  throw Error("depth: " + std::to_string(depth) + " is not 18, 50 or 101");
}

bool is_basic(const ResNetOptions& options) { return options.depth < kLeastBottlenecks; }

int64_t outputs_of(int64_t width, const ResNetOptions& options) {
  return is_basic(options) ? width : width * kExpansion;
}

std::shared_ptr<Conv2d> conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1,
                             int64_t groups = 1) {
  return std::make_shared<Conv2d>(
      ConvOptions{.in = in, .out = out, .kernel = kernel, .stride = stride, .groups = groups});
}

// With average-pooled shortcuts: what the sides of the map after the stem must be multiples of, so
// that every halving comes out even.
int64_t size_unit(const ResNetOptions& options) { return options.last_stride == 1 ? 4 : 8; }

// A convolution, instance normalisation of the first half of its channels and batch normalisation
// of the others (IBN-a), ReLU.
class HalfInstanceNorm : public Module {
 public:
  // The layers are registered by the caller, under the names that checkpoints have.
  HalfInstanceNorm(std::shared_ptr<Conv2d> convolution, ModulePtr instance, ModulePtr batch,
                   int64_t channels)
      : convolution_(std::move(convolution)),
        instance_(std::move(instance)),
        batch_(std::move(batch)),
        half_(channels / 2),
        channels_(channels) {}

  torch::Tensor forward(const torch::Tensor& x) override {
    const auto halves = convolution_->forward(x).split_with_sizes({half_, channels_ - half_}, 1);
    return torch::cat({instance_->forward(halves[0]), batch_->forward(halves[1])}, 1).relu_();
  }

  // The convolution in two halves: so no map is taken apart, and the batch norm can be folded.
  std::string emit(OnnxWriter& graph, const std::string& input) const override {
    const auto half = [&](const Module& norm, ChannelRange part) {
      const auto value = norm.emit(graph, convolution_->emit_part(graph, input, part));
      return emit_activation(graph, value, Activation::kRelu);
    };
    return graph.add_node("Concat",
                          {half(*instance_, {0, half_}), half(*batch_, {half_, channels_})},
                          {{"axis", int64_t{1}}});
  }

 private:
  std::shared_ptr<Conv2d> convolution_;
  ModulePtr instance_;
  ModulePtr batch_;
  int64_t half_;
  int64_t channels_;
};

// Scales each channel by a gate from the channels' means: two bias-free linear layers around a
// ReLU.
class Gate : public Module {
 public:
  explicit Gate(int64_t channels) {
    const int64_t reduced = channels / kGateReduction;
    const auto layers = register_module("fc", std::make_shared<Chain>());
    layers->add("0", std::make_shared<Linear>(channels, reduced, /*bias=*/false));
    layers->add("2", std::make_shared<Linear>(reduced, channels, /*bias=*/false));
    reduce_ = layers->named_parameters()["0.weight"];
    expand_ = layers->named_parameters()["2.weight"];
  }

  torch::Tensor forward(const torch::Tensor& x) override {
    const auto hidden = torch::relu(nn::linear(x.mean({2, 3}), reduce_));
    const auto gate = torch::sigmoid(nn::linear(hidden, expand_)).unsqueeze(-1).unsqueeze(-1);
    return fused_is_faster(x) ? scale_channels(x, gate) : x * gate;
  }

  // The linear layers become 1×1 convolutions, which spares reshaping.
  std::string emit(OnnxWriter& graph, const std::string& input) const override {
    const auto multiply = [&](const std::string& x, const torch::Tensor& weight) {
      const auto filters =
          graph.add_initializer("weight", weight, {weight.size(0), weight.size(1), 1, 1});
      return graph.add_node("Conv", {x, filters}, {{"kernel_shape", std::vector<int64_t>{1, 1}}});
    };
    const auto hidden = multiply(graph.add_node("GlobalAveragePool", {input}), reduce_);
    const auto gate = multiply(graph.add_node("Relu", {hidden}), expand_);
    return graph.add_node("Mul", {input, graph.add_node("Sigmoid", {gate})});
  }

 private:
  torch::Tensor reduce_;
  torch::Tensor expand_;
};

// Convolutions beside a shortcut: 1×1, 3×3, 1×1 with the stride in the 3×3 one, or for basic blocks
// 3×3, 3×3 with the stride in the first.
class Residual : public Module {
 public:
  Residual(int64_t in, int64_t width, int64_t stride, bool ibn, const ResNetOptions& options)
      : norm_{.momentum = options.bn_momentum} {
    const int64_t out = outputs_of(width, options);
    if (is_basic(options)) {
      add("conv1", conv(in, width, 3, stride), "bn1", norm(width, Activation::kRelu));
      add("conv2", conv(width, out, 3), "bn2", norm(out, Activation::kNone));
    } else {
      const int64_t inner = width * options.base_width / 64 * options.groups;
      if (ibn)
        add_ibn(in, inner);
      else
        add("conv1", conv(in, inner, 1), "bn1", norm(inner, Activation::kRelu));
      add("conv2", conv(inner, inner, 3, stride, options.groups), "bn2",
          norm(inner, Activation::kRelu));
      add("conv3", conv(inner, out, 1), "bn3", norm(out, Activation::kNone));
    }
    if (options.squeeze_excite) gate_ = register_module("se", std::make_shared<Gate>(out));
    if (stride == 1 && in == out) return;
    auto shortcut = std::make_shared<Chain>();
    const bool pools = options.avg_down && stride > 1;
    if (pools) {
      shortcut->add(std::make_shared<AvgPool>(AvgPoolOptions{}));
      size_rule_ = "image_sides_must_be_multiples_of_" + std::to_string(4 * size_unit(options));
    }
    const int first = pools ? 1 : 0;
    shortcut->add(std::to_string(first), conv(in, out, 1, pools ? 1 : stride));
    shortcut->add(std::to_string(first + 1), norm(out, Activation::kNone));
    shortcut_ = register_module("downsample", shortcut);
  }

  torch::Tensor forward(const torch::Tensor& x) override {
    torch::Tensor y = x;
    for (const ModulePtr& layer : layers_) y = layer->forward(y);
    if (gate_) y = gate_->forward(y);
    return torch::relu_(y.add_(shortcut_ ? shortcut_->forward(x) : x));
  }

  std::string emit(OnnxWriter& graph, const std::string& input) const override {
    std::string y = input;
    for (const ModulePtr& layer : layers_) y = layer->emit(graph, y);
    if (gate_) y = gate_->emit(graph, y);
    auto shortcut = shortcut_ ? shortcut_->emit(graph, input) : input;
    // Where the branches differ by a row or column, a reader must neither add nor broadcast them.
    if (!size_rule_.empty())
      shortcut =
          graph.add_node("Reshape", {shortcut, graph.add_node("Shape", {y})}, {}, size_rule_);
    return graph.add_node("Relu", {graph.add_node("Add", {y, shortcut})});
  }

 private:
  ModulePtr norm(int64_t channels, Activation activation) const {
    return std::make_shared<BatchNorm>(channels, norm_, activation);
  }

  void add(const std::string& conv_name, ModulePtr convolution, const std::string& norm_name,
           ModulePtr normalisation) {
    layers_.push_back(register_module(conv_name, std::move(convolution)));
    layers_.push_back(register_module(norm_name, std::move(normalisation)));
  }

  void add_ibn(int64_t in, int64_t inner) {
    const auto convolution = register_module("conv1", conv(in, inner, 1));
    const auto norms = register_module("bn1", std::make_shared<Chain>());
    const auto instance = std::make_shared<InstanceNorm>(inner / 2);
    const auto batch = norm(inner - inner / 2, Activation::kNone);
    norms->add("IN", instance).add("BN", batch);
    layers_.push_back(std::make_shared<HalfInstanceNorm>(convolution, instance, batch, inner));
  }

  BatchNormOptions norm_;
  std::vector<ModulePtr> layers_;
  ModulePtr gate_;
  ModulePtr shortcut_;
  std::string size_rule_;  // of shortcuts that only fit some sizes
};

}  // namespace

ResNet::ResNet(const ResNetOptions& options) : options_(options) {
  check_last_stride(options.last_stride);
  int64_t channels = 64;
  add("conv1", conv(3, channels, 7, 2));
  add("bn1", std::make_shared<BatchNorm>(
                 channels, BatchNormOptions{.momentum = options.bn_momentum}, Activation::kRelu));
  add(std::make_shared<MaxPool3x3>());
  stages_ = {layers()};
  const std::array<int, 4> blocks = blocks_of(options.depth);
  for (size_t s = 0; s < blocks.size(); ++s) {
    const int64_t width = int64_t{64} << s;
    auto layer = std::make_shared<Chain>();
    for (int b = 0; b < blocks[s]; ++b) {
      const int64_t stage_stride = s == 0 ? 1 : s == 3 ? options.last_stride : 2;
      layer->add(std::to_string(b),
                 std::make_shared<Residual>(channels, width, b == 0 ? stage_stride : 1,
                                            options.ibn && s < 3, options));
      channels = outputs_of(width, options);
    }
    add("layer" + std::to_string(s + 1), layer);
    stages_.push_back(layer->layers());
  }
  if (options.classifier)
    register_module("fc", std::make_shared<Linear>(channels, kClasses, /*bias=*/true));
}

torch::Tensor ResNet::forward(const torch::Tensor& x) {
  if (options_.avg_down) {
    const int64_t unit = size_unit(options_);
    const auto fits = [&](int64_t n) { return ((n + 1) / 2 + 1) / 2 % unit == 0; };
    if (!fits(x.size(2)) || !fits(x.size(3))) {
      throw Error("the ResNet with average-pooled shortcuts cannot take images of " +
                  std::to_string(x.size(3)) + "x" + std::to_string(x.size(2)) +
                  ": choose a width and height that are multiples of " + std::to_string(4 * unit));
    }
  }
  return Chain::forward(x);
}

int64_t ResNet::channels_of(int depth) {
  return depth < kLeastBottlenecks ? 512 : 512 * kExpansion;
}

}  // namespace cairn::nn
