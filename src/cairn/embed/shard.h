// Which part of a list of photos one of several processes embeds.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace cairn::embed {

// Shard index of count, from 0. Shards are consecutive pieces of the list in id order, their sizes
// at most one apart, so that the merged shards are the list again.
struct Shard {
  size_t index = 0;
  size_t count = 1;

  bool whole() const { return count == 1; }
  // [begin, end) of a list of this length.
  std::pair<size_t, size_t> range(size_t photos) const;
  std::string folder() const;  // "shard-2-of-8"
};

// "2/8": the third of eight. Throws Error on anything else.
Shard parse_shard(const std::string& text);

// The shard that RANK and WORLD_SIZE (torchrun, Kubernetes), else SLURM_PROCID and SLURM_NTASKS,
// give this process; the whole list where none is set. Throws Error where one is set without its
// partner, or to what is no rank. variable: getenv, null where there is none.
Shard shard_from_environment(const std::function<const char*(const char*)>& variable);

}  // namespace cairn::embed
