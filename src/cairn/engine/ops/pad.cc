// Pad: constant, reflect or edge; negative pads crop.
#include <algorithm>
#include <cstring>

#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/strided.h"

namespace cairn::engine::ops {

namespace {

enum class Mode { kConstant, kReflect, kEdge };

Mode mode_of(const OpContext& ctx) {
  const std::string name = ctx.node.get_string("mode", "constant");
  if (name == "constant") return Mode::kConstant;
  if (name == "reflect") return Mode::kReflect;
  if (name == "edge") return Mode::kEdge;
  ctx.fail("unsupported mode \"" + name + "\"");
}

// Where each output position of an axis comes from; -1: the constant.
std::vector<int64_t> sources(const OpContext& ctx, Mode mode, int64_t size, int64_t begin,
                             int64_t out) {
  std::vector<int64_t> from(static_cast<size_t>(out));
  if (mode != Mode::kConstant && size == 0) ctx.fail("an axis without elements cannot be repeated");
  for (int64_t i = 0; i < out; ++i) {
    int64_t at = i - begin;
    if (mode == Mode::kConstant) {
      if (at < 0 || at >= size) at = -1;
    } else if (mode == Mode::kEdge || size == 1) {
      at = std::clamp<int64_t>(at, 0, size - 1);
    } else {
      // There and back again, the ends not repeated.
      const int64_t period = 2 * (size - 1);
      at = ((at % period) + period) % period;
      at = std::min(at, period - at);
    }
    from[static_cast<size_t>(i)] = at;
  }
  return from;
}

// An element of the tensor's type, 0 where no value is given.
std::vector<std::byte> padding_element(const OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  std::vector<std::byte> element(element_size(x.dtype()), std::byte{0});
  if (ctx.opset >= 11) {
    if (!ctx.has_input(2)) return element;
    expect_same_type(ctx, x, ctx.input(2));
    if (ctx.input(2).count() != 1) ctx.fail("the constant must be one number");
    std::memcpy(element.data(), ctx.input(2).data<std::byte>(), element.size());
    return element;
  }
  dispatch(ctx, x.dtype(), Numbers{}, [&]<typename T>() {
    const T value = convert<T>(ctx.node.get_float("value", 0));
    std::memcpy(element.data(), &value, sizeof(T));
  });
  return element;
}

void pad(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const size_t rank = x.shape().size();
  const std::vector<int64_t> pads = ctx.opset < 11 ? required_ints(ctx, "pads") : integers(ctx, 1);
  if (pads.size() != rank * 2) ctx.fail("pads must have two numbers for each axis");
  const Mode mode = mode_of(ctx);
  Shape shape = x.shape();
  for (size_t i = 0; i < rank; ++i) {
    shape[i] = checked_add(ctx, checked_add(ctx, shape[i], pads[i]), pads[rank + i]);
  }
  const std::vector<std::byte> element = padding_element(ctx);
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  if (y.count() == 0) return;
  std::vector<std::vector<int64_t>> from;
  for (size_t i = 0; i < rank; ++i) {
    from.push_back(sources(ctx, mode, x.shape()[i], pads[i], shape[i]));
  }
  copy_mapped(x.dtype(), x.data<std::byte>(), x.shape(), y.data<std::byte>(), from, element.data());
}

}  // namespace

std::vector<OpEntry> pad_ops() { return {{"Pad", {pad, 2, 17, {"mode", "pads", "value"}}}}; }

}  // namespace cairn::engine::ops
