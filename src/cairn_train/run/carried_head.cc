#include "cairn_train/run/carried_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "cairn/base/error.h"
#include "cairn_train/nn/checkpoint_keys.h"
#include "cairn_train/nn/stored_weights.h"
#include "cairn_train/run/knowledge.h"

namespace cairn::run {

std::vector<int64_t> carry_over_head(const std::string& init, std::span<const int64_t> landmarks,
                                     int64_t first, torch::Tensor& weight) {
  const nn::StoredWeights file = nn::load_weights(init);
  const torch::Tensor known = nn::find_head(file.tensors, weight.size(1));
  if (!known.defined())
    throw Error(
        fmt::format("{}: has no classifier of {} numbers a centre to carry over; leave "
                    "head.carry_over out",
                    init, weight.size(1)));
  const int64_t centres = weight.size(0) / std::max<int64_t>(1, std::ssize(landmarks));
  const auto labels = file.metadata.find("cairn.labels");
  std::map<int64_t, int64_t> class_of;
  if (labels != file.metadata.end()) class_of = classes_of(labels->second, init);
  if (labels != file.metadata.end() && known.size(0) != std::ssize(class_of) * centres)
    throw Error(
        fmt::format("{}: its classifier has {} rows for {} landmarks, which is not "
                    "head.centers: {}",
                    init, known.size(0), class_of.size(), centres));
  const torch::NoGradGuard no_grad;
  std::vector<int64_t> from;
  std::vector<int64_t> to;
  for (int64_t i = 0; i < std::ssize(landmarks); ++i) {
    int64_t of_file = first + i;
    if (labels != file.metadata.end()) {
      const auto found = class_of.find(landmarks[static_cast<size_t>(i)]);
      of_file = found == class_of.end() ? -1 : found->second;
    }
    if (of_file < 0 || (of_file + 1) * centres > known.size(0)) continue;
    for (int64_t j = 0; j < centres; ++j) {
      from.push_back(of_file * centres + j);
      to.push_back(i * centres + j);
    }
  }
  if (!to.empty())
    weight.index_copy_(0, torch::tensor(to, torch::kLong).to(weight.device()),
                       known.index_select(0, torch::tensor(from, torch::kLong)).to(weight));
  return to;
}

}  // namespace cairn::run
