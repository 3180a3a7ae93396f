#include "cairn_train/data/warp.h"

#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace cairn::data {
namespace {

const cv::Scalar kGrey(128, 128, 128);

// OpenCV's interface lacks the const; warps only read their source.
cv::Mat view_of(const image::Image& photo) {
  return {photo.height, photo.width, CV_8UC3, const_cast<uint8_t*>(photo.pixels.data())};
}

image::Image like(const image::Image& photo) {
  return {photo.width, photo.height, std::vector<uint8_t>(photo.pixels.size())};
}

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

}  // namespace

image::Image move(const image::Image& photo, const AffineMotion& motion) {
  const double cosine = std::cos(radians(motion.degrees)) * motion.zoom;
  const double sine = std::sin(radians(motion.degrees)) * motion.zoom;
  const double middle_x = (photo.width - 1) / 2.0;
  const double middle_y = (photo.height - 1) / 2.0;
  cv::Mat map(2, 3, CV_64F);
  map.at<double>(0, 0) = cosine + sine * motion.shear_y;
  map.at<double>(0, 1) = cosine * motion.shear_x + sine;
  map.at<double>(1, 0) = -sine + cosine * motion.shear_y;
  map.at<double>(1, 1) = -sine * motion.shear_x + cosine;
  map.at<double>(0, 2) =
      middle_x + motion.shift_x - map.at<double>(0, 0) * middle_x - map.at<double>(0, 1) * middle_y;
  map.at<double>(1, 2) =
      middle_y + motion.shift_y - map.at<double>(1, 0) * middle_x - map.at<double>(1, 1) * middle_y;
  image::Image result = like(photo);
  cv::Mat to = view_of(result);
  cv::warpAffine(view_of(photo), to, map, to.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT, kGrey);
  return result;
}

image::Image random_affine(const image::Image& photo, const AffineOptions& options, Rng& random) {
  AffineMotion motion;
  motion.degrees = random.uniform(-options.degrees, options.degrees);
  motion.zoom = random.uniform(options.zoom[0], options.zoom[1]);
  motion.shear_x = std::tan(radians(random.uniform(-options.shear, options.shear)));
  motion.shift_x = random.uniform(-options.shift, options.shift) * photo.width;
  motion.shift_y = random.uniform(-options.shift, options.shift) * photo.height;
  return move(photo, motion);
}

image::Image random_perspective(const image::Image& photo, double share, Rng& random) {
  const auto right = static_cast<float>(photo.width - 1);
  const auto bottom = static_cast<float>(photo.height - 1);
  const std::array<cv::Point2f, 4> from = {cv::Point2f(0, 0), cv::Point2f(right, 0),
                                           cv::Point2f(right, bottom), cv::Point2f(0, bottom)};
  std::array<cv::Point2f, 4> to = from;
  for (cv::Point2f& corner : to) {
    const auto across = static_cast<float>(random.uniform(0, share / 2)) * right;
    const auto down = static_cast<float>(random.uniform(0, share / 2)) * bottom;
    corner.x += corner.x > 0 ? -across : across;
    corner.y += corner.y > 0 ? -down : down;
  }
  image::Image result = like(photo);
  cv::Mat target = view_of(result);
  cv::warpPerspective(view_of(photo), target, cv::getPerspectiveTransform(from.data(), to.data()),
                      target.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT, kGrey);
  return result;
}

}  // namespace cairn::data
