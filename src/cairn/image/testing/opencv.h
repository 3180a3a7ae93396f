// Comparison of images with OpenCV's.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <opencv2/core.hpp>

#include "cairn/image/image.h"

namespace cairn::image::testing {

// The largest difference between an RGB image and OpenCV's BGR matrix; 999 where the sizes differ.
inline int difference(const Image& image, const cv::Mat& bgr) {
  constexpr int kOtherSize = 999;
  if (image.width != bgr.cols || image.height != bgr.rows || bgr.type() != CV_8UC3 ||
      image.pixels.size() != bgr.total() * 3) {
    return kOtherSize;
  }
  int largest = 0;
  const uint8_t* rgb = image.pixels.data();
  for (int y = 0; y < bgr.rows; ++y) {
    const uint8_t* row = bgr.ptr<uint8_t>(y);
    for (int x = 0; x < bgr.cols; ++x, rgb += 3, row += 3) {
      for (int c = 0; c < 3; ++c) largest = std::max(largest, std::abs(rgb[c] - row[2 - c]));
    }
  }
  return largest;
}

}  // namespace cairn::image::testing
