#include "cairn/image/resize_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/image/resize_rows.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::image {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// All widths below are multiples of kColumns, in columns of four numbers: R, G, B and one unused.

#if HWY_TARGET == HWY_SCALAR

void across(const uint8_t* pairs, const int16_t* weights, size_t width, int16_t* to) {
  for (size_t i = 0; i < width; ++i, pairs += 8, weights += 8, to += 4)
    for (size_t c = 0; c < 3; ++c)
      to[c] = static_cast<int16_t>((pairs[c] * weights[0] + pairs[c + 3] * weights[1]) >> 4);
}

void between(const int16_t* above, const int16_t* below, int16_t above_weight, int16_t below_weight,
             size_t width, uint8_t* to) {
  for (size_t i = 0; i < 4 * width; ++i) {
    const int sum = ((above[i] * above_weight) >> 16) + ((below[i] * below_weight) >> 16);
    to[i] = static_cast<uint8_t>(HWY_MIN((sum + 2) >> 2, 255));
  }
}

#else

// (left * its weight + right * its weight) / 16 of each channel.
void across(const uint8_t* pairs, const int16_t* weights, size_t width, int16_t* to) {
  const hn::ScalableTag<int16_t> d16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::Rebind<uint8_t, decltype(d16)> d8;
  const hn::Rebind<int16_t, decltype(d32)> half;
  const hn::Repartition<uint8_t, decltype(d16)> bytes;
  // In each block of a column: R G B R G B in 16 bits to R R G G B B.
  alignas(16) static constexpr uint8_t kOrder[16] = {0, 1, 6,  7,  2,  3,  8,  9,
                                                     4, 5, 10, 11, 12, 13, 14, 15};
  const auto order = hn::LoadDup128(bytes, kOrder);
  const size_t lanes = hn::Lanes(d16);
  for (size_t at = 0; at < width * 8; at += lanes) {
    const auto pixels = hn::PromoteTo(d16, hn::LoadU(d8, pairs + at));
    const auto ordered = hn::BitCast(d16, hn::TableLookupBytes(hn::BitCast(bytes, pixels), order));
    auto odd = hn::Zero(d32);
    const auto even = hn::ReorderWidenMulAccumulate(d32, ordered, hn::LoadU(d16, weights + at),
                                                    hn::Zero(d32), odd);
    const auto sums = hn::ShiftRight<4>(hn::RearrangeToOddPlusEven(even, odd));
    hn::StoreU(hn::DemoteTo(half, sums), half, to + at / 2);
  }
}

void between(const int16_t* above, const int16_t* below, int16_t above_weight, int16_t below_weight,
             size_t width, uint8_t* to) {
  const hn::ScalableTag<int16_t> d;
  const hn::Rebind<uint8_t, decltype(d)> bytes;
  const auto a = hn::Set(d, above_weight);
  const auto b = hn::Set(d, below_weight);
  const auto two = hn::Set(d, 2);
  for (size_t at = 0; at < width * 4; at += hn::Lanes(d)) {
    const auto sum =
        hn::Add(hn::MulHigh(hn::LoadU(d, above + at), a), hn::MulHigh(hn::LoadU(d, below + at), b));
    hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<2>(hn::Add(sum, two))), bytes, to + at);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

// Planes from columns. Writes `width` floats, which need be no multiple of anything.
void normalise(const uint8_t* columns, const Normalisation& n, size_t width, size_t plane,
               float* out) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> ints;
  const hn::Repartition<uint8_t, decltype(d)> bytes;
  const auto low = hn::Set(ints, 255);
  const auto write = [&](auto values, size_t c) {
    const auto centred = hn::Sub(hn::ConvertTo(d, hn::And(values, low)), hn::Set(d, n.mean[c]));
    hn::StoreU(hn::Div(centred, hn::Set(d, n.std[c])), d, out + c * plane + i);
  };
  for (; i + hn::Lanes(d) <= width; i += hn::Lanes(d)) {
    const auto values = hn::BitCast(ints, hn::LoadU(bytes, columns + 4 * i));
    write(values, 0);
    write(hn::ShiftRight<8>(values), 1);
    write(hn::ShiftRight<16>(values), 2);
  }
