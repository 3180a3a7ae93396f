// Concat and Split.
#include <cstring>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

void concat(OpContext& ctx) {
  const Tensor& first = ctx.input(0);
  const size_t rank = first.shape().size();
  if (ctx.opset >= 4 && !ctx.node.has_attribute("axis")) ctx.fail("attribute \"axis\" is missing");
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", 1), rank);
  Shape shape = first.shape();
  for (size_t k = 1; k < ctx.input_count(); ++k) {
    const Tensor& x = ctx.input(k);
    expect_same_type(ctx, first, x);
    bool fits = x.shape().size() == rank;
    for (size_t i = 0; fits && i < rank; ++i) fits = i == axis || x.shape()[i] == shape[i];
    if (!fits) {
      ctx.fail("shapes " + to_string(first.shape()) + " and " + to_string(x.shape()) +
               " differ outside axis " + std::to_string(axis));
    }
    shape[axis] = checked_add(ctx, shape[axis], x.shape()[axis]);
  }
  Tensor& y = ctx.make_output(0, first.dtype(), shape);
  if (y.count() == 0) return;
  const size_t rows = product(shape, 0, axis);
  const size_t row_bytes = y.bytes() / rows;
  std::byte* out = y.data<std::byte>();
  for (size_t k = 0; k < ctx.input_count(); ++k) {
    const Tensor& x = ctx.input(k);
    const size_t part = x.bytes() / rows;
    for (size_t r = 0; r < rows; ++r) {
      std::memcpy(out + r * row_bytes, x.data<std::byte>() + r * part, part);
    }
    out += part;
  }
}

// Sizes along the axis: an attribute before opset 13, an input since, equal parts where neither.
std::vector<int64_t> split_sizes(const OpContext& ctx, int64_t dim) {
  const auto count = static_cast<int64_t>(ctx.outputs.size());
  std::vector<int64_t> sizes;
  if (ctx.opset < 13) {
    sizes = ctx.node.get_ints("split");
  } else if (ctx.has_input(1)) {
    sizes = integers(ctx, 1);
  }
  if (sizes.empty()) {
    if (count == 0 || dim % count != 0) {
      ctx.fail(std::to_string(dim) + " does not split into " + std::to_string(count) + " parts");
    }
    sizes.assign(static_cast<size_t>(count), dim / count);
  }
  int64_t total = 0;
  for (const int64_t size : sizes) {
    if (size < 0) ctx.fail("a split size is negative");
    total = checked_add(ctx, total, size);
  }
  if (total != dim || static_cast<int64_t>(sizes.size()) != count) {
    ctx.fail("split sizes " + to_string(sizes) + " do not make " + std::to_string(dim) + " in " +
             std::to_string(count) + " parts");
  }
  return sizes;
}

void split(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", 0), x.shape().size());
  const std::vector<int64_t> sizes = split_sizes(ctx, x.shape()[axis]);
  const size_t rows = product(x.shape(), 0, axis);
  const size_t unit = product(x.shape(), axis + 1, x.shape().size()) * element_size(x.dtype());
  const size_t row_bytes = static_cast<size_t>(x.shape()[axis]) * unit;
  const std::byte* in = x.data<std::byte>();
  for (size_t k = 0; k < sizes.size(); ++k) {
    const size_t part = static_cast<size_t>(sizes[k]) * unit;
    if (ctx.has_output(k)) {
      Shape shape = x.shape();
      shape[axis] = sizes[k];
      Tensor& y = ctx.make_output(k, x.dtype(), shape);
      for (size_t r = 0; y.count() > 0 && r < rows; ++r) {
        std::memcpy(y.data<std::byte>() + r * part, in + r * row_bytes, part);
      }
    }
    in += part;
  }
}

}  // namespace

std::vector<OpEntry> concat_ops() {
  return {{"Concat", {concat, 1, 17, {"axis"}}}, {"Split", {split, 2, 17, {"axis", "split"}}}};
}

}  // namespace cairn::engine::ops
