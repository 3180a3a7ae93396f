#include "cairn_train/nn/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn_train/nn/embedding_net.h"

namespace cairn::nn {
namespace {

std::string shape_text(const torch::Tensor& tensor) {
  return tensor.dim() == 0 ? "scalar" : fmt::format("{}", fmt::join(tensor.sizes().vec(), "x"));
}

std::string list_text(const char* what, const std::vector<std::string>& keys) {
  constexpr size_t kShown = 3;
  if (keys.empty()) return "";
  const auto end = keys.begin() + static_cast<ptrdiff_t>(std::min(kShown, keys.size()));
  return fmt::format("; {} {} ({}{})", what, keys.size(), fmt::join(keys.begin(), end, ", "),
                     keys.size() > kShown ? ", …" : "");
}

}  // namespace

std::string LoadReport::summary() const {
  return "loaded " + counted(static_cast<uint64_t>(loaded), "tensor") +
         list_text("missing", missing) + list_text("unexpected", unexpected) +
         list_text("mis-shaped", mis_shaped);
}

LoadReport load_state(const torch::nn::Module& module, const NamedTensors& tensors,
                      Strictness strictness) {
  std::unordered_map<std::string, torch::Tensor> given(tensors.begin(), tensors.end());
  std::vector<std::pair<torch::Tensor, torch::Tensor>> copies;
  LoadReport report;
  for (const auto& [key, target] : state_dict(module)) {
    const auto found = given.find(key);
    if (found == given.end()) {
      report.missing.push_back(key);
      continue;
    }
    if (found->second.sizes() == target.sizes()) {
      copies.emplace_back(target, found->second);
    } else {
      report.mis_shaped.push_back(fmt::format("{}: {} in the file, {} in the network", key,
                                              shape_text(found->second), shape_text(target)));
    }
    given.erase(found);
  }
  for (const auto& item : tensors) {
    if (given.contains(item.first)) report.unexpected.push_back(item.first);
  }
  if (strictness == Strictness::kStrict && !report.complete()) {
    throw Error("the weights do not fit the network: " + report.summary());
  }
  const torch::NoGradGuard no_grad;
  for (auto& [target, source] : copies) target.copy_(source);
  report.loaded = copies.size();
  return report;
}

}  // namespace cairn::nn
