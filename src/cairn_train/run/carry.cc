#include "cairn_train/run/carry.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/nn/safetensors.h"
#include "cairn_train/run/outputs.h"

namespace cairn::run {
namespace {

torch::Tensor head_of(const nn::Safetensors& saved) {
  for (const auto& [key, tensor] : saved.tensors)
    if (key == std::string(nn::kHeadPrefix) + "weight") return tensor;
  return {};
}

}  // namespace

int64_t carry_centres(const std::filesystem::path& weights, const std::vector<int64_t>& landmarks,
                      torch::Tensor centres) {
  const torch::NoGradGuard no_grad;
  const nn::Safetensors saved = nn::load_safetensors(weights);
  const torch::Tensor known = head_of(saved);
  const auto labels = saved.metadata.find(kLabelsKey);
  if (!known.defined() || labels == saved.metadata.end())
    throw Error(
        fmt::format("{}: has no classifier to carry over; set head.carry=false", weights.string()));
  const std::map<int64_t, int64_t> classes = classes_of(labels->second, weights.string());
  const auto count = static_cast<int64_t>(landmarks.size());
  const int64_t k = count > 0 ? centres.size(0) / count : 1;
  if (known.dim() != 2 || known.size(1) != centres.size(1) ||
      known.size(0) != static_cast<int64_t>(classes.size()) * k)
    throw Error(
        fmt::format("{}: its classifier ({} landmarks in {} rows of {}) does not fit this run's "
                    "({} a landmark, "
                    "of {}); set head.carry=false",
                    weights.string(), classes.size(), known.size(0),
                    known.dim() == 2 ? known.size(1) : 0, k, centres.size(1)));
  std::vector<int64_t> from;
  std::vector<int64_t> to;
  for (int64_t own = 0; own < count; ++own) {
    const auto found = classes.find(landmarks[static_cast<size_t>(own)]);
    if (found == classes.end()) continue;
    for (int64_t j = 0; j < k; ++j) {
      from.push_back(found->second * k + j);
      to.push_back(own * k + j);
    }
  }
  const torch::Tensor rows = known.index_select(0, torch::tensor(from, torch::kLong));
  centres.index_copy_(0, torch::tensor(to, torch::kLong).to(centres.device()),
                      rows.to(centres.device()));
  return static_cast<int64_t>(from.size()) / k;
}

}  // namespace cairn::run
