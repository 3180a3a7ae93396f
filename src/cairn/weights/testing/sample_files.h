// Files of weights made by hand, good and hostile, for tests and fuzzing.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace cairn::weights::testing {

using Bytes = std::vector<uint8_t>;

Bytes as_bytes(const std::string& text);
std::string little_endian(uint64_t value, size_t bytes);

// Parts of a pickle of protocol 2; each pushes one value.
std::string text(const std::string& value);
std::string integer(int32_t value);
std::string long_integer(int64_t value);
std::string global(const std::string& module, const std::string& name);
std::string tuple(const std::vector<std::string>& items);
std::string dict(const std::vector<std::pair<std::string, std::string>>& items);  // text → value
std::string call(const std::string& function, const std::string& arguments);
std::string storage(const std::string& type, const std::string& key, int64_t count);
// _rebuild_tensor_v2 of a storage.
std::string tensor(const std::string& of_storage, int64_t offset, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides);
std::string pickle(const std::string& value);  // PROTO … STOP

using Storages = std::vector<std::pair<std::string, std::string>>;  // key → bytes

struct ZipOptions {
  bool zip64 = true;         // the directory as PyTorch writes it
  uint16_t method = 0;       // 8: says that entries are deflated
  bool overlapping = false;  // all entries claim the first one's place
};

Bytes zip(const Storages& entries, const ZipOptions& options = {});
Bytes torch_zip(const std::string& data_pkl, const Storages& storages, const ZipOptions& = {});
// Each storage's element size is needed for its count.
Bytes torch_legacy(const std::string& values, const Storages& storages, size_t element_size = 4);
Bytes safetensors(const std::string& header, const std::string& data);

// A state dict of two tensors: "weight" 2×3, transposed in its storage, and "count" (int64 scalar).
std::string sample_dict();
Storages sample_storages();

struct SampleFile {
  std::string name;
  Bytes bytes;
};
// At least one of every kind, good ones first.
std::vector<SampleFile> sample_files();

}  // namespace cairn::weights::testing
