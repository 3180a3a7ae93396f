#include "cairn/engine/ops/strided.h"

#include <algorithm>
#include <cstring>

#include "cairn/engine/ops/common.h"

namespace cairn::engine::ops {

namespace {

// Without axes of one element, and with neighbours merged that both sides walk as one.
std::vector<CopyAxis> simplified(const std::vector<CopyAxis>& axes) {
  std::vector<CopyAxis> result;
  for (const CopyAxis& axis : axes) {
    if (axis.size == 1) continue;
    if (!result.empty() && result.back().in == axis.in * axis.size &&
        result.back().out == axis.out * axis.size) {
      result.back() = {result.back().size * axis.size, axis.in, axis.out};
    } else {
      result.push_back(axis);
    }
  }
  return result;
}

// Calls body(in offset, out offset) at every combination of the axes.
template <typename Body>
void walk(const std::vector<CopyAxis>& axes, Body&& body) {
  int64_t in = 0;
  int64_t out = 0;
  std::vector<int64_t> counter(axes.size(), 0);
  for (;;) {
    body(in, out);
    size_t axis = axes.size();
    while (axis > 0) {
      --axis;
      in += axes[axis].in;
      out += axes[axis].out;
      if (++counter[axis] < axes[axis].size) break;
      in -= axes[axis].in * axes[axis].size;
      out -= axes[axis].out * axes[axis].size;
      counter[axis] = 0;
      if (axis == 0) return;
    }
    if (axes.empty()) return;
  }
}

template <typename T>
void copy_row(const T* in, T* out, const CopyAxis& axis) {
  if (axis.in == 1 && axis.out == 1) {
    std::memcpy(out, in, static_cast<size_t>(axis.size) * sizeof(T));
  } else if (axis.in == 0 && axis.out == 1) {
    std::fill_n(out, axis.size, *in);
  } else {
    for (int64_t i = 0; i < axis.size; ++i) out[i * axis.out] = in[i * axis.in];
  }
}

// A plane whose output is contiguous along `a` and whose input is along `b`, in squares that fit
// the cache.
template <typename T>
void copy_plane(const T* in, T* out, const CopyAxis& a, const CopyAxis& b) {
  constexpr int64_t kSquare = 32;
  for (int64_t b0 = 0; b0 < b.size; b0 += kSquare) {
    const int64_t b1 = std::min(b0 + kSquare, b.size);
    for (int64_t a0 = 0; a0 < a.size; a0 += kSquare) {
      const int64_t a1 = std::min(a0 + kSquare, a.size);
      for (int64_t j = b0; j < b1; ++j) {
        for (int64_t i = a0; i < a1; ++i) {
          out[i * a.out + j * b.out] = in[i * a.in + j * b.in];
        }
      }
    }
  }
}

}  // namespace

void copy_strided(DType type, const void* in, void* out, std::vector<CopyAxis> axes) {
  for (const CopyAxis& axis : axes) {
    if (axis.size <= 0) return;
  }
  axes = simplified(axes);
  if (axes.empty()) axes.push_back({1, 1, 1});
  const CopyAxis inner = axes.back();
  axes.pop_back();
  const auto along_input =
      inner.in == 1 ? axes.end()
                    : std::find_if(axes.begin(), axes.end(), [](auto& a) { return a.in == 1; });
  const bool transposes = along_input != axes.end();
  const CopyAxis other = transposes ? *along_input : CopyAxis{};
  if (transposes) axes.erase(along_input);
  dispatch_size(type, [&]<typename T>() {
    const T* from = static_cast<const T*>(in);
    T* to = static_cast<T*>(out);
    walk(axes, [&](int64_t i, int64_t o) {
      if (transposes) {
        copy_plane(from + i, to + o, inner, other);
      } else {
        copy_row(from + i, to + o, inner);
      }
    });
  });
}

namespace {

constexpr int64_t kNowhere = -1;

// Offset of the row at `position` of the outer axes, or kNowhere.
int64_t row_source(const std::vector<std::vector<int64_t>>& from,
                   const std::vector<int64_t>& position, const std::vector<size_t>& strides) {
  int64_t offset = 0;
  for (size_t i = 0; i < position.size(); ++i) {
    const int64_t at = from[i][static_cast<size_t>(position[i])];
    if (at < 0) return kNowhere;
    offset += at * static_cast<int64_t>(strides[i]);
  }
  return offset;
}

}  // namespace

void copy_mapped(DType type, const void* in, const Shape& in_shape, void* out,
                 const std::vector<std::vector<int64_t>>& from, const void* value) {
  const std::vector<size_t> strides = strides_of(in_shape);
  const std::vector<int64_t> one{0};
  const std::vector<int64_t>& row = from.empty() ? one : from.back();
  Shape outer;
  for (size_t i = 0; i + 1 < from.size(); ++i) {
    outer.push_back(static_cast<int64_t>(from[i].size()));
  }
  dispatch_size(type, [&]<typename T>() {
    T filler;
    std::memcpy(&filler, value, sizeof(T));
    T* to = static_cast<T*>(out);
    std::vector<int64_t> position(outer.size(), 0);
    int64_t previous = kNowhere;
    do {
      const int64_t source = row_source(from, position, strides);
      if (source == kNowhere) {
        std::fill_n(to, row.size(), filler);
      } else if (source == previous) {
        std::memcpy(to, to - row.size(), row.size() * sizeof(T));
      } else {
        const T* values = static_cast<const T*>(in) + source;
        for (size_t i = 0; i < row.size(); ++i) to[i] = row[i] < 0 ? filler : values[row[i]];
      }
      previous = source;
      to += row.size();
    } while (advance(position, outer));
  });
}

}  // namespace cairn::engine::ops
