// Conversions between element types.
#include <cstring>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

DType dtype_of_code(const OpContext& ctx, int64_t code) {
  switch (code) {
    case 1:
      return DType::kF32;
    case 2:
      return DType::kU8;
    case 3:
      return DType::kI8;
    case 4:
      return DType::kU16;
    case 5:
      return DType::kI16;
    case 6:
      return DType::kI32;
    case 7:
      return DType::kI64;
    case 9:
      return DType::kBool;
    case 10:
      return DType::kF16;
    case 11:
      return DType::kF64;
    case 12:
      return DType::kU32;
    case 13:
      return DType::kU64;
    default:
      ctx.fail("unsupported type: ONNX code " + std::to_string(code));
  }
}

namespace {

void cast_to(OpContext& ctx, DType type) {
  const Tensor& x = ctx.input(0);
  Tensor& y = ctx.make_output(0, type, x.shape());
  if (type == x.dtype()) {
    std::memcpy(y.data<std::byte>(), x.data<std::byte>(), x.bytes());
    return;
  }
  dispatch(ctx, x.dtype(), AnyType{}, [&]<typename From>() {
    dispatch(ctx, type, AnyType{}, [&]<typename To>() {
      const From* in = x.data<From>();
      To* out = y.data<To>();
      for (size_t i = 0; i < x.count(); ++i) out[i] = convert<To>(in[i]);
    });
  });
}

void cast(OpContext& ctx) {
  if (!ctx.node.has_attribute("to")) ctx.fail("attribute \"to\" is missing");
  cast_to(ctx, dtype_of_code(ctx, ctx.node.get_int("to", 0)));
}

void cast_like(OpContext& ctx) { cast_to(ctx, ctx.input(1).dtype()); }

}  // namespace

std::vector<OpEntry> cast_ops() {
  return {{"Cast", {cast, 6, 17, {"to"}}}, {"CastLike", {cast_like, 15}}};
}

}  // namespace cairn::engine::ops
