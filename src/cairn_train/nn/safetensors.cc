#include "cairn_train/nn/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/files.h"

namespace cairn::nn {
namespace {

constexpr uint64_t kMaxHeader = 32 << 20;
constexpr size_t kMaxDims = 8;
constexpr const char* kMetadataKey = "__metadata__";

struct ElementType {
  const char* name;
  torch::ScalarType type;
  uint64_t size;
};

constexpr ElementType kTypes[] = {
    {"F32", torch::kFloat32, 4}, {"F16", torch::kFloat16, 2}, {"I64", torch::kInt64, 8}};

const ElementType* find_type(const std::string& name) {
  for (const ElementType& type : kTypes) {
    if (name == type.name) return &type;
  }
  return nullptr;
}

const ElementType& stored_type(const std::string& name, const torch::Tensor& tensor, bool half) {
  if (tensor.scalar_type() == torch::kInt64) return kTypes[2];
  if (!tensor.is_floating_point()) {
    throw Error(fmt::format("tensor {}: only floating and int64 tensors can be saved", name));
  }
  return kTypes[half ? 1 : 0];
}

struct Entry {
  std::string name;
  const ElementType* type = nullptr;
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

  Entry entry(const std::string& name, const nlohmann::json& value) const {
    Entry e;
    e.name = name;
    if (!value.is_object()) fail("tensor " + name + " is not described by an object");
    const auto dtype = value.find("dtype");
    if (dtype == value.end() || !dtype->is_string()) fail("tensor " + name + " has no dtype");
    e.type = find_type(dtype->get<std::string>());
    if (e.type == nullptr) {
      throw Error(fmt::format("{}: tensor {} has the type {}; F32, F16 and I64 are supported",
                              where_, name, dtype->get<std::string>()));
    }
    const auto offsets = numbers(name, value, "data_offsets");
    if (offsets.size() != 2) fail("tensor " + name + " needs two data_offsets");
    e.begin = offsets[0];
    e.end = offsets[1];
    if (e.begin > e.end || e.end > data_size_) fail("tensor " + name + " reaches past the end");
    const auto shape = numbers(name, value, "shape");
    if (shape.size() > kMaxDims) fail("tensor " + name + " has too many dimensions");
    e.shape.assign(shape.begin(), shape.end());
    if (!fits(shape, e)) fail("shape and size of tensor " + name + " disagree");
    return e;
  }

 private:
  std::vector<uint64_t> numbers(const std::string& name, const nlohmann::json& value,
                                const char* key) const {
    const auto found = value.find(key);
    if (found == value.end() || !found->is_array()) fail("tensor " + name + " has no " + key);
    std::vector<uint64_t> result;
    for (const auto& number : *found) {
      if (!number.is_number_unsigned()) fail(fmt::format("tensor {}: bad {}", name, key));
      result.push_back(number.get<uint64_t>());
    }
    return result;
  }

  bool fits(const std::vector<uint64_t>& shape, const Entry& e) const {
    const uint64_t elements = (e.end - e.begin) / e.type->size;
    if (elements * e.type->size != e.end - e.begin) return false;
    uint64_t product = 1;
    bool empty = false;
    for (const uint64_t size : shape) {
      // Sizes beside a 0 are bounded too, for the sake of those who multiply them.
      if (size > (uint64_t{1} << 40)) return false;
      if (size == 0) {
        empty = true;
      } else if (product > (uint64_t{1} << 60) / size) {
        return false;
      } else {
        product *= size;
      }
    }
    return (empty ? 0 : product) == elements;
  }

  std::string where_;
  uint64_t data_size_;
};

torch::Tensor read_tensor(const Entry& e, std::span<const uint8_t> data) {
  auto tensor = torch::empty(e.shape, torch::TensorOptions(e.type->type));
  if (e.end > e.begin) std::memcpy(tensor.data_ptr(), data.data() + e.begin, e.end - e.begin);
  return e.type->type == torch::kFloat16 ? tensor.to(torch::kFloat32) : tensor;
}

uint64_t read_length(std::span<const uint8_t> bytes) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[static_cast<size_t>(i)];
  return length;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata, bool half) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::vector<torch::Tensor> stored;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const ElementType& type = stored_type(name, tensor, half);
    stored.push_back(tensor.detach().to(torch::kCPU, type.type).contiguous());
    if (type.type == torch::kFloat16 &&
        !torch::equal(stored.back().isfinite(), tensor.detach().to(torch::kCPU).isfinite())) {
      throw Error(fmt::format("tensor {}: has values that float16 cannot hold", name));
    }
    const uint64_t end = offset + stored.back().nbytes();
    if (name == kMetadataKey || header.contains(name)) {
      throw Error(fmt::format("tensor {}: the name is taken", name));
    }
    header[name] = {
        {"dtype", type.name}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // aligns the data
  write_stream_atomically(path, [&](std::ostream& out) {
    uint64_t length = text.size();
    for (int i = 0; i < 8; ++i, length >>= 8) out.put(static_cast<char>(length & 0xff));
    out << text;
    for (const auto& tensor : stored) {
      out.write(static_cast<const char*>(tensor.data_ptr()),
                static_cast<std::streamsize>(tensor.nbytes()));
    }
  });
}

Safetensors parse_safetensors(std::span<const uint8_t> bytes, const std::string& where) {
  const uint64_t length = bytes.size() < 8 ? 0 : read_length(bytes);
  const HeaderParser parser(
      where,
      bytes.size() < 8 ? 0 : bytes.size() - 8 - std::min<uint64_t>(length, bytes.size() - 8));
  if (bytes.size() < 8) parser.fail("it is shorter than 8 bytes");
  if (length > kMaxHeader || length > bytes.size() - 8) parser.fail("its header does not end");
  const auto text = bytes.subspan(8, length);
  const auto header =
      nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) parser.fail("its header is not a JSON object");

  Safetensors file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadataKey) {
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
    if (e.begin != position) parser.fail("there is a hole or an overlap before tensor " + e.name);
    position = e.end;
  }
  if (position != data.size()) parser.fail("there are bytes that belong to no tensor");
  for (const Entry& e : entries) file.tensors.emplace_back(e.name, read_tensor(e, data));
  return file;
}

Safetensors load_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), path.string());
}

}  // namespace cairn::nn
