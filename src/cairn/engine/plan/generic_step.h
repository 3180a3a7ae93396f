// Steps that are functions of ops/: with planned outputs, or with outputs whose shapes only the
// data tells.
#pragma once

#include <string>
#include <vector>

#include "cairn/engine/graph.h"
#include "cairn/engine/plan/step.h"

namespace cairn::engine {

// Where a generic step finds an input.
struct StepInput {
  enum class Kind { kNone, kConstant, kPlanned, kDynamic };
  Kind kind = Kind::kNone;
  Tensor constant;
  DType dtype = DType::kF32;
  Shape shape;
  BufferId buffer = 0;
  std::string name;  // kDynamic
};

struct StepOutput {
  bool wanted = false;
  DType dtype = DType::kF32;
  Shape shape;
  BufferId buffer = 0;
};

// Row-major inputs and outputs, all planned or constant.
class GenericStep : public Step {
 public:
  GenericStep(const Graph& graph, GraphNode node, std::vector<StepInput> inputs,
              std::vector<StepOutput> outputs);
  void run(RunState& state) override;

 private:
  const Graph& graph_;
  GraphNode node_;
  std::vector<StepInput> inputs_;
  std::vector<StepOutput> outputs_;
};

// Leaves its outputs in RunState::dynamic, and takes out what it is the last to use.
class DynamicStep : public Step {
 public:
  DynamicStep(const Graph& graph, GraphNode node, std::vector<StepInput> inputs);
  void run(RunState& state) override;

  std::vector<std::string> last_uses;  // dynamic values that no later step or output needs

 private:
  const Graph& graph_;
  GraphNode node_;
  std::vector<StepInput> inputs_;
};

}  // namespace cairn::engine
