#include "cairn/weights/torch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/weights/zip.h"

namespace cairn::weights {
namespace {

constexpr std::string_view kZipStart = "PK\x03\x04";
// PROTO 2, LONG1 of ten bytes: 0x1950a86a20f9469cfc6c.
constexpr std::string_view kLegacyStart{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
                                        14};
constexpr int64_t kLegacyProtocol = 1001;

std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void set_storage(TorchFile& file, size_t i, std::span<const uint8_t> bytes) {
  const auto size = static_cast<uint64_t>(size_of(file.pickle.storages[i].dtype));
  if (reinterpret_cast<uintptr_t>(bytes.data()) % size != 0) {
    file.aligned.emplace_back(bytes.begin(), bytes.end());
    bytes = file.aligned.back();
  }
  file.storages[i] = bytes;
}

// Whether that many elements have just these bytes.
bool is_size_of(const PickleStorage& storage, int64_t count, uint64_t bytes) {
  const auto size = static_cast<uint64_t>(size_of(storage.dtype));
  return bytes % size == 0 && static_cast<uint64_t>(count) == bytes / size;
}

// The one top-level folder's name, with its slash.
std::string top_folder(const ZipArchive& zip, const std::string& where) {
  static constexpr std::string_view kPickle = "data.pkl";
  for (const std::string_view name : zip.names()) {
    const size_t slash = name.find('/');
    if (slash != std::string_view::npos && name.substr(slash + 1) == kPickle)
      return std::string(name.substr(0, slash + 1));
  }
  throw Error(where + ": a zip archive, but not of torch.save (it holds no NAME/data.pkl)");
}

// Reads the pickles and storages of a legacy file one after the other.
class LegacyReader {
 public:
  LegacyReader(std::span<const uint8_t> bytes, const std::string& where)
      : rest_(bytes), where_(where) {}

  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(fmt::format("{}: not a whole file of torch.save: {}", where_, reason));
  }

  Pickle pickle() {
    Pickle pickle = parse_pickle(rest_, where_);
    rest_ = rest_.subspan(pickle.size);
    return pickle;
  }

  std::span<const uint8_t> take(uint64_t size) {
    if (size > rest_.size()) fail("it is cut short");
    const auto bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return bytes;
  }

  int64_t count() {
    uint64_t value = 0;
    const auto bytes = take(8);
    for (size_t i = 8; i-- > 0;) value = value << 8 | bytes[i];
    return static_cast<int64_t>(value);
  }

  bool done() const { return rest_.empty(); }

 private:
  std::span<const uint8_t> rest_;
  const std::string& where_;
};

void check_facts(const LegacyReader& reader, const Pickle& facts) {
  const PickleValue& dict = facts[facts.root];
  if (dict.kind != PickleKind::kDict) reader.fail("it does not describe its machine");
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (facts[dict.items[i]].text == "little_endian" && facts[dict.items[i + 1]].number != 1)
      reader.fail("its numbers are big-endian");
  }
}

}  // namespace

StoredTensor TorchFile::tensor(const PickleValue& value) const {
  const PickleTensor& view = pickle.tensors[static_cast<size_t>(value.number)];
  const DType dtype = pickle.storages[view.storage].dtype;
  const auto begin = static_cast<size_t>(view.offset * size_of(dtype));
  return {dtype, view.shape, view.strides, storages[view.storage].subspan(begin)};
}

bool is_torch_zip(std::span<const uint8_t> bytes) { return as_text(bytes).starts_with(kZipStart); }

bool is_torch_legacy(std::span<const uint8_t> bytes) {
  return as_text(bytes).starts_with(kLegacyStart);
}

TorchFile parse_torch_zip(std::span<const uint8_t> bytes, const std::string& where) {
  const ZipArchive zip(bytes, where);
  const std::string folder = top_folder(zip, where);
  if (zip.contains(folder + "constants.pkl"))
    throw Error(where + ": a TorchScript archive; save the model's state_dict() instead");
  if (zip.contains(folder + "byteorder") && as_text(zip.read(folder + "byteorder")) != "little")
    throw Error(where + ": its numbers are big-endian; save it on another machine");
  TorchFile file;
  file.pickle = parse_pickle(zip.read(folder + "data.pkl"), where);
  file.storages.resize(file.pickle.storages.size());
  for (size_t i = 0; i < file.storages.size(); ++i) {
    const PickleStorage& storage = file.pickle.storages[i];
    const auto data = zip.read(fmt::format("{}data/{}", folder, storage.key));
    if (!is_size_of(storage, storage.count, data.size()))
      throw Error(fmt::format("{}: storage {} claims {} elements of {} bytes, but has {} bytes",
                              where, printable(storage.key), storage.count, size_of(storage.dtype),
                              data.size()));
    set_storage(file, i, data);
  }
  return file;
}

TorchFile parse_torch_legacy(std::span<const uint8_t> bytes, const std::string& where) {
  LegacyReader reader(bytes, where);
  reader.pickle();  // the magic number
  const Pickle protocol = reader.pickle();
  const PickleValue& version = protocol[protocol.root];
  if (version.kind != PickleKind::kInt || version.number != kLegacyProtocol)
    reader.fail("its protocol is not 1001");
  check_facts(reader, reader.pickle());
  TorchFile file;
  file.pickle = reader.pickle();
  file.storages.resize(file.pickle.storages.size());
  std::unordered_map<std::string_view, size_t> by_key;
  for (const PickleStorage& storage : file.pickle.storages)
    by_key.emplace(storage.key, by_key.size());

  const Pickle keys = reader.pickle();
  const PickleValue& list = keys[keys.root];
  if (list.kind != PickleKind::kList) reader.fail("it has no list of storages");
  for (const PickleId id : list.items) {
    const auto found = by_key.find(keys[id].text);
    if (found == by_key.end()) reader.fail("it has a storage that is twice there or nowhere used");
    const PickleStorage& storage = file.pickle.storages[found->second];
    const int64_t count = reader.count();
    if (count != storage.count)
      reader.fail(fmt::format("storage {} claims {} elements, but has {}", printable(storage.key),
                              storage.count, count));
    if (count > INT64_MAX / size_of(storage.dtype)) reader.fail("it is cut short");
    set_storage(file, found->second,
                reader.take(static_cast<uint64_t>(count * size_of(storage.dtype))));
    by_key.erase(found);
  }
  if (!by_key.empty())
    reader.fail(fmt::format("storage {} is missing", printable(by_key.begin()->first)));
  if (!reader.done()) reader.fail("bytes follow that belong to nothing");
  return file;
}

}  // namespace cairn::weights
