// Operators that move elements by strides: Transpose, Slice, Expand, Tile, DepthToSpace.
#include <algorithm>
#include <limits>
#include <numeric>

#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/strided.h"

namespace cairn::engine::ops {

namespace {

std::vector<int64_t> signed_strides(const Shape& shape) {
  const std::vector<size_t> strides = strides_of(shape);
  return {strides.begin(), strides.end()};
}

void transpose(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const size_t rank = x.shape().size();
  std::vector<int64_t> reversed(rank);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const std::vector<int64_t> perm = ctx.node.get_ints("perm", reversed);
  if (perm.size() != rank) ctx.fail("perm must name every axis once");
  axes_of(ctx, perm, rank);  // refuses duplicates
  Shape shape(rank);
  std::vector<size_t> source(rank);
  for (size_t i = 0; i < rank; ++i) {
    source[i] = axis_of(ctx, perm[i], rank);
    shape[i] = x.shape()[source[i]];
  }
  const std::vector<int64_t> in = signed_strides(x.shape());
  const std::vector<int64_t> out = signed_strides(shape);
  std::vector<CopyAxis> axes;
  for (size_t i = 0; i < rank; ++i) axes.push_back({shape[i], in[source[i]], out[i]});
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  copy_strided(x.dtype(), x.data<std::byte>(), y.data<std::byte>(), axes);
}

struct SliceArguments {
  std::vector<int64_t> starts, ends, axes, steps;
};

// Attributes before opset 10, inputs since.
SliceArguments slice_arguments(const OpContext& ctx) {
  SliceArguments args;
  if (ctx.opset < 10) {
    args.starts = required_ints(ctx, "starts");
    args.ends = required_ints(ctx, "ends");
    args.axes = ctx.node.get_ints("axes");
  } else {
    args.starts = integers(ctx, 1);
    args.ends = integers(ctx, 2);
    if (ctx.has_input(3)) args.axes = integers(ctx, 3);
    if (ctx.has_input(4)) args.steps = integers(ctx, 4);
  }
  if (args.axes.empty()) {
    args.axes.resize(args.starts.size());
    std::iota(args.axes.begin(), args.axes.end(), 0);
  }
  if (args.steps.empty()) args.steps.assign(args.starts.size(), 1);
  if (args.ends.size() != args.starts.size() || args.axes.size() != args.starts.size() ||
      args.steps.size() != args.starts.size()) {
    ctx.fail("starts, ends, axes and steps have different lengths");
  }
  return args;
}

void slice(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const SliceArguments args = slice_arguments(ctx);
  axes_of(ctx, args.axes, x.shape().size());  // refuses duplicates
  Shape shape = x.shape();
  const std::vector<int64_t> strides = signed_strides(x.shape());
  std::vector<int64_t> in = strides;
  int64_t offset = 0;
  for (size_t i = 0; i < args.starts.size(); ++i) {
    const size_t axis = axis_of(ctx, args.axes[i], shape.size());
    const int64_t dim = x.shape()[axis];
    if (args.steps[i] == 0) ctx.fail("a step is 0");
    // Steps over the whole axis take one element; held to its size so that nothing overflows.
    const int64_t step =
        std::clamp(args.steps[i], -std::max<int64_t>(dim, 1), std::max<int64_t>(dim, 1));
    const auto position = [&](int64_t at, int64_t low, int64_t high) {
      return std::clamp(at < 0 ? at + dim : at, low, high);
    };
    const bool forward = step > 0;
    const int64_t start = forward ? position(args.starts[i], 0, dim)
                                  : position(args.starts[i], 0, std::max<int64_t>(dim - 1, 0));
    const int64_t end =
        forward ? position(args.ends[i], 0, dim) : position(args.ends[i], -1, dim - 1);
    const int64_t span = forward ? end - start : start - end;
    shape[axis] = dim == 0 || span <= 0 ? 0 : (span - 1) / std::abs(step) + 1;
    in[axis] = strides[axis] * step;
    offset += strides[axis] * start;
  }
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  if (y.count() == 0) return;
  const std::vector<int64_t> out = signed_strides(shape);
  std::vector<CopyAxis> axes;
  for (size_t i = 0; i < shape.size(); ++i) axes.push_back({shape[i], in[i], out[i]});
  const size_t first = static_cast<size_t>(offset) * element_size(x.dtype());
  copy_strided(x.dtype(), x.data<std::byte>() + first, y.data<std::byte>(), axes);
}

void expand(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Shape wanted = integers(ctx, 1);
  for (const int64_t dim : wanted) {
    if (dim < 0) ctx.fail("shape " + to_string(wanted) + " has a negative dimension");
  }
  const Shape shape = broadcast(ctx, std::array{x.shape(), wanted});
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  if (y.count() == 0) return;
  const std::vector<int64_t> in = signed_strides(x.shape());
  const std::vector<int64_t> out = signed_strides(shape);
  const size_t missing = shape.size() - x.shape().size();
  std::vector<CopyAxis> axes;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool copied = i >= missing && x.shape()[i - missing] != 1;
    axes.push_back({shape[i], copied ? in[i - missing] : 0, out[i]});
  }
  copy_strided(x.dtype(), x.data<std::byte>(), y.data<std::byte>(), axes);
}

void tile(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const std::vector<int64_t> repeats = integers(ctx, 1);
  if (repeats.size() != x.shape().size()) ctx.fail("repeats must have one number for each axis");
  Shape shape = x.shape();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (repeats[i] < 0) ctx.fail("repeats must not be negative");
    shape[i] = checked_mul(ctx, shape[i], repeats[i]);
  }
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  if (y.count() == 0) return;
  const std::vector<int64_t> in = signed_strides(x.shape());
  const std::vector<int64_t> out = signed_strides(shape);
  std::vector<CopyAxis> axes;
  for (size_t i = 0; i < shape.size(); ++i) {
    axes.push_back({repeats[i], 0, out[i] * x.shape()[i]});
    axes.push_back({x.shape()[i], in[i], out[i]});
  }
  copy_strided(x.dtype(), x.data<std::byte>(), y.data<std::byte>(), axes);
}

