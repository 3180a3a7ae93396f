// Rows as 8-bit numbers, in the panels that kernels/ multiplies.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::search {

// Whole-number products of longer rows do not fit into 32 bits.
inline constexpr size_t kMostDim = 65536;

// row ≈ scale × whole numbers from -127 to 127.
struct Quantised {
  float scale = 0;
  double residual = 0;  // length of row - scale × numbers, rounded up
  double length = 0;    // of scale × numbers, rounded up
};

// numbers: dim of them.
Quantised quantise(const float* row, size_t dim, int8_t* numbers);

// The length of whole numbers, rounded up.
double length_of(const int8_t* numbers, size_t count);

// A product may be given up after the first dimensions, its head: so many sixteenths of the groups.
inline constexpr size_t kHeads = 4;
inline constexpr size_t kHeadSixteenths[kHeads] = {4, 6, 8, 10};
constexpr float head_share(size_t head) { return static_cast<float>(kHeadSixteenths[head]) / 16; }

// Numbers of the rows of whole panels, one array each.
template <typename Number>
struct RowNumbers {
  Number* scales = nullptr;
  Number* residuals = nullptr;
  Number* rests[kHeads] = {};  // of each head: lengths of the copies after it

  RowNumbers from(size_t row) const {
    RowNumbers result{scales + row, residuals + row, {}};
    for (size_t h = 0; h < kHeads; ++h) result.rests[h] = rests[h] + row;
    return result;
  }
  // Arrays of `rows` one after the other.
  static RowNumbers in(Number* memory, size_t rows) {
    RowNumbers result{memory, memory + rows, {}};
    for (size_t h = 0; h < kHeads; ++h) result.rests[h] = memory + (2 + h) * rows;
    return result;
  }
  static constexpr size_t kArrays = 2 + kHeads;
};

// The next float32 above and below.
float round_up(double value);
float round_down(double value);

// Where panels of rows of one dimension lie: one after the other, each kPanelRows rows.
class PanelLayout {
 public:
  explicit PanelLayout(size_t dim);

  size_t groups() const { return groups_; }                                  // of dimensions
  size_t head(size_t h) const { return groups_ * kHeadSixteenths[h] / 16; }  // groups
  size_t bytes() const { return bytes_; }                                    // of a panel
  static size_t panels(size_t rows);

  // Writes the panel of `count` rows (row-major, at most kPanelRows, others are marked as missing):
  // bytes() values and kPanelRows of each number. Returns the greatest length of a copy.
  double fill(const float* rows, size_t count, uint8_t* values,
              const RowNumbers<float>& numbers) const;

 private:
  size_t dim_;
  size_t groups_;
  size_t bytes_;
};

}  // namespace cairn::search
