#include "cairn/embed/shard.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "cairn/base/error.h"

namespace cairn::embed {
namespace {

constexpr size_t kMostShards = 100'000;

std::optional<size_t> parse_number(std::string_view text) {
  size_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Shard> make_shard(std::string_view index, std::string_view count) {
  const std::optional<size_t> i = parse_number(index);
  const std::optional<size_t> n = parse_number(count);
  if (!i || !n || *i >= *n || *n > kMostShards) return std::nullopt;
  return Shard{*i, *n};
}

}  // namespace

std::pair<size_t, size_t> Shard::range(size_t photos) const {
  return {photos * index / count, photos * (index + 1) / count};
}

std::string Shard::folder() const {
  return "shard-" + std::to_string(index) + "-of-" + std::to_string(count);
}

Shard parse_shard(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    if (const auto shard = make_shard(text.substr(0, slash), text.substr(slash + 1))) return *shard;
  }
  throw Error("--shard: " + text + " is no shard; write I/N with I from 0 to N-1, as in 0/4");
}

Shard shard_from_environment(const std::function<const char*(const char*)>& variable) {
  constexpr std::array<std::pair<const char*, const char*>, 2> kPairs = {
      {{"RANK", "WORLD_SIZE"}, {"SLURM_PROCID", "SLURM_NTASKS"}}};
  for (const auto& [rank, size] : kPairs) {
    const char* const index = variable(rank);
    const char* const count = variable(size);
    if (!index && !count) continue;
    if (index && count) {
      if (const auto shard = make_shard(index, count)) return *shard;
    }
    throw Error(std::string("the environment has ") + rank + "=" + (index ? index : "(not set)") +
                " and " + size + "=" + (count ? count : "(not set)") +
                ", which is no part of a job; set both, or say --shard I/N (0/1: all photos)");
  }
  return {};
}

}  // namespace cairn::embed
