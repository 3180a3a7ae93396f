#include "cairn_train/nn/pooling.h"

namespace cairn::nn {
namespace {

constexpr double kGemFloor = 1e-6;

std::string add_scalar(OnnxWriter& graph, const std::string& name, double value) {
  return graph.add_initializer(name, torch::full({}, value, torch::TensorOptions(torch::kFloat32)));
}

}  // namespace

torch::Tensor MaxPool3x3::forward(const torch::Tensor& x) {
  return torch::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});
}

std::string MaxPool3x3::emit(OnnxWriter& graph, const std::string& input) const {
  return graph.add_node("MaxPool", {input},
                        {{"kernel_shape", std::vector<int64_t>{3, 3}},
                         {"strides", std::vector<int64_t>{2, 2}},
                         {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
}

torch::Tensor AvgPool::forward(const torch::Tensor& x) {
  const auto& o = options_;
  return torch::avg_pool2d(x, o.kernel, o.stride, o.padding, o.ceil, /*count_include_pad=*/!o.ceil);
}

std::string AvgPool::emit(OnnxWriter& graph, const std::string& input) const {
  const auto& o = options_;
  OnnxAttributes attributes{{"kernel_shape", std::vector<int64_t>{o.kernel, o.kernel}},
                            {"strides", std::vector<int64_t>{o.stride, o.stride}}};
  if (o.ceil) attributes["ceil_mode"] = int64_t{1};
  if (o.padding > 0) {
    attributes["pads"] = std::vector<int64_t>(4, o.padding);
    attributes["count_include_pad"] = int64_t{1};
  }
  return graph.add_node("AveragePool", {input}, attributes);
}

torch::Tensor GlobalAvgPool::forward(const torch::Tensor& x) { return x.mean({2, 3}); }

std::string GlobalAvgPool::emit(OnnxWriter& graph, const std::string& input) const {
  return graph.add_node("Flatten", {graph.add_node("GlobalAveragePool", {input})});
}

torch::Tensor AvgMaxPool::forward(const torch::Tensor& x) {
  return x.mean({2, 3}) + x.amax({2, 3});
}

std::string AvgMaxPool::emit(OnnxWriter& graph, const std::string& input) const {
  const auto sum = graph.add_node("Add", {graph.add_node("GlobalAveragePool", {input}),
                                          graph.add_node("GlobalMaxPool", {input})});
  return graph.add_node("Flatten", {sum});
}

GemPool::GemPool(double p, bool trainable) : fixed_p_(p) {
  if (trainable) p_ = register_parameter("p", torch::full({1}, p));
}

torch::Tensor GemPool::forward(const torch::Tensor& x) {
  const auto floored = x.clamp_min(kGemFloor);
  if (p_.defined()) return floored.pow(p_).mean({2, 3}).pow(1.0 / p_);
  // Powers by multiplication are several times as fast as pow.
  const auto powers = fixed_p_ == 3.0 ? floored * floored * floored : floored.pow(fixed_p_);
  return powers.mean({2, 3}).pow(1.0 / fixed_p_);
}

std::string GemPool::emit(OnnxWriter& graph, const std::string& input) const {
  const double p = p_.defined() ? p_.item<double>() : fixed_p_;
  const auto floored = graph.add_node("Clip", {input, add_scalar(graph, "gem.floor", kGemFloor)});
  const auto powers = graph.add_node("Pow", {floored, add_scalar(graph, "gem.p", p)});
  const auto mean = graph.add_node("GlobalAveragePool", {powers});
  const auto root = graph.add_node("Pow", {mean, add_scalar(graph, "gem.inverse_p", 1.0 / p)});
  return graph.add_node("Flatten", {root});
}

}  // namespace cairn::nn
