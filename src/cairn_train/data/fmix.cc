#include "cairn_train/data/fmix.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include "cairn/base/error.h"

namespace cairn::data {
namespace {

using Complex = std::complex<double>;

int columns_of(const FMixSpectrum& s) { return s.width / 2 + 1 + s.width % 2; }

double frequency(int index, int length) {
  const int half = (length - 1) / 2 + 1;
  return static_cast<double>(index < half ? index : index - length) / length;
}

// e^(2πi k / length) for k = 0 … length-1.
std::vector<Complex> roots(int length) {
  std::vector<Complex> table;
  for (int k = 0; k < length; ++k)
    table.push_back(std::polar(1.0, 2 * std::numbers::pi * k / length));
  return table;
}

// A half spectrum: rows × columns, of the vertical and horizontal frequencies 0, 1, ….
struct Half {
  int rows = 0;
  int columns = 0;
  std::vector<Complex> values;
};

Half half_spectrum(const FMixSpectrum& s, const std::vector<double>& noise) {
  const int columns = columns_of(s);
  const double least = 1.0 / std::max(s.height, s.width);
  const auto scaled = [&](int row, int column, int part) {
    const double f = std::hypot(frequency(row, s.height), frequency(column, s.width));
    const size_t at = (static_cast<size_t>(row) * columns + column) * 2 + part;
    return noise[at] / std::pow(std::max(f, least), s.decay);
  };
  Half half;
  if (s.reference_rows) {
    half.rows = std::min(columns, s.height);
    half.columns = 2;
    for (int r = 0; r < half.rows; ++r)
      for (int c = 0; c < 2; ++c) half.values.emplace_back(scaled(0, r, c), scaled(1, r, c));
  } else {
    half.rows = s.height;
    half.columns = s.width / 2 + 1;
    for (int r = 0; r < half.rows; ++r)
      for (int c = 0; c < half.columns; ++c)
        half.values.emplace_back(scaled(r, c, 0), scaled(r, c, 1));
  }
  return half;
}

// The vertical inverse transform: height × columns.
std::vector<Complex> transform_columns(const Half& half, int height) {
  const std::vector<Complex> turn = roots(height);
  std::vector<Complex> out(static_cast<size_t>(height) * half.columns);
  for (int y = 0; y < height; ++y) {
    Complex* row = &out[static_cast<size_t>(y) * half.columns];
    for (int r = 0; r < half.rows; ++r) {
      const Complex t = turn[static_cast<size_t>(r) * y % height];
      const Complex* from = &half.values[static_cast<size_t>(r) * half.columns];
      for (int c = 0; c < half.columns; ++c)
        row[c] += Complex(t.real() * from[c].real() - t.imag() * from[c].imag(),
                          t.real() * from[c].imag() + t.imag() * from[c].real());
    }
  }
  return out;
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
  const Half half = half_spectrum(s, noise);
  const std::vector<Complex> rows = transform_columns(half, s.height);
  const std::vector<Complex> turn = roots(s.width);
  std::vector<double> image(static_cast<size_t>(s.height) * s.width);
  for (int y = 0; y < s.height; ++y) {
    const Complex* from = &rows[static_cast<size_t>(y) * half.columns];
    double* to = &image[static_cast<size_t>(y) * s.width];
    for (int x = 0; x < s.width; ++x) to[x] = from[0].real();
    for (int c = 1; c < half.columns; ++c) {
      // The frequency of half the width is its own mirror image.
      const double twice = 2 * c == s.width ? 1 : 2;
      for (int x = 0; x < s.width; ++x) {
        const Complex& t = turn[static_cast<size_t>(c) * x % s.width];
        to[x] += twice * (from[c].real() * t.real() - from[c].imag() * t.imag());
      }
    }
  }
  return to_unit(image);
}

std::vector<float> binarise_mask(const std::vector<float>& image, double lambda, bool round_up,
                                 double soft) {
  const auto pixels = static_cast<double>(image.size());
  const auto inside =
      static_cast<size_t>(round_up ? std::ceil(lambda * pixels) : std::floor(lambda * pixels));
  std::vector<size_t> order(image.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return image[a] > image[b]; });
  std::vector<float> mask(image.size(), 0.0F);
  for (size_t i = 0; i < inside; ++i) mask[order[i]] = 1;
  const auto half = static_cast<size_t>(pixels * std::min({soft, lambda, 1 - lambda}));
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
  for (double& number : noise) number = random.normal();
  return binarise_mask(low_frequency_image(spectrum, noise), lambda, random.chance(0.5));
}

}  // namespace cairn::data
