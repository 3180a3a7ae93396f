// Gather and Scatter in all their forms.
#include <cstring>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

// An index in [-size, size) as one in [0, size).
size_t checked_index(const OpContext& ctx, int64_t index, int64_t size) {
  if (index < -size || index >= size) {
    ctx.fail("index " + std::to_string(index) + " is out of range for " + std::to_string(size));
  }
  return static_cast<size_t>(index < 0 ? index + size : index);
}

// All indices of an int32 or int64 input.
std::vector<int64_t> index_values(const OpContext& ctx, size_t i) {
  const Tensor& x = ctx.input(i);
  std::vector<int64_t> values(x.count());
  dispatch(ctx, x.dtype(), Indices{}, [&]<typename T>() {
    for (size_t k = 0; k < values.size(); ++k) values[k] = x.data<T>()[k];
  });
  return values;
}

void gather(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", 0), x.shape().size());
  const auto split = x.shape().begin() + static_cast<std::ptrdiff_t>(axis);
  Shape shape(x.shape().begin(), split);
  shape.insert(shape.end(), ctx.input(1).shape().begin(), ctx.input(1).shape().end());
  shape.insert(shape.end(), split + 1, x.shape().end());
  const std::vector<int64_t> indices = index_values(ctx, 1);
  const size_t outer = product(x.shape(), 0, axis);
  const int64_t size = x.shape()[axis];
  const size_t part = product(x.shape(), axis + 1, x.shape().size()) * element_size(x.dtype());
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  std::byte* out = y.data<std::byte>();
  if (y.count() == 0) return;
  for (size_t o = 0; o < outer; ++o) {
    const std::byte* in = x.data<std::byte>() + o * static_cast<size_t>(size) * part;
    for (const int64_t index : indices) {
      std::memcpy(out, in + checked_index(ctx, index, size) * part, part);
      out += part;
    }
  }
}

// Calls body(offset among the indices, offset in the data) where the data's position is that of the
// index but for `axis`, which the index names.
template <typename Body>
void for_each_element(const OpContext& ctx, size_t axis, Body&& body) {
  const Shape& data = ctx.input(0).shape();
  const Shape& shape = ctx.input(1).shape();
  if (shape.size() != data.size()) ctx.fail("data and indices differ in dimensions");
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i != axis && shape[i] > data[i]) ctx.fail("the indices exceed the data");
  }
  const std::vector<int64_t> indices = index_values(ctx, 1);
  const std::vector<size_t> strides = strides_of(data);
  std::vector<int64_t> position(shape.size(), 0);
  size_t base = 0;  // offset of the position without the axis
  for (size_t k = 0; k < indices.size(); ++k) {
    body(k, base + checked_index(ctx, indices[k], data[axis]) * strides[axis]);
    for (size_t i = shape.size(); i-- > 0;) {
      const size_t stride = i == axis ? 0 : strides[i];
      base += stride;
      if (++position[i] < shape[i]) break;
      base -= stride * static_cast<size_t>(shape[i]);
      position[i] = 0;
    }
  }
}

void gather_elements(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", 0), x.shape().size());
  Tensor& y = ctx.make_output(0, x.dtype(), ctx.input(1).shape());
  dispatch_size(x.dtype(), [&]<typename T>() {
    for_each_element(ctx, axis,
                     [&](size_t to, size_t from) { y.data<T>()[to] = x.data<T>()[from]; });
  });
}

enum class Combine { kReplace, kAdd, kMultiply };

Combine combine_of(const OpContext& ctx) {
  const std::string name = ctx.node.get_string("reduction", "none");
  if (name == "none") return Combine::kReplace;
  if (name == "add") return Combine::kAdd;
  if (name == "mul") return Combine::kMultiply;
  ctx.fail("unsupported reduction \"" + name + "\"");
}

template <typename T>
void combine(T& target, T value, Combine how) {
  if constexpr (std::is_same_v<T, Bool>) {
    target = value;
  } else {
    using C = Compute<T>;
    if (how == Combine::kReplace) target = value;
    if (how == Combine::kAdd) target = static_cast<T>(wrapping_add(C(target), C(value)));
    if (how == Combine::kMultiply) target = static_cast<T>(wrapping_mul(C(target), C(value)));
  }
}

// Output 0 as a copy of input 0.
Tensor& copy_input(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  std::memcpy(y.data<std::byte>(), x.data<std::byte>(), x.bytes());
  return y;
}

void scatter_elements(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Tensor& updates = ctx.input(2);
  expect_same_type(ctx, x, updates);
  if (updates.shape() != ctx.input(1).shape()) ctx.fail("indices and updates differ in shape");
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", 0), x.shape().size());
  const Combine how = combine_of(ctx);
  if (how != Combine::kReplace && x.dtype() == DType::kBool) ctx.fail("unsupported type bool");
  Tensor& y = copy_input(ctx);
  dispatch(ctx, x.dtype(), AnyType{}, [&]<typename T>() {
    for_each_element(ctx, axis, [&](size_t from, size_t to) {
      combine(y.data<T>()[to], updates.data<T>()[from], how);
    });
  });
}

