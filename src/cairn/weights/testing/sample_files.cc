#include "cairn/weights/testing/sample_files.h"

#include <zlib.h>

#include <cstring>

namespace cairn::weights::testing {

Bytes as_bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::string little_endian(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i)
    text.push_back(static_cast<char>(i < 8 ? value >> (8 * i) : 0));
  return text;
}

std::string text(const std::string& value) { return "X" + little_endian(value.size(), 4) + value; }

std::string integer(int32_t value) { return "J" + little_endian(static_cast<uint32_t>(value), 4); }

std::string long_integer(int64_t value) {
  return "\x8a\x08" + little_endian(static_cast<uint64_t>(value), 8);
}

std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

std::string tuple(const std::vector<std::string>& items) {
  std::string all = "(";
  for (const std::string& item : items) all += item;
  return all + "t";
}

std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = "}(";
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + "u";
}

std::string call(const std::string& function, const std::string& arguments) {
  return function + arguments + "R";
}

std::string storage(const std::string& type, const std::string& key, int64_t count) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"),
                long_integer(count)}) +
         "Q";
}

std::string tensor(const std::string& of_storage, int64_t offset, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides) {
  const auto numbers = [](const std::vector<int64_t>& values) {
    std::vector<std::string> items;
    for (const int64_t value : values) items.push_back(long_integer(value));
    return tuple(items);
  };
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              tuple({of_storage, long_integer(offset), numbers(shape), numbers(strides), "\x89",
                     call(global("collections", "OrderedDict"), ")")}));
}

std::string pickle(const std::string& value) { return "\x80\x02" + value + "."; }

Bytes zip(const Storages& entries, const ZipOptions& options) {
  std::string file;
  std::string directory;
  for (const auto& [name, data] : entries) {
    const uint64_t at = options.overlapping ? 0 : file.size();
    const auto crc = static_cast<uint32_t>(
        crc32_z(0, reinterpret_cast<const uint8_t*>(data.data()), data.size()));
    const std::string facts = little_endian(options.method, 2) + little_endian(0, 4) +
                              little_endian(crc, 4) + little_endian(data.size(), 4) +
                              little_endian(data.size(), 4) + little_endian(name.size(), 2);
    // Filled up so that the data begins at a multiple of 64, as PyTorch has it.
    const size_t begin = (file.size() + 30 + name.size() + 63) / 64 * 64;
    const std::string filler(begin - file.size() - 30 - name.size(), 'Z');
    file += "PK\x03\x04" + little_endian(20, 2) + little_endian(0, 2) + facts +
            little_endian(filler.size(), 2) + name + filler + data;
    directory += "PK\x01\x02" + little_endian(20, 2) + little_endian(20, 2) + little_endian(0, 2) +
                 facts + little_endian(0, 12) + little_endian(at, 4) + name;
  }
  const uint64_t begin = file.size();
  file += directory;
  const uint64_t end = file.size();
  if (options.zip64) {
    file += "PK\x06\x06" + little_endian(44, 8) + little_endian(0, 12) +
            little_endian(entries.size(), 8) + little_endian(entries.size(), 8) +
            little_endian(directory.size(), 8) + little_endian(begin, 8);
    file += "PK\x06\x07" + little_endian(0, 4) + little_endian(end, 8) + little_endian(1, 4);
  }
  const uint64_t in64 = 0xffffffff;
  file += "PK\x05\x06" + little_endian(0, 4) + little_endian(entries.size(), 2) +
          little_endian(entries.size(), 2) + little_endian(directory.size(), 4) +
          little_endian(options.zip64 ? in64 : begin, 4) + little_endian(0, 2);
  return as_bytes(file);
}

Bytes torch_zip(const std::string& data_pkl, const Storages& storages, const ZipOptions& options) {
  Storages entries{{"archive/data.pkl", data_pkl}, {"archive/byteorder", "little"}};
  for (const auto& [key, data] : storages) entries.emplace_back("archive/data/" + key, data);
  entries.emplace_back("archive/version", "3\n");
  return zip(entries, options);
}

Bytes torch_legacy(const std::string& values, const Storages& storages, size_t element_size) {
  std::string keys = "](";
  std::string data;
  for (const auto& [key, bytes] : storages) {
    keys += text(key);
    data += little_endian(bytes.size() / element_size, 8) + bytes;
  }
  return as_bytes(pickle(std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12)) +
                  pickle(integer(1001)) +
                  pickle(dict({{"protocol_version", integer(1001)},
                               {"little_endian", "\x88"},
                               {"type_sizes", dict({{"int", integer(4)}})}})) +
                  values + pickle(keys + "e") + data);
}

Bytes safetensors(const std::string& header, const std::string& data) {
  return as_bytes(little_endian(header.size(), 8) + header + data);
}

std::string sample_dict() {
  return dict({{"weight", tensor(storage("FloatStorage", "0", 7), 1, {2, 3}, {1, 2})},
               {"count", tensor(storage("LongStorage", "1", 1), 0, {}, {})}});
}

Storages sample_storages() {
  std::string floats;
  for (int i = 0; i < 7; ++i) {
    const float value = 0.5F * static_cast<float>(i);
    uint32_t bits = 0;
    std::memcpy(&bits, &value, 4);
    floats += little_endian(bits, 4);
  }
  return {{"0", floats}, {"1", little_endian(uint64_t{1} << 40, 8)}};
}

std::vector<SampleFile> sample_files() {
  const std::string state = call(global("collections", "OrderedDict"), ")") + "(" + text("weight") +
                            tensor(storage("FloatStorage", "0", 7), 1, {2, 3}, {1, 2}) + "u}" +
                            text("_metadata") + "}sb";
  const Storages floats{sample_storages()[0]};
  const std::string training =
      dict({{"epoch", integer(3)},
            {"state_dict", sample_dict()},
            {"optimizer", dict({{"state", "}"}, {"lr", std::string("G\0\0\0\0\0\0\0\0", 9)}})}});
  const std::string newer = std::string("\x80\x04\x95") + little_endian(20, 8) + "}\x94(\x8c\x01w" +
                            "\x8c\x0b"
                            "collections\x8c\x0bOrderedDict\x93)R\x94" +
                            text("b") + tensor(storage("FloatStorage", "0", 7), 0, {7}, {1}) + "u.";
  return {
      {"state.pth", torch_zip(pickle(state), floats)},
      {"two.pth", torch_zip(pickle(sample_dict()), sample_storages(), {.zip64 = false})},
      {"legacy.pth", torch_legacy(pickle(state), floats)},
      {"training.pth", torch_zip(pickle(training), sample_storages())},
      {"protocol4.pth", torch_zip(newer, floats)},
      {"w.safetensors",
       safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16",)"
                   R"("shape":[1,3],"data_offsets":[8,14]},"__metadata__":{"k":"v"}})",
                   std::string(14, '\1'))},
      {"system.pth", torch_zip(pickle(call(global("os", "system"), tuple({text("id")}))), {})},
      {"circle.pth", torch_zip(pickle("]q\1h\1a"), {})},
      {"deflated.pth", torch_zip(pickle(state), floats, {.method = 8})},
      {"overlapping.pth", torch_zip(pickle(state), floats, {.overlapping = true})},
      {"bare.pkl", as_bytes(pickle(sample_dict()))},
  };
}

}  // namespace cairn::weights::testing
