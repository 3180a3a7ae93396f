#include "cairn/engine/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cairn/base/error.h"
#include "cairn/engine/plan/builder.h"
#include "cairn/engine/plan/memory_plan.h"

namespace cairn::engine {

Plan::Plan(const Graph& graph, WeightCache& weights, const TensorMap& inputs,
           const std::vector<std::string>& outputs, Precision precision)
    : stream_(weights.engine()) {
  PlanBuilder builder(graph, weights, precision);
  for (const auto& [name, tensor] : inputs) {
    builder.add_input(name, input_names_.size(), tensor);
    input_names_.push_back(name);
  }
  const std::vector<size_t> nodes = nodes_for(graph, {outputs.begin(), outputs.end()});
  builder.count_uses(nodes, outputs);
  for (size_t k = 0; k < nodes.size(); ++k) {
    const GraphNode& node = graph.nodes[nodes[k]];
    if (k + 1 < nodes.size() && builder.lower_pair(node, graph.nodes[nodes[k + 1]]))
      ++k;
    else
      builder.lower(node);
  }
  for (const std::string& name : outputs) {
    Output output;
    output.name = name;
    if (builder.finish_output(name, outputs_.size())) {
      output.dtype = builder.value(name).dtype;
      output.shape = builder.value(name).shape;
    } else {
      const bool constant = builder.is_constant(name);
      output.kind = constant ? Output::Kind::kConstant : Output::Kind::kDynamic;
      output.constant = builder.value(name).constant;
    }
    outputs_.push_back(std::move(output));
  }
  buffers_ = std::move(builder.buffers);
  steps_ = std::move(builder.steps);
  reorders_ = builder.reorders;
  place_buffers();
  if (arena_bytes_ > graph.max_memory)
    throw Error(fmt::format("{}: for inputs of this size more than {} bytes of values live at once",
                            graph.file, graph.max_memory));
}

void Plan::place_buffers() {
  std::vector<BufferLife> lives(buffers_.size());
  std::vector<bool> touched(buffers_.size(), false);
  size_t scratchpad = 0;
  for (size_t step = 0; step < steps_.size(); ++step) {
    scratchpad = std::max(scratchpad, steps_[step]->scratchpad_bytes);
    for (const auto* list : {&steps_[step]->reads, &steps_[step]->writes}) {
      for (const BufferId buffer : *list) {
        if (!touched[buffer]) lives[buffer].first = step;
        touched[buffer] = true;
        lives[buffer].last = step;
      }
    }
  }
  for (size_t i = 0; i < buffers_.size(); ++i)
    if (buffers_[i].kind == Buffer::Kind::kArena && touched[i]) lives[i].bytes = buffers_[i].bytes;
  const MemoryPlan plan = plan_memory(lives);
  offsets_ = plan.offsets;
  scratchpad_offset_ = plan.bytes;
  arena_bytes_ = plan.bytes + scratchpad;
  state_.addresses.assign(buffers_.size(), nullptr);
  state_.stream = &stream_;
}

void Plan::bind(const TensorMap& inputs, char* arena, std::vector<Tensor>& outputs) {
  for (const Output& output : outputs_)
    outputs.push_back(output.kind == Output::Kind::kBuffer ? Tensor(output.dtype, output.shape)
                                                           : Tensor());
  for (size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = buffers_[i];
    switch (buffer.kind) {
      case Buffer::Kind::kArena:
        state_.addresses[i] = arena + offsets_[i];
        break;
      case Buffer::Kind::kInput:
        state_.addresses[i] = inputs.at(input_names_[buffer.index]).memory().get();
        break;
      case Buffer::Kind::kOutput:
        state_.addresses[i] = outputs[buffer.index].memory().get();
        break;
      case Buffer::Kind::kConstant:
        state_.addresses[i] = buffer.constant.get();
        break;
    }
  }
  state_.scratchpad = arena + scratchpad_offset_;
  state_.dynamic.clear();
}

TensorMap Plan::collect(std::vector<Tensor>& outputs) {
  TensorMap results;
  for (size_t k = 0; k < outputs_.size(); ++k) {
    const Output& output = outputs_[k];
    results[output.name] = output.kind == Output::Kind::kConstant  ? output.constant
                           : output.kind == Output::Kind::kDynamic ? state_.dynamic.at(output.name)
                                                                   : std::move(outputs[k]);
  }
  state_.dynamic.clear();
  return results;
}

TensorMap Plan::run(const TensorMap& inputs, char* arena) {
  std::vector<Tensor> outputs;
  bind(inputs, arena, outputs);
  for (const std::unique_ptr<Step>& step : steps_) step->run(state_);
  return collect(outputs);
}

double Plan::bytes_of(const Step& step) const {
  size_t bytes = step.weight_bytes;
  for (const auto* list : {&step.reads, &step.writes})
    for (const BufferId buffer : *list) bytes += buffers_[buffer].bytes;
  return static_cast<double>(bytes);
}

TensorMap Plan::measure(const TensorMap& inputs, char* arena, std::vector<double>& seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<Tensor> outputs;
  bind(inputs, arena, outputs);
  seconds.resize(steps_.size(), 0);
  for (size_t i = 0; i < steps_.size(); ++i) {
    const auto start = Clock::now();
    steps_[i]->run(state_);
    seconds[i] += std::chrono::duration<double>(Clock::now() - start).count();
  }
  return collect(outputs);
}

}  // namespace cairn::engine
