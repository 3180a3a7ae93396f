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

// The next float32 above and below.
float round_up(double value);
float round_down(double value);

// Where panels of rows of one dimension lie: one after the other, each kPanelRows rows.
class PanelLayout {
 public:
  explicit PanelLayout(size_t dim);

  size_t groups() const { return groups_; }  // of dimensions
  size_t bytes() const { return bytes_; }    // of a panel
  static size_t panels(size_t rows);

  // Writes the panel of `count` rows (row-major, at most kPanelRows, others are marked as missing):
  // bytes() values, kPanelRows scales and residuals. Returns the greatest length of a copy.
  double fill(const float* rows, size_t count, uint8_t* values, float* scales,
              float* residuals) const;

 private:
  size_t dim_;
  size_t groups_;
  size_t bytes_;
};

}  // namespace cairn::search