int64_t block_size(const OpContext& ctx) {
  const int64_t block = ctx.node.get_int("blocksize", 0);
  if (block < 1 || block > 4096) {
    ctx.fail("attribute \"blocksize\" must be in 1..4096, not " + std::to_string(block));
  }
  if (ctx.input(0).shape().size() != 4) ctx.fail("the input must have 4 dimensions");
  return block;
}

// Channels [b, b, c] (mode DCR) or [c, b, b] (CRD) become pixels of b × b blocks.
void depth_to_space(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const int64_t b = block_size(ctx);
  const std::string mode = ctx.node.get_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") ctx.fail("unsupported mode \"" + mode + "\"");
  const int64_t n = x.dim(0), c = x.dim(1) / (b * b), h = x.dim(2), w = x.dim(3);
  if (c * b * b != x.dim(1)) ctx.fail("the channels are no multiple of blocksize²");
  Tensor& y = ctx.make_output(0, x.dtype(), {n, c, checked_mul(ctx, h, b), checked_mul(ctx, w, b)});
  if (y.count() == 0) return;
  const bool dcr = mode == "DCR";
  const int64_t plane = h * w;
  const int64_t row = dcr ? b * c * plane : b * plane;
  const int64_t column = dcr ? c * plane : plane;
  const int64_t channel = dcr ? plane : b * b * plane;
  copy_strided(x.dtype(), x.data<std::byte>(), y.data<std::byte>(),
               {{n, c * b * b * plane, c * b * b * plane},
                {c, channel, b * b * plane},
                {h, w, b * w * b},
                {b, row, w * b},
                {w, 1, b},
                {b, column, 1}});
}

void space_to_depth(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const int64_t b = block_size(ctx);
  const int64_t n = x.dim(0), c = x.dim(1), h = x.dim(2) / b, w = x.dim(3) / b;
  if (h * b != x.dim(2) || w * b != x.dim(3)) ctx.fail("the size is no multiple of blocksize");
  Tensor& y = ctx.make_output(0, x.dtype(), {n, checked_mul(ctx, c, b * b), h, w});
  if (y.count() == 0) return;
  const int64_t plane = h * w;
  copy_strided(x.dtype(), x.data<std::byte>(), y.data<std::byte>(),
               {{n, c * b * b * plane, c * b * b * plane},
                {b, w * b, b * c * plane},
                {b, 1, c * plane},
                {c, b * b * plane, plane},
                {h, b * w * b, w},
                {w, b, 1}});
}

}  // namespace

std::vector<OpEntry> move_ops() {
  return {
      {"Transpose", {transpose, 1, 17, {"perm"}}},
      {"Slice", {slice, 1, 17, {"starts", "ends", "axes"}}},
      {"Expand", {expand, 8}},
      {"Tile", {tile, 6}},
      {"DepthToSpace", {depth_to_space, 1, 17, {"blocksize", "mode"}}},
      {"SpaceToDepth", {space_to_depth, 1, 17, {"blocksize"}}},
  };
}

}  // namespace cairn::engine::ops
