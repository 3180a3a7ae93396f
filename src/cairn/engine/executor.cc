#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/engine/interpreter.h"
#include "cairn/engine/model_impl.h"

namespace cairn::engine {
namespace {

std::string shape_text(const Shape& shape) {
  std::vector<std::string> dims;
  for (const int64_t dim : shape) dims.push_back(dim < 0 ? "?" : std::to_string(dim));
  return fmt::format("{}", fmt::join(dims, "x"));
}

void check_input(const Graph& graph, const ValueInfo& input, const Tensor& tensor) {
  const auto fail = [&](const std::string& why) {
    throw Error(fmt::format("{}: input \"{}\" {}", graph.file, input.name, why));
  };
  if (tensor.dtype() != input.dtype)
    fail(fmt::format("is {}, the model wants {}", dtype_name(tensor.dtype()),
                     dtype_name(input.dtype)));
  if (!input.has_shape) return;
  bool fits = tensor.shape().size() == input.shape.size();
  for (size_t i = 0; fits && i < input.shape.size(); ++i)
    fits = input.shape[i] < 0 || input.shape[i] == tensor.shape()[i];
  if (!fits)
    fail(fmt::format("has the shape {}, the model wants {}", shape_text(tensor.shape()),
                     shape_text(input.shape)));
}

}  // namespace

struct Executor::Impl {
  explicit Impl(std::shared_ptr<const Model> m) : model(std::move(m)) {}
  std::shared_ptr<const Model> model;
};

Executor::Executor(std::shared_ptr<const Model> model)
    : impl_(std::make_unique<Impl>(std::move(model))) {}
Executor::~Executor() = default;
Executor::Executor(const Executor& other) : Executor(other.impl_->model) {}

const Model& Executor::model() const { return *impl_->model; }

TensorMap Executor::run(const TensorMap& inputs, const std::vector<std::string>& outputs) {
  const Graph& graph = impl_->model->impl().graph;
  for (const auto& [name, tensor] : inputs)
    if (std::none_of(graph.inputs.begin(), graph.inputs.end(),
                     [&](const ValueInfo& input) { return input.name == name; }))
      throw Error(fmt::format("{}: the model has no input \"{}\"", graph.file, name));
  for (const ValueInfo& input : graph.inputs) {
    const auto given = inputs.find(input.name);
    if (given == inputs.end())
      throw Error(fmt::format("{}: input \"{}\" is missing", graph.file, input.name));
    check_input(graph, input, given->second);
  }
  std::vector<std::string> wanted = outputs;
  if (wanted.empty())
    for (const ValueInfo& output : graph.outputs) wanted.push_back(output.name);
  for (const std::string& name : wanted)
    if (!graph.is_output(name))
      throw Error(fmt::format("{}: the model has no output \"{}\"", graph.file, name));
  return interpret(graph, inputs, wanted);
}

}  // namespace cairn::engine
