#include "cairn/weights/pickle_globals.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace cairn::weights {
namespace {

struct Known {
  std::string_view module;
  std::string_view name;
  PickleGlobal global;
  DType dtype = DType::kFloat32;
};

using enum PickleGlobal;

constexpr std::array kKnown = {
    Known{"torch", "HalfStorage", kStorageType, DType::kFloat16},
    Known{"torch", "BFloat16Storage", kStorageType, DType::kBFloat16},
    Known{"torch", "FloatStorage", kStorageType, DType::kFloat32},
    Known{"torch", "DoubleStorage", kStorageType, DType::kFloat64},
    Known{"torch", "CharStorage", kStorageType, DType::kInt8},
    Known{"torch", "ShortStorage", kStorageType, DType::kInt16},
    Known{"torch", "IntStorage", kStorageType, DType::kInt32},
    Known{"torch", "LongStorage", kStorageType, DType::kInt64},
    Known{"torch", "ByteStorage", kStorageType, DType::kUint8},
    Known{"torch", "BoolStorage", kStorageType, DType::kBool},
    Known{"collections", "OrderedDict", kOrderedDict},
    Known{"torch", "Size", kSize},
    Known{"torch._utils", "_rebuild_tensor", kRebuildTensor},
    Known{"torch._utils", "_rebuild_tensor_v2", kRebuildTensor},
    Known{"torch._utils", "_rebuild_parameter", kRebuildParameter},
    Known{"torch._utils", "_rebuild_parameter_with_state", kRebuildParameter},
    // What stands beside the weights in training checkpoints: numbers of NumPy, sets, schedules.
    Known{"numpy.core.multiarray", "scalar", kOther},
    Known{"numpy._core.multiarray", "scalar", kOther},
    Known{"numpy", "dtype", kOther},
    Known{"_codecs", "encode", kOther},
    Known{"__builtin__", "set", kOther},
    Known{"builtins", "set", kOther},
    Known{"collections", "Counter", kOther},
    Known{"torch", "device", kOther},
    Known{"torch", "float16", kOther},
    Known{"torch", "bfloat16", kOther},
    Known{"torch", "float32", kOther},
    Known{"torch", "float64", kOther},
    Known{"torch", "int64", kOther},
};

// The integers of a tuple; false where it is none.
bool integers(const Pickle& pickle, PickleId id, std::vector<int64_t>& numbers) {
  const PickleValue& tuple = pickle[id];
  if (tuple.kind != PickleKind::kTuple || tuple.items.size() > kMaxDims) return false;
  for (const PickleId item : tuple.items) {
    if (pickle[item].kind != PickleKind::kInt) return false;
    numbers.push_back(pickle[item].number);
  }
  return true;
}

// Whether all elements lie within the storage.
bool fits(const PickleTensor& tensor, int64_t count) {
  const int64_t elements = checked_elements(tensor.shape);
  if (elements < 0 || tensor.shape.size() != tensor.strides.size()) return false;
  if (tensor.offset < 0 || tensor.offset > count) return false;
  int64_t last = tensor.offset;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    int64_t step = 0;
    if (tensor.strides[d] < 0) return false;
    if (elements == 0) continue;
    if (__builtin_mul_overflow(tensor.strides[d], tensor.shape[d] - 1, &step) ||
        __builtin_add_overflow(last, step, &last))
      return false;
  }
  return elements == 0 || last < count;
}

[[noreturn]] void fail(const std::string& reason) { throw std::invalid_argument(reason); }

PickleValue rebuild_tensor(Pickle& pickle, const std::vector<PickleId>& arguments) {
  if (arguments.size() < 4 || pickle[arguments[0]].kind != PickleKind::kStorage ||
      pickle[arguments[1]].kind != PickleKind::kInt)
    fail("a tensor is not built from a storage");
  PickleTensor tensor;
  tensor.storage = static_cast<size_t>(pickle[arguments[0]].number);
  tensor.offset = pickle[arguments[1]].number;
  if (!integers(pickle, arguments[2], tensor.shape) ||
      !integers(pickle, arguments[3], tensor.strides))
    fail("a tensor has a bad shape or bad strides");
  const PickleStorage& storage = pickle.storages[tensor.storage];
  if (!fits(tensor, storage.count))
    fail(fmt::format("a tensor reaches past the {} elements of storage {}, or has more than {}",
                     storage.count, printable(storage.key), kMaxElements));
  // Strides that no element is found by may be anything, and others would multiply them.
  if (checked_elements(tensor.shape) == 0) tensor.strides = row_major_strides(tensor.shape);
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    if (tensor.shape[d] == 1) tensor.strides[d] = 1;
  }
  pickle.tensors.push_back(std::move(tensor));
  return {PickleKind::kTensor, static_cast<int64_t>(pickle.tensors.size() - 1), {}, {}};
}

// OrderedDict() or, from Python 2, OrderedDict([(key, value), …]).
PickleValue ordered_dict(Pickle& pickle, const std::vector<PickleId>& arguments) {
  PickleValue result{PickleKind::kDict, 0, {}, {}};
  if (arguments.empty()) return result;
  const PickleValue& pairs = pickle[arguments[0]];
  if (arguments.size() > 1 || pairs.kind != PickleKind::kList) fail("a bad OrderedDict");
  // The one place that copies items, as often as a pickle likes.
  pickle.copied_items += pairs.items.size();
  if (pickle.copied_items > kMaxPickleValues) fail("it copies too much");
  for (const PickleId id : pairs.items) {
    const PickleValue& pair = pickle[id];
    if ((pair.kind != PickleKind::kTuple && pair.kind != PickleKind::kList) ||
        pair.items.size() != 2)
      fail("a bad OrderedDict");
    result.items.insert(result.items.end(), pair.items.begin(), pair.items.end());
  }
  return result;
}

}  // namespace

int64_t pack(GlobalNumber number) {
  return static_cast<int64_t>(number.global) << 8 | static_cast<int64_t>(number.dtype);
}

GlobalNumber unpack_global(int64_t number) {
  return {static_cast<PickleGlobal>(number >> 8), static_cast<DType>(number & 0xff)};
}

std::optional<GlobalNumber> find_global(std::string_view module, std::string_view name) {
  for (const Known& known : kKnown) {
    if (known.module == module && known.name == name)
      return GlobalNumber{known.global, known.dtype};
  }
  return std::nullopt;
}

std::variant<PickleId, PickleValue> call_global(Pickle& pickle, PickleId function,
                                                PickleId arguments) {
  if (pickle[function].kind != PickleKind::kGlobal || pickle[arguments].kind != PickleKind::kTuple)
    fail("something that is no function is called");
  const std::vector<PickleId>& items = pickle[arguments].items;
  switch (unpack_global(pickle[function].number).global) {
    case kRebuildTensor:
      return rebuild_tensor(pickle, items);
    case kOrderedDict:
      return ordered_dict(pickle, items);
    case kSize:
      if (items.size() != 1 || pickle[items[0]].kind != PickleKind::kTuple) fail("a bad Size");
      return items[0];
    case kRebuildParameter:
      if (items.empty() || pickle[items[0]].kind != PickleKind::kTensor) fail("a bad parameter");
      return items[0];
    case kOther:
      return PickleValue{PickleKind::kOther, 0, {}, {arguments}};
    case kStorageType:
      break;
  }
  fail("a storage without a place in the file");
}

}  // namespace cairn::weights
