#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>

#include "cairn/image/image.h"

namespace cairn::image {

namespace {

// Photos are handled in parallel already, one a thread; OpenCV must not start threads of its own.
void use_one_thread() {
  static const bool one_thread = (cv::setNumThreads(1), true);
  CAIRN_ASSERT(one_thread);
}

}  // namespace

Image resize_bilinear(const Image& source, int width, int height) {
  CAIRN_ASSERT(width > 0 && height > 0 && source.width > 0 && source.height > 0);
  use_one_thread();
  if (source.width == width && source.height == height) return source;
  Image result;
  result.width = width;
  result.height = height;
  result.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  // OpenCV's interface lacks the const; resize only reads its source.
  const cv::Mat from(source.height, source.width, CV_8UC3,
                     const_cast<uint8_t*>(source.pixels.data()));
  cv::Mat to(height, width, CV_8UC3, result.pixels.data());
  cv::resize(from, to, to.size(), 0, 0, cv::INTER_LINEAR);
  return result;
}

void resize_planes(const float* source, int source_side, int side, float* out) {
  CAIRN_ASSERT(source_side > 0 && side > 0);
  use_one_thread();
  for (size_t c = 0; c < 3; ++c) {
    const cv::Mat from(source_side, source_side, CV_32FC1,
                       const_cast<float*>(source) +
                           c * static_cast<size_t>(source_side) * static_cast<size_t>(source_side));
    cv::Mat to(side, side, CV_32FC1,
               out + c * static_cast<size_t>(side) * static_cast<size_t>(side));
    cv::resize(from, to, to.size(), 0, 0, cv::INTER_LINEAR);
  }
}

}  // namespace cairn::image
