// A graph made ready to run for one set of input shapes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/engine/graph.h"
#include "cairn/engine/plan/step.h"
#include "cairn/engine/plan/weight_cache.h"
#include "cairn/engine/precision.h"

namespace cairn::engine {

class Plan {
 public:
  // The plan that computes the outputs for inputs of these shapes. The graph and the weights must
  // outlive it.
  Plan(const Graph& graph, WeightCache& weights, const TensorMap& inputs,
       const std::vector<std::string>& outputs, Precision precision);

  // Runs on the calling thread with an arena of at least arena_bytes() bytes, aligned to 64 bytes.
  // Throws Error as operators do, and PlanMismatch.
  TensorMap run(const TensorMap& inputs, char* arena);

  size_t arena_bytes() const { return arena_bytes_; }
  size_t reorders() const { return reorders_; }
  const std::vector<std::unique_ptr<Step>>& steps() const { return steps_; }
  // What the step reads and writes, weights included.
  double bytes_of(const Step& step) const;
  // Runs as run() does, and adds the seconds of each step.
  TensorMap measure(const TensorMap& inputs, char* arena, std::vector<double>& seconds);

 private:
  struct Output {
    enum class Kind { kConstant, kBuffer, kDynamic };
    std::string name;
    Kind kind = Kind::kBuffer;
    Tensor constant;
    DType dtype = DType::kF32;
    Shape shape;
  };
  void place_buffers();
  void bind(const TensorMap& inputs, char* arena, std::vector<Tensor>& outputs);
  TensorMap collect(std::vector<Tensor>& outputs);

  std::vector<std::string> input_names_;
  std::vector<Output> outputs_;
  std::vector<Buffer> buffers_;
  std::vector<size_t> offsets_;  // of arena buffers
  std::vector<std::unique_ptr<Step>> steps_;
  size_t scratchpad_offset_ = 0;
  size_t arena_bytes_ = 0;
  size_t reorders_ = 0;
  dnnl::stream stream_;
  RunState state_;
};

}  // namespace cairn::engine
