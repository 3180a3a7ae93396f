#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>

#include "cairn/image/image.h"

namespace cairn::image {

Image resize_bilinear(const Image& source, int width, int height) {
  CAIRN_ASSERT(width > 0 && height > 0 && source.width > 0 && source.height > 0);
  // Photos are handled in parallel already, one a thread; OpenCV must not start threads of its own.
  static const bool one_thread = (cv::setNumThreads(1), true);
  CAIRN_ASSERT(one_thread);
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

}  // namespace cairn::image
