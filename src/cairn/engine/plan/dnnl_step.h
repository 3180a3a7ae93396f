// Steps that are oneDNN primitives.
#pragma once

#include <vector>

#include "cairn/engine/plan/builder.h"

namespace cairn::engine {

class DnnlStep : public Step {
 public:
  DnnlStep(const dnnl::engine& engine, dnnl::primitive primitive, const Layout& scratchpad);
  void add(const dnnl::engine& engine, const PlanBuilder::Argument& argument, bool written);
  void run(RunState& state) override;

 private:
  dnnl::primitive primitive_;
  // Memories of the arguments; then the scratchpad, where there is one.
  std::vector<dnnl::memory> memories_;
  std::vector<BufferId> buffers_;
  std::vector<void*> bound_;
  std::vector<dnnl_exec_arg_t> arguments_;
  bool has_scratchpad_ = false;
};

}  // namespace cairn::engine
