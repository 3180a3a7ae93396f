#include "cairn/engine/plan/dnnl_step.h"

namespace cairn::engine {

DnnlStep::DnnlStep(const dnnl::engine& engine, dnnl::primitive primitive, const Layout& scratchpad)
    : primitive_(std::move(primitive)) {
  scratchpad_bytes = scratchpad.get_size();
  has_scratchpad_ = scratchpad_bytes > 0;
  if (!has_scratchpad_) return;
  memories_.emplace_back(scratchpad, engine, nullptr);
  bound_.push_back(nullptr);
  arguments_.push_back({DNNL_ARG_SCRATCHPAD, memories_.back().get()});
}

void DnnlStep::add(const dnnl::engine& engine, const PlanBuilder::Argument& argument,
                   bool written) {
  memories_.emplace_back(argument.layout, engine, nullptr);
  bound_.push_back(nullptr);
  buffers_.push_back(argument.buffer);
  arguments_.push_back({argument.id, memories_.back().get()});
  (written ? writes : reads).push_back(argument.buffer);
}

void DnnlStep::run(RunState& state) {
  const size_t first = has_scratchpad_ ? 1 : 0;
  for (size_t i = 0; i < memories_.size(); ++i) {
    void* address = i < first ? state.scratchpad : state.addresses[buffers_[i - first]];
    if (address == bound_[i]) continue;
    memories_[i].set_data_handle(address);
    bound_[i] = address;
  }
  dnnl::error::wrap_c_api(
      dnnl_primitive_execute(primitive_.get(), state.stream->get(),
                             static_cast<int>(arguments_.size()), arguments_.data()),
      "a primitive failed");
}

}  // namespace cairn::engine
