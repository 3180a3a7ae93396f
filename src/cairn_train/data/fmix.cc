#include "cairn_train/data/fmix.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <opencv2/core.hpp>

#include "cairn/base/error.h"

namespace cairn::data {
namespace {

int columns_of(const FMixSpectrum& s) { return s.width / 2 + 1 + s.width % 2; }

double frequency(int index, int length) {
  const int half = (length - 1) / 2 + 1;
  return static_cast<double>(index < half ? index : index - length) / length;
}

double amplitude(const FMixSpectrum& s, int row, int column) {
  const double least = 1.0 / std::max(s.height, s.width);
  const double fy = frequency(row, s.height);
  const double fx = frequency(column, s.width);
  return std::pow(std::max(std::sqrt(fy * fy + fx * fx), least), -s.decay);
}

// The spectrum of an image: vertical frequencies by horizontal ones, 0 and positive.
cv::Mat2d half_spectrum(const FMixSpectrum& s, const std::vector<double>& noise) {
  const int columns = columns_of(s);
  const auto scaled = [&](int row, int column, int part) {
    const size_t at = (static_cast<size_t>(row) * columns + column) * 2 + part;
    return noise[at] * amplitude(s, row, column);
  };
  if (s.reference_rows) {
    cv::Mat2d half(std::min(columns, s.height), 2);
    for (int r = 0; r < half.rows; ++r)
      for (int c = 0; c < 2; ++c) half(r, c) = {scaled(0, r, c), scaled(1, r, c)};
    return half;
  }
  cv::Mat2d half(s.height, s.width / 2 + 1);
  for (int r = 0; r < half.rows; ++r) {
    for (int c = 0; c < half.cols; ++c) {
      const size_t at = (static_cast<size_t>(r) * columns + c) * 2;
      const double scale = amplitude(s, r, c);
      half(r, c) = {scale * noise[at], scale * noise[at + 1]};
    }
  }
  return half;
}

// The real part of the inverse transform, but for a factor. `others` is that of the columns whose
// opposite frequencies are left out; the columns 0 and width/2 hold their own.
std::vector<double> inverse_transform(const cv::Mat2d& half, int height, int width, double others) {
  cv::Mat2d spectrum = cv::Mat2d::zeros(height, width);
  for (int r = 0; r < half.rows; ++r)
    for (int c = 0; c < half.cols; ++c)
      spectrum(r, c) = (c == 0 || 2 * c == width ? 1.0 : others) * half(r, c);
  cv::Mat2d image;
  cv::dft(spectrum, image, cv::DFT_INVERSE, half.rows);
  std::vector<double> real;
  real.reserve(image.total());
  for (const cv::Vec2d& value : image) real.push_back(value[0]);
  return real;
}

// Shifts and scales to 0 … 1.
std::vector<float> to_unit(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double range = *high > *low ? *high - *low : 1;
  std::vector<float> unit;
  unit.reserve(values.size());
  for (const double v : values) unit.push_back(static_cast<float>((v - *low) / range));
  return unit;
}

}  // namespace

size_t fmix_noise_size(const FMixSpectrum& spectrum) {
  return static_cast<size_t>(spectrum.height) * columns_of(spectrum) * 2;
}

std::vector<float> low_frequency_image(const FMixSpectrum& s, const std::vector<double>& noise) {
  CAIRN_ASSERT(noise.size() == fmix_noise_size(s));
  // numpy's irfftn, which the reference calls, fills in the mirror image: twice the real part.
  // Noise of its own at the opposite frequency, as the paper has it, is √2 of one in distribution.
  const double others = s.reference_rows ? 2 : std::numbers::sqrt2;
  return to_unit(inverse_transform(half_spectrum(s, noise), s.height, s.width, others));
}

std::vector<float> binarise_mask(const std::vector<float>& image, double lambda, bool round_up,
                                 double soft) {
  const auto pixels = static_cast<double>(image.size());
  const auto inside =
      static_cast<size_t>(round_up ? std::ceil(lambda * pixels) : std::floor(lambda * pixels));
  const auto half = static_cast<size_t>(pixels * std::min({soft, lambda, 1 - lambda}));
  // Brightest first, of equal ones the earlier; sorted only where the ramp needs it.
  std::vector<uint32_t> order(image.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto brighter = [&](uint32_t a, uint32_t b) {
    return image[a] != image[b] ? image[a] > image[b] : a < b;
  };
  const auto place = [&](size_t rank) { return order.begin() + static_cast<std::ptrdiff_t>(rank); };
  std::nth_element(order.begin(), place(inside - half), order.end(), brighter);
  std::partial_sort(place(inside - half), place(inside + half), order.end(), brighter);
  std::vector<float> mask(image.size(), 0.0F);
  for (size_t i = 0; i < inside - half; ++i) mask[order[i]] = 1;
  for (size_t i = 0; i < 2 * half; ++i)
    mask[order[inside - half + i]] =
        static_cast<float>(1 - static_cast<double>(i) / static_cast<double>(2 * half - 1));
  return mask;
}

std::vector<float> fmix_mask(int side, double lambda, double decay, Rng& random) {
  FMixSpectrum spectrum;
  spectrum.height = spectrum.width = side;
  spectrum.decay = decay;
  std::vector<double> noise(fmix_noise_size(spectrum));
  // Two normal numbers of one point (Box and Muller 1958): there are 50 000 in a mask of 224 × 224.
  for (size_t i = 0; i < noise.size(); i += 2) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    const double angle = 2 * std::numbers::pi * random.uniform();
    noise[i] = radius * std::cos(angle);
    noise[i + 1] = radius * std::sin(angle);
  }
  return binarise_mask(low_frequency_image(spectrum, noise), lambda, random.chance(0.5));
}

}  // namespace cairn::data
