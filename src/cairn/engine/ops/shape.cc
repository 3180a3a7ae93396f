// Operators that read or change the shape alone, and constants.
#include <algorithm>
#include <cstring>

#include "cairn/base/error.h"
#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

// Output 0 is input 0 under another shape.
void share_reshaped(OpContext& ctx, Shape shape) {
  try {
    ctx.share_output(0, ctx.input(0).reshaped(std::move(shape)));
  } catch (const Error& error) {
    ctx.fail(error.what());
  }
}

void identity(OpContext& ctx) { ctx.share_output(0, ctx.input(0)); }

// Inference: the input itself. In training mode nothing but ratio 0 is the input itself.
void dropout(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  if (ctx.has_input(2)) {
    const Tensor& training = ctx.input(2);
    if (training.dtype() != DType::kBool || training.count() != 1) {
      ctx.fail("training_mode must be one bool");
    }
    const double ratio = ctx.has_input(1) ? number(ctx, 1) : 0.5;
    if (*training.data<Bool>() && ratio != 0) ctx.fail("training mode is unsupported");
  }
  // A copy: a plan that shared the memory would not call this function, and so miss training mode.
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  std::memcpy(y.data<std::byte>(), x.data<std::byte>(), x.bytes());
  if (!ctx.has_output(1)) return;
  if (ctx.opset < 10) ctx.fail("the output mask is unsupported before opset 10");
  Tensor& mask = ctx.make_output(1, DType::kBool, x.shape());
  std::fill_n(mask.data<Bool>(), mask.count(), Bool(true));
}

void shape(OpContext& ctx) {
  const Shape& x = ctx.input(0).shape();
  const auto rank = static_cast<int64_t>(x.size());
  const auto position = [&](const char* key, int64_t fallback) {
    const int64_t at = std::clamp(ctx.node.get_int(key, fallback), -rank, rank);
    return at < 0 ? at + rank : at;
  };
  const int64_t start = position("start", 0);
  const int64_t end = std::max(position("end", rank), start);
  Tensor& y = ctx.make_output(0, DType::kI64, {end - start});
  std::copy(x.begin() + start, x.begin() + end, y.data<int64_t>());
}

void size(OpContext& ctx) {
  const auto count = static_cast<int64_t>(ctx.input(0).count());
  *ctx.make_output(0, DType::kI64, {}).data<int64_t>() = count;
}

// 0 copies the input's dimension (unless allowzero), -1 is what remains.
void reshape(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  Shape shape = ctx.opset < 5 ? required_ints(ctx, "shape") : integers(ctx, 1);
  const bool allow_zero = ctx.node.get_int("allowzero", 0) != 0;
  size_t known = 1;
  std::optional<size_t> open;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !allow_zero) {
      if (i >= x.shape().size()) ctx.fail("shape has a 0 where the input has no dimension");
      shape[i] = x.shape()[i];
    }
    if (shape[i] < -1) ctx.fail("shape " + to_string(shape) + " has a dimension below -1");
    if (shape[i] == -1) {
      if (open) ctx.fail("shape " + to_string(shape) + " has two dimensions of -1");
      open = i;
    } else if (__builtin_mul_overflow(known, static_cast<size_t>(shape[i]), &known)) {
      ctx.fail("shape " + to_string(shape) + " is too large");
    }
  }
  if (open) {
    if (known == 0 || x.count() % known != 0) {
      ctx.fail("shape " + to_string(x.shape()) + " does not fit into " + to_string(shape));
    }
    shape[*open] = static_cast<int64_t>(x.count() / known);
  }
  share_reshaped(ctx, std::move(shape));
}

void flatten(OpContext& ctx) {
  const Shape& x = ctx.input(0).shape();
  const auto rank = static_cast<int64_t>(x.size());
  const int64_t axis = ctx.node.get_int("axis", 1);
  if (axis < -rank || axis > rank) ctx.fail("axis " + std::to_string(axis) + " is out of range");
  const auto at = static_cast<size_t>(axis < 0 ? axis + rank : axis);
  share_reshaped(ctx, {static_cast<int64_t>(product(x, 0, at)),
                       static_cast<int64_t>(product(x, at, x.size()))});
}

