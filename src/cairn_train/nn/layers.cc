#include "cairn_train/nn/layers.h"

#include <cmath>

#include "cairn/base/error.h"
#include "cairn_train/nn/depthwise.h"

namespace cairn::nn {
namespace {

constexpr double kInstanceNormEps = 1e-5;

// Part of a parameter, which keeps its name in the graph.
torch::Tensor rows(OnnxWriter& graph, const torch::Tensor& parameter, ChannelRange part) {
  if (part.begin == 0 && part.end == parameter.size(0)) return parameter;
  const torch::Tensor view = parameter.narrow(0, part.begin, part.end - part.begin);
  graph.name_tensors({{graph.key_of(parameter, "part"), view}});
  return view;
}

}  // namespace

Chain& Chain::add(const std::string& name, ModulePtr layer) {
  layers_.push_back(register_module(name, std::move(layer)));
  return *this;
}

Chain& Chain::add(ModulePtr layer) {
  layers_.push_back(std::move(layer));
  return *this;
}

torch::Tensor Chain::forward(const torch::Tensor& x) {
  torch::Tensor y = x;
  for (const ModulePtr& layer : layers_) y = layer->forward(y);
  return y;
}

std::string Chain::emit(OnnxWriter& graph, const std::string& input) const {
  std::string value = input;
  for (const ModulePtr& layer : layers_) value = layer->emit(graph, value);
  return value;
}

Conv2d::Conv2d(const ConvOptions& options) : options_(options) {
  const auto& o = options_;
  const double fan_out = static_cast<double>(o.kernel * o.kernel * o.out) / o.groups;
  weight_ = register_parameter(
      "weight",
      torch::randn({o.out, o.in / o.groups, o.kernel, o.kernel}).mul_(std::sqrt(2.0 / fan_out)));
  if (o.bias) bias_ = register_parameter("bias", torch::zeros({o.out}));
}

int64_t Conv2d::total_pad(int64_t n) const {
  const auto& o = options_;
  if (o.padding == Padding::kCentred) return (o.kernel - 1) * o.dilation;
  if (o.padding == Padding::kStatic) n = o.nominal_size;
  const int64_t outputs = (n + o.stride - 1) / o.stride;
  return std::max<int64_t>((outputs - 1) * o.stride + o.kernel - n, 0);
}

torch::Tensor Conv2d::forward(const torch::Tensor& x) {
  const auto& o = options_;
  const auto convolve = [&](const torch::Tensor& input, int64_t pad_y, int64_t pad_x) {
    if (!o.bias && o.dilation == 1 && depthwise_is_faster(input, weight_, o.groups))
      return depthwise_conv2d(input, weight_, o.stride, pad_y, pad_x);
    return torch::conv2d(input, weight_, bias_, {o.stride, o.stride}, {pad_y, pad_x},
                         {o.dilation, o.dilation}, o.groups);
  };
  const int64_t pad_y = total_pad(x.size(2));
  const int64_t pad_x = total_pad(x.size(3));
  // The convolution pads by itself, without a copy, where both sides get the same.
  if (pad_y % 2 == 0 && pad_x % 2 == 0) return convolve(x, pad_y / 2, pad_x / 2);
  const auto padded =
      torch::constant_pad_nd(x, {pad_x / 2, pad_x - pad_x / 2, pad_y / 2, pad_y - pad_y / 2});
  return convolve(padded, 0, 0);
}

std::string Conv2d::emit(OnnxWriter& graph, const std::string& input) const {
  return emit_filters(graph, input, weight_, bias_, options_.groups);
}

std::string Conv2d::emit_part(OnnxWriter& graph, const std::string& input,
                              ChannelRange part) const {
  const int64_t per_group = options_.out / options_.groups;
  CAIRN_ASSERT(options_.groups == 1 ||
               (part.begin % per_group == 0 && part.end == part.begin + per_group));
  return emit_filters(graph, input, rows(graph, weight_, part),
                      bias_.defined() ? rows(graph, bias_, part) : bias_, 1);
}

std::string Conv2d::emit_filters(OnnxWriter& graph, const std::string& input,
                                 const torch::Tensor& weight, const torch::Tensor& bias,
                                 int64_t groups) const {
  const auto& o = options_;
  std::vector<std::string> inputs{input, graph.add_initializer("weight", weight)};
  if (bias.defined()) inputs.push_back(graph.add_initializer("bias", bias));
  OnnxAttributes attributes{{"kernel_shape", std::vector<int64_t>{o.kernel, o.kernel}},
                            {"strides", std::vector<int64_t>{o.stride, o.stride}},
                            {"group", groups}};
  if (o.dilation > 1) attributes["dilations"] = std::vector<int64_t>{o.dilation, o.dilation};
  // With stride 1 and an odd kernel the padding does not depend on the size.
  if (o.padding == Padding::kTfSame && (o.stride > 1 || o.kernel % 2 == 0)) {
    attributes["auto_pad"] = std::string("SAME_UPPER");
  } else {
    const int64_t pad = total_pad(o.kernel);
    attributes["pads"] = std::vector<int64_t>{pad / 2, pad / 2, pad - pad / 2, pad - pad / 2};
  }
  return graph.add_node("Conv", inputs, attributes);
}

BatchNorm::BatchNorm(int64_t channels, const BatchNormOptions& options, Activation activation)
    : options_(options), activation_(activation) {
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
  running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
  running_var_ = register_buffer("running_var", torch::ones({channels}));
  num_batches_tracked_ =
      register_buffer("num_batches_tracked", torch::zeros({}, torch::TensorOptions(torch::kInt64)));
}

torch::Tensor BatchNorm::forward(const torch::Tensor& x) {
  const bool of_batch = is_training() && !frozen_;
  if (of_batch) {
    num_batches_tracked_ += 1;
    const NormState state{weight_,           bias_,        running_mean_, running_var_,
                          options_.momentum, options_.eps, shared_};
    if (fused_is_faster(x)) return norm_activation(x, state, activation_);
    if (shared_ != nullptr) return activate(shared_batch_norm(x, state), activation_);
  }
  return activate(torch::batch_norm(x, weight_, bias_, running_mean_, running_var_, of_batch,
                                    options_.momentum, options_.eps, /*cudnn_enabled=*/true),
                  activation_);
}

void check_last_stride(int stride) {
  if (stride != 1 && stride != 2)
    throw Error("last_stride: " + std::to_string(stride) + " is not 1 or 2");
}

void freeze_batch_norms(torch::nn::Module& module) {
  module.apply([](torch::nn::Module& part) {
    if (auto* const norm = dynamic_cast<BatchNorm*>(&part)) norm->freeze();
  });
}

void share_batch_norms(torch::nn::Module& module, const SharedBatch* batch) {
  module.apply([&](torch::nn::Module& part) {
    if (auto* const norm = dynamic_cast<BatchNorm*>(&part)) norm->share(batch);
  });
}

std::string BatchNorm::emit(OnnxWriter& graph, const std::string& input) const {
  return emit_part(graph, input, {0, weight_.size(0)});
}

std::string BatchNorm::emit_part(OnnxWriter& graph, const std::string& input,
                                 ChannelRange part) const {
  std::vector<std::string> inputs{input};
  for (const torch::Tensor& numbers : {weight_, bias_, running_mean_, running_var_})
    inputs.push_back(graph.add_initializer("norm", rows(graph, numbers, part)));
  const std::string normal =
      graph.add_node("BatchNormalization", inputs, {{"epsilon", static_cast<float>(options_.eps)}});
  return emit_activation(graph, normal, activation_);
}

InstanceNorm::InstanceNorm(int64_t channels) {
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
}

torch::Tensor InstanceNorm::forward(const torch::Tensor& x) {
  return torch::instance_norm(x, weight_, bias_, {}, {}, /*use_input_stats=*/true, /*momentum=*/0.1,
                              kInstanceNormEps, /*cudnn_enabled=*/true);
}

std::string InstanceNorm::emit(OnnxWriter& graph, const std::string& input) const {
  return graph.add_node(
      "InstanceNormalization",
      {input, graph.add_initializer("weight", weight_), graph.add_initializer("bias", bias_)},
      {{"epsilon", static_cast<float>(kInstanceNormEps)}});
}

std::string emit_activation(OnnxWriter& graph, const std::string& input, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return graph.add_node("Relu", {input});
    case Activation::kSilu:
      return graph.add_node("Mul", {input, graph.add_node("Sigmoid", {input})});
    case Activation::kNone:
      break;
  }
  return input;
}

