#include "cairn/engine/plan/weight_cache.h"

namespace cairn::engine {

std::shared_ptr<void> WeightCache::packed(const std::string& name, const Tensor& tensor,
                                          const Layout& from, const Layout& to) {
  if (same_bytes(from, to)) return tensor.memory();
  const std::lock_guard lock(mutex_);
  std::vector<Packed>& known = packed_[name];
  for (const Packed& packed : known)
    if (packed.from == from && packed.to == to) return packed.memory;
  const Tensor room(DType::kU8, {static_cast<int64_t>(to.get_size())});
  dnnl::memory source(from, engine_, const_cast<void*>(tensor.memory().get()));
  dnnl::memory target(to, engine_, room.memory().get());
  dnnl::stream stream(engine_);
  dnnl::reorder(source, target).execute(stream, source, target);
  stream.wait();
  known.push_back({from, to, room.memory()});
  return room.memory();
}

std::shared_ptr<void> WeightCache::made(const std::string& name, const std::string& arrangement,
                                        const std::function<std::shared_ptr<void>()>& make) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<void>& memory = made_[{name, arrangement}];
  if (memory == nullptr) memory = make();
  return memory;
}

}  // namespace cairn::engine