// The shared part of GatherND and ScatterND: index tuples [tuples, depth] into the axes of the data
// from `batch` on; every tuple names a part of `part` elements.
struct Tuples {
  std::vector<int64_t> indices;
  size_t depth = 0;
  size_t count = 0;
  size_t part = 1;
};

Tuples read_tuples(const OpContext& ctx, size_t batch) {
  const Shape& data = ctx.input(0).shape();
  const Shape& shape = ctx.input(1).shape();
  if (shape.empty() || shape.back() < 0 ||
      shape.back() > static_cast<int64_t>(data.size()) - static_cast<int64_t>(batch)) {
    ctx.fail("indices of shape " + to_string(shape) + " do not fit data of shape " +
             to_string(data));
  }
  Tuples tuples;
  tuples.indices = index_values(ctx, 1);
  tuples.depth = static_cast<size_t>(shape.back());
  tuples.count = product(shape, 0, shape.size() - 1);
  tuples.part = product(data, batch + tuples.depth, data.size());
  return tuples;
}

// Offset in the data (relative to its batch) of tuple t.
size_t offset_of(const OpContext& ctx, const Tuples& tuples, size_t t, size_t batch,
                 const std::vector<size_t>& strides) {
  const Shape& data = ctx.input(0).shape();
  size_t offset = 0;
  for (size_t i = 0; i < tuples.depth; ++i) {
    const int64_t index = tuples.indices[t * tuples.depth + i];
    offset += checked_index(ctx, index, data[batch + i]) * strides[batch + i];
  }
  return offset;
}

void gather_nd(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Shape& indices = ctx.input(1).shape();
  const int64_t batch_dims = ctx.node.get_int("batch_dims", 0);
  if (batch_dims < 0 ||
      batch_dims >= static_cast<int64_t>(std::min(x.shape().size(), indices.size()))) {
    ctx.fail("batch_dims " + std::to_string(batch_dims) + " is out of range");
  }
  const auto batch = static_cast<size_t>(batch_dims);
  for (size_t i = 0; i < batch; ++i) {
    if (x.shape()[i] != indices[i]) ctx.fail("data and indices differ in a batch dimension");
  }
  const Tuples tuples = read_tuples(ctx, batch);
  Shape shape(indices.begin(), indices.end() - 1);
  shape.insert(shape.end(), x.shape().begin() + static_cast<std::ptrdiff_t>(batch + tuples.depth),
               x.shape().end());
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  if (y.count() == 0) return;
  const std::vector<size_t> strides = strides_of(x.shape());
  const size_t batches = product(x.shape(), 0, batch);
  const size_t per_batch = tuples.count / batches;
  const size_t batch_size = x.count() / batches;
  const size_t bytes = tuples.part * element_size(x.dtype());
  for (size_t t = 0; t < tuples.count; ++t) {
    const size_t from = t / per_batch * batch_size + offset_of(ctx, tuples, t, batch, strides);
    std::memcpy(y.data<std::byte>() + t * bytes,
                x.data<std::byte>() + from * element_size(x.dtype()), bytes);
  }
}

void scatter_nd(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Tensor& updates = ctx.input(2);
  expect_same_type(ctx, x, updates);
  const Tuples tuples = read_tuples(ctx, 0);
  const Combine how = combine_of(ctx);
  if (how != Combine::kReplace && x.dtype() == DType::kBool) ctx.fail("unsupported type bool");
  const Shape& indices = ctx.input(1).shape();
  Shape wanted(indices.begin(), indices.end() - 1);
  wanted.insert(wanted.end(), x.shape().begin() + static_cast<std::ptrdiff_t>(tuples.depth),
                x.shape().end());
  if (updates.shape() != wanted) {
    ctx.fail("updates of shape " + to_string(updates.shape()) + " must have shape " +
             to_string(wanted));
  }
  Tensor& y = copy_input(ctx);
  const std::vector<size_t> strides = strides_of(x.shape());
  if (tuples.part == 0) return;
  dispatch(ctx, x.dtype(), AnyType{}, [&]<typename T>() {
    for (size_t t = 0; t < tuples.count; ++t) {
      T* out = y.data<T>() + offset_of(ctx, tuples, t, 0, strides);
      const T* in = updates.data<T>() + t * tuples.part;
      for (size_t i = 0; i < tuples.part; ++i) combine(out[i], in[i], how);
    }
  });
}

}  // namespace

std::vector<OpEntry> gather_ops() {
  return {
      {"Gather", {gather, 1, 17, {"axis"}}},
      {"GatherElements", {gather_elements, 11, 17, {"axis"}}},
      {"GatherND", {gather_nd, 11, 17, {"batch_dims"}}},
      {"Scatter", {scatter_elements, 9, 10, {"axis"}}},
      {"ScatterElements", {scatter_elements, 11, 17, {"axis", "reduction"}}},
      {"ScatterND", {scatter_nd, 11, 17, {"reduction"}}},
  };
}

}  // namespace cairn::engine::ops