PRelu::PRelu() { weight_ = register_parameter("weight", torch::full({1}, 0.25)); }

torch::Tensor PRelu::forward(const torch::Tensor& x) { return torch::prelu(x, weight_); }

std::string PRelu::emit(OnnxWriter& graph, const std::string& input) const {
  return graph.add_node("PRelu", {input, graph.add_initializer("slope", weight_)});
}

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                     const torch::Tensor& bias) {
  return torch::conv2d(x.reshape({x.size(0), x.size(1), 1, 1}),
                       weight.reshape({weight.size(0), weight.size(1), 1, 1}), bias)
      .reshape({x.size(0), weight.size(0)});
}

Linear::Linear(int64_t in, int64_t out, bool bias) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  weight_ = register_parameter("weight", torch::empty({out, in}).uniform_(-bound, bound));
  if (bias) bias_ = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

torch::Tensor Linear::forward(const torch::Tensor& x) { return linear(x, weight_, bias_); }

std::string Linear::emit(OnnxWriter& graph, const std::string& input) const {
  std::vector<std::string> inputs{input, graph.add_initializer("weight", weight_)};
  if (bias_.defined()) inputs.push_back(graph.add_initializer("bias", bias_));
  return graph.add_node("Gemm", inputs, {{"transB", int64_t{1}}});
}

SqueezeExcite::SqueezeExcite(int64_t channels, int64_t reduced) {
  reduce_ = register_module("conv_reduce", std::make_shared<Conv2d>(ConvOptions{
                                               .in = channels, .out = reduced, .bias = true}));
  expand_ = register_module("conv_expand", std::make_shared<Conv2d>(ConvOptions{
                                               .in = reduced, .out = channels, .bias = true}));
}

torch::Tensor SqueezeExcite::forward(const torch::Tensor& x) {
  const auto hidden = torch::silu(reduce_->forward(x.mean({2, 3}, /*keepdim=*/true)));
  const auto gate = torch::sigmoid(expand_->forward(hidden));
  return fused_is_faster(x) ? scale_channels(x, gate) : x * gate;
}

std::string SqueezeExcite::emit(OnnxWriter& graph, const std::string& input) const {
  const auto hidden = reduce_->emit(graph, graph.add_node("GlobalAveragePool", {input}));
  const auto active = emit_activation(graph, hidden, Activation::kSilu);
  return graph.add_node("Mul", {input, graph.add_node("Sigmoid", {expand_->emit(graph, active)})});
}

}  // namespace cairn::nn
