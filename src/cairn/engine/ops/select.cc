// Operators whose output size depends on the values: Compress, NonZero, Unique; and
// ReverseSequence.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

// Copies the positions `chosen` of an axis: y [outer, chosen, inner].
void take(const Tensor& x, size_t axis, const std::vector<size_t>& chosen, Tensor& y) {
  if (y.count() == 0) return;
  const size_t outer = product(x.shape(), 0, axis);
  const size_t part = product(x.shape(), axis + 1, x.shape().size()) * element_size(x.dtype());
  const size_t row = static_cast<size_t>(x.shape()[axis]) * part;
  std::byte* out = y.data<std::byte>();
  for (size_t o = 0; o < outer; ++o) {
    for (const size_t i : chosen) {
      std::memcpy(out, x.data<std::byte>() + o * row + i * part, part);
      out += part;
    }
  }
}

// Without an axis the input counts as a list.
void compress(OpContext& ctx) {
  const Tensor& input = ctx.input(0);
  const Tensor& condition = ctx.input(1);
  if (condition.dtype() != DType::kBool || condition.shape().size() != 1) {
    ctx.fail("the condition must be a list of bool");
  }
  const bool has_axis = ctx.node.has_attribute("axis");
  const Tensor x = has_axis ? input : input.reshaped({static_cast<int64_t>(input.count())});
  const size_t axis = has_axis ? axis_of(ctx, ctx.node.get_int("axis", 0), x.shape().size()) : 0;
  std::vector<size_t> chosen;
  for (size_t i = 0; i < condition.count(); ++i) {
    if (condition.data<Bool>()[i]) chosen.push_back(i);
  }
  if (!chosen.empty() && chosen.back() >= static_cast<size_t>(x.shape()[axis])) {
    ctx.fail("the condition is longer than the axis");
  }
  Shape shape = x.shape();
  shape[axis] = static_cast<int64_t>(chosen.size());
  take(x, axis, chosen, ctx.make_output(0, x.dtype(), shape));
}

// [rank, count] indices of all elements that are not 0.
void non_zero(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  std::vector<size_t> found;
  dispatch(ctx, x.dtype(), AnyType{}, [&]<typename T>() {
    for (size_t i = 0; i < x.count(); ++i) {
      if (convert<Bool>(x.data<T>()[i])) found.push_back(i);
    }
  });
  // A scalar counts as a list of one.
  const Shape shape = x.shape().empty() ? Shape{1} : x.shape();
  const std::vector<size_t> strides = strides_of(shape);
  Tensor& y = ctx.make_output(
      0, DType::kI64, {static_cast<int64_t>(shape.size()), static_cast<int64_t>(found.size())});
  int64_t* out = y.data<int64_t>();
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    for (const size_t i : found) {
      *out++ = static_cast<int64_t>(i / strides[axis] % static_cast<size_t>(shape[axis]));
    }
  }
}

// The groups of equal slices of an axis: positions in the order of the output.
struct Groups {
  std::vector<size_t> first;     // where each group occurs first
  std::vector<int64_t> inverse;  // the group of each position
  std::vector<int64_t> counts;
};

Groups group(std::vector<size_t> order, bool sorted, const auto& compare) {
  // Equal slices end up together, the first occurrence in front.
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return compare(a, b) < 0; });
  std::vector<std::vector<size_t>> groups;
  for (const size_t i : order) {
    if (groups.empty() || compare(groups.back().front(), i) != 0) groups.emplace_back();
    groups.back().push_back(i);
  }
  if (!sorted) {
    std::sort(groups.begin(), groups.end(),
              [](const auto& a, const auto& b) { return a.front() < b.front(); });
  }
  Groups result;
  result.inverse.resize(order.size());
  for (const std::vector<size_t>& members : groups) {
    for (const size_t i : members) {
      result.inverse[i] = static_cast<int64_t>(result.first.size());
    }
    result.first.push_back(members.front());
    result.counts.push_back(static_cast<int64_t>(members.size()));
  }
  return result;
}

