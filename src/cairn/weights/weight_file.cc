#include "cairn/weights/weight_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/mapped_file.h"
#include "cairn/weights/safetensors.h"
#include "cairn/weights/torch_file.h"

namespace cairn::weights {
namespace {

// What trainers call the weights of a checkpoint.
constexpr std::string_view kUsualKeys[] = {"state_dict", "model_state_dict", "model",   "net",
                                           "network",    "module",           "weights", "params"};

// Finds the state dict among the values of a file.
class Finder {
 public:
  Finder(const TorchFile& file, const std::string& where) : pickle_(file.pickle), where_(where) {}

  // Sets `key` to the entry that it is under.
  PickleId find(std::string& key) const {
    const PickleValue& root = pickle_[pickle_.root];
    if (root.kind != PickleKind::kDict)
      throw Error(where_ + ": holds no state dict; save the model's state_dict(), not the model");
    if (!key.empty()) {
      const PickleId* entry = entry_of(root, key);
      if (entry != nullptr && tensors_of(*entry) > 0) return *entry;
      throw Error(
          fmt::format("{}: has no state dict {}; it has {}", where_, printable(key), entries()));
    }
    for (const std::string_view usual : kUsualKeys) {
      const PickleId* entry = entry_of(root, usual);
      if (entry == nullptr || tensors_of(*entry) == 0) continue;
      key = usual;
      return *entry;
    }
    if (tensors_of(pickle_.root) > 0) return pickle_.root;
    return only_entry(root, key);
  }

 private:
  static constexpr size_t kShown = 10;

  const PickleId* entry_of(const PickleValue& dict, std::string_view key) const {
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleValue& name = pickle_[dict.items[i]];
      if (name.kind == PickleKind::kText && name.text == key) return &dict.items[i + 1];
    }
    return nullptr;
  }

  size_t tensors_of(PickleId id) const {
    const PickleValue& dict = pickle_[id];
    size_t count = 0;
    if (dict.kind != PickleKind::kDict) return 0;
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      count += pickle_[dict.items[i]].kind == PickleKind::kText &&
               pickle_[dict.items[i + 1]].kind == PickleKind::kTensor;
    }
    return count;
  }

  std::string entries() const {
    std::vector<std::string> parts;
    const PickleValue& root = pickle_[pickle_.root];
    for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const PickleValue& name = pickle_[root.items[i]];
      if (name.kind != PickleKind::kText) continue;
      if (parts.size() == kShown) {
        parts.emplace_back("...");
        break;
      }
      const size_t tensors = tensors_of(root.items[i + 1]);
      parts.push_back(printable(name.text) +
                      (tensors > 0 ? fmt::format(" ({} tensors)", tensors) : ""));
    }
    return parts.empty() ? "no entries" : fmt::format("{}", fmt::join(parts, ", "));
  }

  PickleId only_entry(const PickleValue& root, std::string& key) const {
    const PickleId* only = nullptr;
    size_t found = 0;
    for (size_t i = 0; i + 1 < root.items.size() && found < 2; i += 2) {
      const PickleValue& name = pickle_[root.items[i]];
      if (name.kind != PickleKind::kText || tensors_of(root.items[i + 1]) == 0) continue;
      ++found;
      only = &root.items[i + 1];
      key = name.text;
    }
    if (found == 1) return *only;
    throw Error(fmt::format(
        "{}: {}; it has {}", where_,
        found == 0 ? "holds no state dict" : "say with --key which entry to take", entries()));
  }

  const Pickle& pickle_;
  const std::string& where_;
};

WeightFile from_torch(const TorchFile& file, const std::string& where, const std::string& key) {
  WeightFile weights;
  weights.key = key;
  const PickleValue& dict = file.pickle[Finder(file, where).find(weights.key)];
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& name = file.pickle[dict.items[i]];
    const PickleValue& value = file.pickle[dict.items[i + 1]];
    if (name.kind != PickleKind::kText || !seen.insert(name.text).second)
      throw Error(where + ": a name of its state dict is no text, or is there twice: " +
                  printable(name.text));
    if (value.kind == PickleKind::kTensor)
      weights.tensors.push_back({std::string(name.text), file.tensor(value)});
    else
      weights.others.emplace_back(name.text);
  }
  return weights;
}

void check_name(const std::string& name, const std::string& where) {
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    throw Error(
        fmt::format("{}: the tensor name {} has control characters", where, printable(name)));
}

}  // namespace

WeightFile parse_weights(std::span<const uint8_t> bytes, const std::string& where,
                         const std::string& key) {
  WeightFile weights;
  if (is_torch_zip(bytes) || is_torch_legacy(bytes)) {
    TorchFile file =
        is_torch_zip(bytes) ? parse_torch_zip(bytes, where) : parse_torch_legacy(bytes, where);
    weights = from_torch(file, where, key);
    weights.owner = std::make_shared<decltype(file.aligned)>(std::move(file.aligned));
  } else if (!bytes.empty() && bytes[0] == 0x80) {
    throw Error(where +
                ": a pickle, but not one of torch.save; save the state_dict with torch.save");
  } else {
    SafetensorsView file = parse_safetensors(bytes, where);
    weights.tensors = std::move(file.tensors);
    weights.metadata = std::move(file.metadata);
    if (!key.empty())
      throw Error(where + ": a safetensors file has no entries to choose from; leave --key out");
  }
  for (const NamedTensor& weight : weights.tensors) check_name(weight.name, where);
  for (const std::string& other : weights.others) check_name(other, where);
  return weights;
}

WeightFile load_weights(const std::filesystem::path& path, const std::string& key) {
  const auto file = std::make_shared<const MappedFile>(path);
  WeightFile weights = parse_weights(file->bytes(), path.string(), key);
  weights.owner =
      std::make_shared<std::pair<std::shared_ptr<const MappedFile>, std::shared_ptr<const void>>>(
          file, weights.owner);
  return weights;
}

std::string strip_wrappers(WeightFile& file) {
  std::string stripped;
  for (bool again = !file.tensors.empty(); again;) {
    again = false;
    for (const std::string_view prefix : {"module.", "_orig_mod."}) {
      const auto has = [&](const std::string& name) { return name.starts_with(prefix); };
      if (!std::all_of(file.tensors.begin(), file.tensors.end(),
                       [&](const NamedTensor& weight) { return has(weight.name); }) ||
          !std::all_of(file.others.begin(), file.others.end(), has))
        continue;
      for (NamedTensor& weight : file.tensors) weight.name.erase(0, prefix.size());
      for (std::string& other : file.others) other.erase(0, prefix.size());
      stripped += prefix;
      again = true;
    }
  }
  return stripped;
}

}  // namespace cairn::weights
