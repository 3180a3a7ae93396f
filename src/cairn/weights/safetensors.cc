#include "cairn/weights/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "cairn/base/error.h"

namespace cairn::weights {
namespace {

constexpr uint64_t kMaxHeader = 32 << 20;

constexpr std::pair<const char*, DType> kTypes[] = {
    {"F16", DType::kFloat16}, {"BF16", DType::kBFloat16}, {"F32", DType::kFloat32},
    {"F64", DType::kFloat64}, {"I8", DType::kInt8},       {"I16", DType::kInt16},
    {"I32", DType::kInt32},   {"I64", DType::kInt64},     {"U8", DType::kUint8},
    {"BOOL", DType::kBool}};

struct Entry {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// The parts of a file, with every number checked; data_size is what follows the header.
class HeaderParser {
 public:
  HeaderParser(std::string where, uint64_t data_size)
      : where_(std::move(where)), data_size_(data_size) {}

  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(fmt::format("{}: not a safetensors file: {}", where_, reason));
  }

  [[noreturn]] void fail(const std::string& name, const std::string& reason) const {
    fail(fmt::format("tensor {} {}", printable(name), reason));
  }

  Entry entry(const std::string& name, const nlohmann::json& value) const {
    Entry e;
    e.name = name;
    if (!value.is_object()) fail(name, "is not described by an object");
    const auto dtype = value.find("dtype");
    if (dtype == value.end() || !dtype->is_string()) fail(name, "has no dtype");
    e.dtype = type_of(name, dtype->get<std::string>());
    const auto offsets = numbers(name, value, "data_offsets");
    if (offsets.size() != 2) fail(name, "needs two data_offsets");
    e.begin = offsets[0];
    e.end = offsets[1];
    if (e.begin > e.end || e.end > data_size_) fail(name, "reaches past the end");
    for (const uint64_t size : numbers(name, value, "shape"))
      e.shape.push_back(size > uint64_t{kMaxElements} ? -1 : static_cast<int64_t>(size));
    const auto size = static_cast<uint64_t>(size_of(e.dtype));
    const int64_t elements = checked_elements(e.shape);
    if (elements < 0 || static_cast<uint64_t>(elements) * size != e.end - e.begin)
      fail(name, "has a shape and a size that disagree");
    return e;
  }

 private:
  DType type_of(const std::string& name, const std::string& type) const {
    for (const auto& [known, dtype] : kTypes) {
      if (type == known) return dtype;
    }
    throw Error(
        fmt::format("{}: tensor {} has the type {}, which is not supported (F16, BF16, F32, "
                    "F64, I8 to I64, U8 and BOOL are)",
                    where_, printable(name), printable(type)));
  }

  std::vector<uint64_t> numbers(const std::string& name, const nlohmann::json& value,
                                const char* key) const {
    const auto found = value.find(key);
    if (found == value.end() || !found->is_array()) fail(name, std::string("has no ") + key);
    std::vector<uint64_t> result;
    for (const auto& number : *found) {
      if (!number.is_number_unsigned()) fail(name, std::string("has a bad ") + key);
      result.push_back(number.get<uint64_t>());
    }
    return result;
  }

  std::string where_;
  uint64_t data_size_;
};

uint64_t read_length(std::span<const uint8_t> bytes) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[static_cast<size_t>(i)];
  return length;
}

}  // namespace

SafetensorsView parse_safetensors(std::span<const uint8_t> bytes, const std::string& where) {
  const uint64_t length = bytes.size() < 8 ? 0 : read_length(bytes);
  const HeaderParser parser(
      where,
      bytes.size() < 8 ? 0 : bytes.size() - 8 - std::min<uint64_t>(length, bytes.size() - 8));
  if (bytes.size() < 8) parser.fail("it is shorter than 8 bytes; nor a checkpoint of PyTorch");
  if (length > kMaxHeader || length > bytes.size() - 8) parser.fail("its header does not end");
  const auto text = bytes.subspan(8, length);
  const auto header =
      nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) parser.fail("its header is not a JSON object");

  SafetensorsView file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kSafetensorsMetadata) {
      entries.push_back(parser.entry(name, value));
      continue;
    }
    if (!value.is_object()) parser.fail("its metadata is not an object");
    for (const auto& [key, text_value] : value.items()) {
      if (!text_value.is_string()) parser.fail("its metadata is not text");
      file.metadata[key] = text_value.get<std::string>();
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  // No hole and no overlap: memory stays within the file's size, and nothing is hidden.
  const auto data = bytes.subspan(8 + length);
  uint64_t position = 0;
  for (const Entry& e : entries) {
    if (e.begin != position) parser.fail(e.name, "comes after a hole or an overlap");
    position = e.end;
  }
  if (position != data.size()) parser.fail("there are bytes that belong to no tensor");
  for (Entry& e : entries) {
    std::vector<int64_t> strides = row_major_strides(e.shape);
    file.tensors.push_back({std::move(e.name),
                            {e.dtype, std::move(e.shape), std::move(strides),
                             data.subspan(e.begin, e.end - e.begin)}});
  }
  return file;
}

}  // namespace cairn::weights