void write_list(OpContext& ctx, size_t i, const std::vector<int64_t>& values) {
  if (!ctx.has_output(i)) return;
  Tensor& y = ctx.make_output(i, DType::kI64, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), y.data<int64_t>());
}

void unique(OpContext& ctx) {
  const Tensor& input = ctx.input(0);
  const bool has_axis = ctx.node.has_attribute("axis");
  const Tensor x = has_axis ? input : input.reshaped({static_cast<int64_t>(input.count())});
  const size_t axis = has_axis ? axis_of(ctx, ctx.node.get_int("axis", 0), x.shape().size()) : 0;
  if (x.count() == 0) ctx.fail("the input has no elements");
  const size_t outer = product(x.shape(), 0, axis);
  const auto count = static_cast<size_t>(x.shape()[axis]);
  const size_t inner = product(x.shape(), axis + 1, x.shape().size());
  const bool sorted = ctx.node.get_int("sorted", 1) != 0;
  Groups groups;
  dispatch(ctx, x.dtype(), AnyType{}, [&]<typename T>() {
    // -1, 0 or 1 by the first element in which two slices differ; NaN counts as the largest.
    const auto compare = [&](size_t a, size_t b) {
      for (size_t i = 0; i < outer * inner; ++i) {
        const size_t base = i / inner * count * inner + i % inner;
        const Compute<T> u(x.data<T>()[base + a * inner]);
        const Compute<T> v(x.data<T>()[base + b * inner]);
        if (u < v || (v != v && u == u)) return -1;
        if (v < u || (u != u && v == v)) return 1;
      }
      return 0;
    };
    std::vector<size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    groups = group(std::move(order), sorted, compare);
  });
  Shape shape = x.shape();
  shape[axis] = static_cast<int64_t>(groups.first.size());
  take(x, axis, groups.first, ctx.make_output(0, x.dtype(), shape));
  write_list(ctx, 1, {groups.first.begin(), groups.first.end()});
  write_list(ctx, 2, groups.inverse);
  write_list(ctx, 3, groups.counts);
}

// Reverses the first sequence_lens[b] steps of every batch entry.
void reverse_sequence(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 2);
  const int64_t batch_axis = ctx.node.get_int("batch_axis", 1);
  const int64_t time_axis = ctx.node.get_int("time_axis", 0);
  if (!(batch_axis == 0 && time_axis == 1) && !(batch_axis == 1 && time_axis == 0)) {
    ctx.fail("batch_axis and time_axis must be 0 and 1");
  }
  const auto batch = static_cast<size_t>(x.dim(static_cast<size_t>(batch_axis)));
  const auto time = static_cast<size_t>(x.dim(static_cast<size_t>(time_axis)));
  const Tensor& lengths = ctx.input(1);
  if (lengths.dtype() != DType::kI64 || lengths.count() != batch) {
    ctx.fail("sequence_lens must have one int64 for each batch entry");
  }
  const size_t part = product(x.shape(), 2, x.shape().size()) * element_size(x.dtype());
  const size_t batch_step = (batch_axis == 0 ? time : 1) * part;
  const size_t time_step = (batch_axis == 0 ? 1 : batch) * part;
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  if (y.count() == 0) return;
  for (size_t b = 0; b < batch; ++b) {
    const int64_t wanted = lengths.data<int64_t>()[b];
    if (wanted < 0 || static_cast<size_t>(wanted) > time)
      ctx.fail("a sequence length is impossible");
    const auto length = static_cast<size_t>(wanted);
    for (size_t t = 0; t < time; ++t) {
      const size_t from = t < length ? length - 1 - t : t;
      std::memcpy(y.data<std::byte>() + b * batch_step + t * time_step,
                  x.data<std::byte>() + b * batch_step + from * time_step, part);
    }
  }
}

}  // namespace

std::vector<OpEntry> select_ops() {
  return {
      {"Compress", {compress, 9, 17, {"axis"}}},
      {"NonZero", {non_zero, 9}},
      {"Unique", {unique, 11, 17, {"axis", "sorted"}}},
      {"ReverseSequence", {reverse_sequence, 10, 17, {"batch_axis", "time_axis"}}},
  };
}

}  // namespace cairn::engine::ops
