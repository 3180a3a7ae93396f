#include "cairn_train/nn/checkpoint_keys.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "cairn_train/nn/embedding_net.h"

namespace cairn::nn {
namespace {

// Beginnings of names and what takes their place; the first that fits counts.
using Renaming = std::vector<std::pair<std::string_view, std::string_view>>;

const std::vector<Renaming>& renamings() {
  static const std::vector<Renaming> kRenamings = {
      {},
      {{"base.", "backbone.net."},
       {"gem.", "global_pool."},
       {"fcneck.", "neck.0."},
       {"fcneck_bn.", "neck.1."},
       {"classifier.", "head."}},
      {{"backbone.net.", "base."},
       {"global_pool.", "gem."},
       {"neck.0.", "fcneck."},
       {"neck.1.", "fcneck_bn."},
       {"head.", "classifier."}},
      {{"", "backbone.net."}},
      {{"", "base."}},
      {{"backbone.net.", ""}},
      {{"base.", ""}},
  };
  return kRenamings;
}

std::string renamed(const std::string& name, const Renaming& renaming) {
  for (const auto& [from, to] : renaming) {
    if (name.starts_with(from)) return std::string(to) + name.substr(from.size());
  }
  return name;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& beginning) { return text.starts_with(beginning); });
}

}  // namespace

NamedTensors renamed_for(const torch::nn::Module& module, NamedTensors tensors) {
  std::unordered_set<std::string> known;
  for (const auto& entry : state_dict(module)) known.insert(entry.first);
  const Renaming* best = nullptr;
  int64_t most = -1;
  for (const Renaming& renaming : renamings()) {
    const int64_t found = std::count_if(tensors.begin(), tensors.end(), [&](const auto& entry) {
      return known.contains(renamed(entry.first, renaming));
    });
    if (found <= most) continue;
    most = found;
    best = &renaming;
  }
  for (auto& [name, tensor] : tensors) name = renamed(name, *best);
  return tensors;
}

NamedTensors with_pooled_shortcuts(const torch::nn::Module& module, NamedTensors tensors) {
  constexpr std::string_view kShortcut = ".downsample.";
  constexpr std::string_view kLast = ".downsample.2.weight";
  const auto blocks_that_pool = [&](const auto& names) {
    std::unordered_set<std::string> blocks;
    for (const auto& [name, tensor] : names)
      if (name.ends_with(kLast)) blocks.insert(name.substr(0, name.size() - kLast.size()));
    return blocks;
  };
  const std::unordered_set<std::string> wanted = blocks_that_pool(state_dict(module));
  const std::unordered_set<std::string> there = blocks_that_pool(tensors);
  for (auto& [name, tensor] : tensors) {
    const size_t at = name.find(kShortcut);
    if (at == std::string::npos) continue;
    const std::string block = name.substr(0, at);
    char& place = name[at + kShortcut.size()];
    const bool moves = wanted.contains(block) && !there.contains(block);
    if (moves && (place == '0' || place == '1')) ++place;
  }
  return tensors;
}

std::vector<std::string> forgive(LoadReport& report, const std::vector<std::string>& ignorable) {
  std::vector<std::string> ignored;
  const auto drop = [&](const std::string& key) { return starts_with_any(key, ignorable); };
  const auto keep_note = [&](const std::string& key) {
    if (drop(key)) ignored.push_back(key);
    return drop(key);
  };
  std::erase_if(report.missing, [&](const std::string& key) {
    return drop(key) || key.ends_with("num_batches_tracked");
  });
  std::erase_if(report.unexpected, keep_note);
  std::erase_if(report.mis_shaped, keep_note);
  return ignored;
}

torch::Tensor find_head(const NamedTensors& tensors, int64_t dim) {
  for (const auto& [name, tensor] : tensors) {
    const bool head = name == "head.weight" || name == "classifier.weight";
    if (head && tensor.dim() == 2 && tensor.size(1) == dim) return tensor;
  }
  return {};
}

}  // namespace cairn::nn
