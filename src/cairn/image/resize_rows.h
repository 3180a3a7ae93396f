// Resizing and normalising in one pass over the rows of a photo, without the resized image between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cairn/image/image.h"

namespace cairn::image {

// Takes the rows of a photo of any size from the top and writes the network input of to_width ×
// to_height. The numbers are those of to_chw(resize_bilinear(photo)): OpenCV's fixed-point
// interpolation, each row first, then between two rows. Sides ≥ 1.
class RowResizer {
 public:
  // Shrinking both sides to exactly a half is another interpolation (the mean of four), and keeping
  // the size is none: these are left to resize_bilinear.
  static bool can(int width, int height, int to_width, int to_height);

  // out: 3 × to_height × to_width floats, which must outlive this.
  RowResizer(int width, int height, int to_width, int to_height, const Normalisation& normalisation,
             float* out);

  // The next row that row() wants; those before it are not needed. The photo's height: none.
  int wanted() const { return wanted_; }
  // rgb: row `wanted()`, width pixels.
  void row(const uint8_t* rgb);

 private:
  struct Line {
    int above = 0;  // source rows
    int below = 0;
    int16_t above_weight = 0;  // of 2048
    int16_t below_weight = 0;
  };

  void write_line(const Line& line, size_t y);

  size_t row_bytes_ = 0;
  size_t whole_ = 0;  // columns whose 8 bytes lie in the row
  size_t to_width_ = 0;
  size_t to_height_ = 0;
  Normalisation normalisation_;
  float* out_;
  int height_;
  int wanted_ = 0;
  size_t next_line_ = 0;
  std::vector<Line> lines_;              // by output row
  std::vector<size_t> offsets_;          // by output column: of the left pixel's first byte
  std::vector<int16_t> column_weights_;  // 8 a column: left and right, four times
  std::vector<uint8_t> pairs_;           // 8 bytes a column: the left and the right pixel
  std::vector<int16_t> across_[2];       // odd and even source rows, R G B - of each column
  std::vector<uint8_t> line_;            // an output row, R G B - of each column
};

}  // namespace cairn::image