#endif
  for (; i < width; ++i)
    for (size_t c = 0; c < 3; ++c)
      out[c * plane + i] = (static_cast<float>(columns[4 * i + c]) - n.mean[c]) / n.std[c];
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::image
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::image {

HWY_EXPORT(across);
HWY_EXPORT(between);
HWY_EXPORT(normalise);

namespace {

constexpr size_t kColumns = 16;  // what rows are padded to: the most that a vector holds
constexpr float kOne = 2048;     // of the weights

// Where a place of the output lies between two places of the source.
struct Between {
  int first = 0;  // -1 to count - 1
  float part = 0;
};

Between place(size_t to, int from_count, int to_count) {
  const double scale = 1. / (static_cast<double>(to_count) / from_count);
  const auto exact = static_cast<float>((static_cast<double>(to) + 0.5) * scale - 0.5);
  const int first = static_cast<int>(std::floor(exact));
  return {first, exact - static_cast<float>(first)};
}

int16_t weight(float part) { return static_cast<int16_t>(std::lrint(part * kOne)); }

}  // namespace

bool RowResizer::can(int width, int height, int to_width, int to_height) {
  const bool same = width == to_width && height == to_height;
  const bool half = width == 2 * to_width && height == 2 * to_height;
  return !same && !half;
}

RowResizer::RowResizer(int width, int height, int to_width, int to_height,
                       const Normalisation& normalisation, float* out)
    : row_bytes_(static_cast<size_t>(width) * 3),
      to_width_(static_cast<size_t>(to_width)),
      to_height_(static_cast<size_t>(to_height)),
      normalisation_(normalisation),
      out_(out),
      height_(height),
      lines_(to_height_),
      offsets_(to_width_) {
  CAIRN_ASSERT(width > 0 && height > 0 && to_width > 0 && to_height > 0);
  const size_t padded = (to_width_ + kColumns - 1) / kColumns * kColumns;
  column_weights_.resize(padded * 8);
  pairs_.resize(padded * 8);
  line_.resize(padded * 4);
  for (auto& row : across_) row.resize(padded * 4);
  for (size_t x = 0; x < to_width_; ++x) {
    Between at = place(x, width, to_width);
    if (at.first < 0) at = {0, 0};
    if (at.first >= width - 1) at = {width - 1, 0};
    offsets_[x] = static_cast<size_t>(at.first) * 3;
    if (offsets_[x] + 8 <= row_bytes_) whole_ = x + 1;
    for (size_t i = 0; i < 8; i += 2) {
      column_weights_[x * 8 + i] = weight(1 - at.part);
      column_weights_[x * 8 + i + 1] = weight(at.part);
    }
  }
  for (size_t y = 0; y < to_height_; ++y) {
    const Between at = place(y, height, to_height);
    lines_[y] = {std::clamp(at.first, 0, height - 1), std::clamp(at.first + 1, 0, height - 1),
                 weight(1 - at.part), weight(at.part)};
  }
  wanted_ = lines_[0].above;
}

void RowResizer::row(const uint8_t* rgb) {
  CAIRN_ASSERT(wanted_ < height_);
  // Locals, for the bytes that are written might be members.
  uint8_t* const pairs = pairs_.data();
  const size_t* const offsets = offsets_.data();
  const size_t whole = whole_;
  for (size_t x = 0; x < whole; ++x) std::memcpy(pairs + x * 8, rgb + offsets[x], 8);
  for (size_t x = whole; x < to_width_; ++x)
    std::memcpy(pairs + x * 8, rgb + offsets[x], std::min<size_t>(row_bytes_ - offsets[x], 6));
  const size_t padded = line_.size() / 4;
  HWY_DYNAMIC_DISPATCH(across)
  (pairs_.data(), column_weights_.data(), padded, across_[wanted_ % 2].data());
  while (next_line_ < to_height_ && lines_[next_line_].below <= wanted_) {
    write_line(lines_[next_line_], next_line_);
    ++next_line_;
  }
  wanted_ = next_line_ == to_height_ ? height_ : std::max(wanted_ + 1, lines_[next_line_].above);
}

void RowResizer::write_line(const Line& line, size_t y) {
  HWY_DYNAMIC_DISPATCH(between)
  (across_[line.above % 2].data(), across_[line.below % 2].data(), line.above_weight,
   line.below_weight, line_.size() / 4, line_.data());
  HWY_DYNAMIC_DISPATCH(normalise)
  (line_.data(), normalisation_, to_width_, to_width_ * to_height_, out_ + y * to_width_);
}

}  // namespace cairn::image
#endif  // HWY_ONCE