// The axes of Squeeze and Unsqueeze: an attribute before opset 13, an input since.
std::optional<std::vector<int64_t>> axes_argument(const OpContext& ctx) {
  if (ctx.opset < 13) {
    if (!ctx.node.has_attribute("axes")) return std::nullopt;
    return ctx.node.get_ints("axes");
  }
  if (ctx.node.has_attribute("axes")) ctx.fail("attribute \"axes\" ended with opset 12");
  if (!ctx.has_input(1)) return std::nullopt;
  return integers(ctx, 1);
}

void squeeze(OpContext& ctx) {
  const Shape& x = ctx.input(0).shape();
  std::vector<bool> drop(x.size(), false);
  if (const auto axes = axes_argument(ctx)) {
    for (const size_t axis : axes_of(ctx, *axes, x.size())) {
      if (x[axis] != 1)
        ctx.fail("axis " + std::to_string(axis) + " of " + to_string(x) + " is not 1");
      drop[axis] = true;
    }
  } else {
    for (size_t i = 0; i < x.size(); ++i) drop[i] = x[i] == 1;
  }
  Shape shape;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!drop[i]) shape.push_back(x[i]);
  }
  share_reshaped(ctx, std::move(shape));
}

void unsqueeze(OpContext& ctx) {
  const Shape& x = ctx.input(0).shape();
  const auto axes = axes_argument(ctx);
  if (!axes) ctx.fail("axes are missing");
  const size_t rank = x.size() + axes->size();
  if (rank > kMaxRank) ctx.fail("too many axes");
  Shape shape(rank, 0);
  for (const size_t axis : axes_of(ctx, *axes, rank)) shape[axis] = 1;
  size_t next = 0;
  for (int64_t& dim : shape) {
    if (dim == 0) dim = x[next++];
  }
  share_reshaped(ctx, std::move(shape));
}

void constant(OpContext& ctx) {
  if (ctx.node.attributes.size() != 1) ctx.fail("exactly one attribute is expected");
  const AttributeValue& value = ctx.node.attributes.begin()->second;
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    ctx.share_output(0, *tensor);
  } else if (const auto* real = std::get_if<float>(&value)) {
    *ctx.make_output(0, DType::kF32, {}).data<float>() = *real;
  } else if (const auto* whole = std::get_if<int64_t>(&value)) {
    *ctx.make_output(0, DType::kI64, {}).data<int64_t>() = *whole;
  } else if (const auto* reals = std::get_if<std::vector<float>>(&value)) {
    Tensor& y = ctx.make_output(0, DType::kF32, {static_cast<int64_t>(reals->size())});
    std::copy(reals->begin(), reals->end(), y.data<float>());
  } else if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value)) {
    Tensor& y = ctx.make_output(0, DType::kI64, {static_cast<int64_t>(wholes->size())});
    std::copy(wholes->begin(), wholes->end(), y.data<int64_t>());
  } else {
    ctx.fail("unsupported type string");
  }
}

void constant_of_shape(OpContext& ctx) {
  const Shape shape = integers(ctx, 0);
  Tensor value = Tensor::from_f32({1}, std::array{0.0F});
  const auto found = ctx.node.attributes.find("value");
  if (found != ctx.node.attributes.end()) {
    const auto* tensor = std::get_if<Tensor>(&found->second);
    if (!tensor || tensor->count() != 1) ctx.fail("attribute \"value\" must be one element");
    value = *tensor;
  }
  Tensor& y = ctx.make_output(0, value.dtype(), shape);
  dispatch_size(value.dtype(),
                [&]<typename T>() { std::fill_n(y.data<T>(), y.count(), *value.data<T>()); });
}

OpInfo sharing(OpFunction run, int min_opset, std::vector<std::string_view> attributes = {}) {
  return {run, min_opset, 17, std::move(attributes), true};
}

}  // namespace

std::vector<OpEntry> shape_ops() {
  return {
      {"Identity", sharing(identity, 1)},
      {"Dropout", {dropout, 7, 17, {"ratio", "seed"}}},
      {"Shape", {shape, 1, 17, {"start", "end"}}},
      {"Size", {size}},
      {"Reshape", sharing(reshape, 1, {"shape", "allowzero"})},
      {"Flatten", sharing(flatten, 1, {"axis"})},
      {"Squeeze", sharing(squeeze, 1, {"axes"})},
      {"Unsqueeze", sharing(unsqueeze, 1, {"axes"})},
      {"Constant",
       {constant, 1, 17, {"value", "value_float", "value_floats", "value_int", "value_ints"}}},
      {"ConstantOfShape", {constant_of_shape, 9, 17, {"value"}}},
  };
}

}  // namespace cairn::engine::ops
