#include "cairn/engine/plan/generic_step.h"

#include <cstring>

#include "cairn/engine/interpreter.h"

namespace cairn::engine {
namespace {

// A tensor over memory of the plan, which outlives it.
Tensor over(const RunState& state, DType dtype, const Shape& shape, BufferId buffer) {
  return Tensor::view(dtype, shape,
                      std::shared_ptr<void>(std::shared_ptr<void>(), state.addresses[buffer]));
}

// The inputs of one call: tensors, and pointers to them.
class Gathered {
 public:
  Gathered(const RunState& state, const std::vector<StepInput>& inputs) : views_(inputs.size()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const StepInput& input = inputs[i];
      if (input.kind == StepInput::Kind::kPlanned)
        views_[i] = over(state, input.dtype, input.shape, input.buffer);
      pointers_.push_back(input.kind == StepInput::Kind::kNone       ? nullptr
                          : input.kind == StepInput::Kind::kConstant ? &input.constant
                          : input.kind == StepInput::Kind::kPlanned
                              ? &views_[i]
                              : &state.dynamic.at(input.name));
    }
  }
  const std::vector<const Tensor*>& pointers() const { return pointers_; }
  // Whether the tensor lies in memory of the plan.
  bool holds(const Tensor& tensor) const {
    for (const Tensor& view : views_)
      if (view.memory() != nullptr && view.memory() == tensor.memory()) return true;
    return false;
  }

 private:
  std::vector<Tensor> views_;
  std::vector<const Tensor*> pointers_;
};

// Hands out the planned buffers; refuses a shape that is not the planned one.
class PlannedAllocator : public Allocator {
 public:
  PlannedAllocator(const RunState& state, const std::vector<StepOutput>& outputs)
      : state_(state), outputs_(outputs) {}
  Tensor allocate(size_t index, DType type, const Shape& shape) override {
    if (index >= outputs_.size() || !outputs_[index].wanted) return {type, shape};
    const StepOutput& output = outputs_[index];
    if (type != output.dtype || shape != output.shape) throw PlanMismatch();
    return over(state_, type, shape, output.buffer);
  }

 private:
  const RunState& state_;
  const std::vector<StepOutput>& outputs_;
};

}  // namespace

GenericStep::GenericStep(const Graph& graph, GraphNode node, std::vector<StepInput> inputs,
                         std::vector<StepOutput> outputs)
    : graph_(graph),
      node_(std::move(node)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)) {
  label = node_.op_type;
  for (const StepInput& input : inputs_)
    if (input.kind == StepInput::Kind::kPlanned) reads.push_back(input.buffer);
  for (const StepOutput& output : outputs_)
    if (output.wanted) writes.push_back(output.buffer);
}

void GenericStep::run(RunState& state) {
  const Gathered inputs(state, inputs_);
  PlannedAllocator allocator(state, outputs_);
  const std::vector<Tensor> results = run_graph_node(graph_, node_, inputs.pointers(), allocator);
  for (size_t k = 0; k < outputs_.size(); ++k) {
    if (!outputs_[k].wanted) continue;
    const Tensor& result = results[k];
    if (result.dtype() != outputs_[k].dtype || result.shape() != outputs_[k].shape ||
        result.memory() == nullptr)
      throw PlanMismatch();
    void* planned = state.addresses[outputs_[k].buffer];
    if (result.memory().get() != planned && result.bytes() > 0)
      std::memmove(planned, result.memory().get(), result.bytes());
  }
}

DynamicStep::DynamicStep(const Graph& graph, GraphNode node, std::vector<StepInput> inputs)
    : graph_(graph), node_(std::move(node)), inputs_(std::move(inputs)) {
  label = node_.op_type + " (dynamic)";
  for (const StepInput& input : inputs_)
    if (input.kind == StepInput::Kind::kPlanned) reads.push_back(input.buffer);
}

void DynamicStep::run(RunState& state) {
  const Gathered inputs(state, inputs_);
  HeapAllocator allocator(graph_.max_tensor_elements);
  std::vector<Tensor> results = run_graph_node(graph_, node_, inputs.pointers(), allocator);
  for (size_t k = 0; k < node_.outputs.size(); ++k) {
    if (node_.outputs[k].empty()) continue;
    if (inputs.holds(results[k])) {  // memory of the plan will hold something else later
      Tensor copy(results[k].dtype(), results[k].shape());
      if (copy.bytes() > 0)
        std::memcpy(copy.memory().get(), results[k].memory().get(), copy.bytes());
      results[k] = copy;
    }
    state.dynamic[node_.outputs[k]] = std::move(results[k]);
  }
  for (const std::string& name : last_uses) state.dynamic.erase(name);
}

}  // namespace cairn::engine
