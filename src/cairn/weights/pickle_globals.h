// The names that a pickle may call, and what calling them gives.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "cairn/weights/pickle.h"

namespace cairn::weights {

enum class PickleGlobal : uint8_t {
  kStorageType,       // the number's other bits: DType
  kOrderedDict,       // (), or (list of pairs)
  kSize,              // torch.Size(tuple)
  kRebuildTensor,     // (storage, offset, size, stride, …)
  kRebuildParameter,  // (tensor, …)
  kOther,             // any arguments; nobody asks for the value
};

// What PickleValue::number of a kGlobal holds.
struct GlobalNumber {
  PickleGlobal global = PickleGlobal::kOther;
  DType dtype = DType::kFloat32;  // of a storage type
};

int64_t pack(GlobalNumber number);
GlobalNumber unpack_global(int64_t number);

// Nothing for a name that is not known.
std::optional<GlobalNumber> find_global(std::string_view module, std::string_view name);

// The value of function(*arguments): one that the pickle has, or a new one to add to it. Throws
// std::invalid_argument that says what is wrong.
std::variant<PickleId, PickleValue> call_global(Pickle& pickle, PickleId function,
                                                PickleId arguments);

}  // namespace cairn::weights
