// A reader of pickles that executes nothing. It knows the values that state dicts and training
// checkpoints are made of; a pickle that names anything else (os.system, a class of someone's
// program) is refused with that name.
//
// The format: Python's pickletools, protocols 2 to 5. The tensors: torch.save and
// torch._utils._rebuild_tensor_v2.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/weights/stored_tensor.h"

namespace cairn::weights {

enum class PickleKind : uint8_t {
  kNone,
  kInt,    // number; a bool is 0 or 1
  kText,   // text
  kBytes,  // text; also an integer of more than 64 bits
  kList,   // items
  kTuple,  // items
  kDict,   // items: key, value, key, value, …
  kGlobal,
  kStorage,  // number: its place in Pickle::storages
  kTensor,   // number: its place in Pickle::tensors
  kOther,    // a known value that nobody asks for (a float, a set, NumPy's scalars)
};

using PickleId = uint32_t;

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  int64_t number = 0;
  std::string_view text;  // of the pickle's bytes
  std::vector<PickleId> items;
};

// ('storage', torch.FloatStorage, key, location, count): elements that lie elsewhere in the file.
struct PickleStorage {
  DType dtype = DType::kFloat32;
  std::string_view key;
  int64_t count = 0;
};

// A view of a storage, within its count.
struct PickleTensor {
  size_t storage = 0;
  int64_t offset = 0;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

// Values refer to one another by id and never in a circle; they nest less than kMaxPickleDepth
// deep. storages hold each key once.
struct Pickle {
  std::vector<PickleValue> values;
  std::vector<PickleStorage> storages;
  std::vector<PickleTensor> tensors;
  PickleId root = 0;
  size_t size = 0;          // bytes of it
  size_t copied_items = 0;  // while it is read

  const PickleValue& operator[](PickleId id) const { return values[id]; }
};

inline constexpr int kMaxPickleDepth = 64;
// A few hundred MB of memory at most, whatever the bytes are.
inline constexpr size_t kMaxPickleValues = size_t{1} << 20;

// Reads the pickle that the bytes begin with and views them. Throws Error ("where: …").
Pickle parse_pickle(std::span<const uint8_t> bytes, const std::string& where);

}  // namespace cairn::weights
