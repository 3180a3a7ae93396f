#include "cairn_train/run/run_state.h"

#include <fmt/format.h>

#include <map>

#include "cairn/base/error.h"

namespace cairn::run {
namespace {

// The rows of rank r as they lie in the whole tensor, on every rank, one rank after the other: no
// process needs room for more than one part.
void spread_rows(const torch::Tensor& whole, const torch::Tensor& own, const Ranks& ranks) {
  int64_t begin = 0;
  int rank = 0;
  for (const torch::Tensor& count : ranks.gather(torch::tensor({own.size(0)}, torch::kLong))) {
    const auto rows = count.item<int64_t>();
    std::vector<int64_t> shape = own.sizes().vec();
    shape[0] = rows;
    torch::Tensor part = torch::empty(shape, own.options());
    if (ranks.first()) part.copy_(whole.narrow(0, begin, rows));
    ranks.from_first(part);
    if (rank++ == ranks.rank()) own.copy_(part);
    begin += rows;
  }
}

// The saved tensor of this name. rows: of all ranks where it is split, else -1.
torch::Tensor saved_tensor(const std::map<std::string, torch::Tensor>& by_name,
                           const StateTensor& item, int64_t rows,
                           const std::filesystem::path& file) {
  const auto found = by_name.find(item.name);
  std::vector<int64_t> shape = item.tensor.sizes().vec();
  if (rows >= 0) shape[0] = rows;
  if (found == by_name.end() || found->second.sizes() != shape ||
      found->second.scalar_type() != item.tensor.scalar_type())
    throw Error(fmt::format("{}: tensor '{}' is missing or of another shape; train with --fresh",
                            file.string(), item.name));
  return found->second;
}

}  // namespace

std::vector<StateTensor> head_state(Objective& objective) {
  std::vector<StateTensor> state;
  if (const auto head = objective.module())
    for (auto& [name, tensor] : nn::state_dict(*head))
      state.push_back({nn::kHeadPrefix + name, tensor, objective.is_split(name)});
  return state;
}

std::vector<StateTensor> state_of(const nn::EmbeddingNet& net, Objective& objective,
                                  const optim::Optimiser& optimiser, const WeightAverage& average) {
  std::vector<StateTensor> state;
  for (auto& [name, tensor] : nn::state_dict(net)) state.push_back({"net." + name, tensor});
  for (StateTensor& item : head_state(objective)) state.push_back(std::move(item));
  for (auto& item : optimiser.state())
    state.push_back({"optimiser." + item.name, item.tensor, item.split});
  for (auto& [name, tensor] : average.state()) state.push_back({"average." + name, tensor});
  return state;
}

nn::NamedTensors on_cpu(nn::NamedTensors tensors) {
  for (auto& entry : tensors) entry.second = entry.second.cpu();
  return tensors;
}

nn::NamedTensors whole_tensors(const std::vector<StateTensor>& state, const Ranks& ranks) {
  nn::NamedTensors whole;
  for (const StateTensor& item : state) {
    if (item.split && !ranks.alone()) {
      const std::vector<torch::Tensor> parts = ranks.rows_at_first(item.tensor.detach());
      if (ranks.first()) whole.emplace_back(item.name, torch::cat(parts).cpu());
    } else if (ranks.first()) {
      whole.emplace_back(item.name, item.tensor.cpu());
    }
  }
  return whole;
}

std::optional<Position> spread_state(const std::optional<Checkpoint>& checkpoint,
                                     const std::vector<StateTensor>& state, const Ranks& ranks,
                                     const std::filesystem::path& file) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, torch::Tensor> by_name;
  if (checkpoint) by_name.insert(checkpoint->tensors.begin(), checkpoint->tensors.end());
  if (checkpoint && by_name.size() != state.size())
    throw Error(fmt::format("{}: holds {} tensors, this run has {}; train with --fresh",
                            file.string(), by_name.size(), state.size()));
  const std::string position =
      ranks.from_first(checkpoint ? position_text(checkpoint->position) : std::string());
  for (const StateTensor& item : state) {
    torch::Tensor own = item.tensor;
    if (!item.split || ranks.alone()) {
      if (checkpoint) own.copy_(saved_tensor(by_name, item, -1, file));
      ranks.from_first(own);
    } else if (!position.empty()) {
      const auto rows = static_cast<int64_t>(ranks.sum(static_cast<double>(own.size(0))));
      spread_rows(checkpoint ? saved_tensor(by_name, item, rows, file) : torch::Tensor(), own,
                  ranks);
    }
  }
  if (position.empty()) return std::nullopt;
  return parse_position(position);
}

}  // namespace cairn::run
