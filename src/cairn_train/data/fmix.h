// FMix masks (Harris et al. 2020, arXiv 2002.12047): random shapes of a given area, from noise of
// low frequencies.
#pragma once

#include <cstddef>
#include <vector>

#include "cairn/base/random.h"

namespace cairn::data {

// The paper's image is Re(F⁻¹(Z / f^decay)), with normal numbers in the real and imaginary parts of
// Z: alike in all directions.
struct FMixSpectrum {
  int height = 0;
  int width = 0;
  double decay = 3;  // amplitudes fall as frequency^-decay
  // The vt reference builds its complex spectrum from rows 0 and 1 of the noise instead of from its
  // pairs: the horizontal direction then has the frequencies 0 and 1 alone.
  bool reference_rows = false;
};

// Pairs of numbers that a spectrum takes: height × columns × 2, columns = width/2 + 1 (+ 1 where
// the width is odd).
size_t fmix_noise_size(const FMixSpectrum& spectrum);

// An image of height × width, row-major, from 0 to 1.
std::vector<float> low_frequency_image(const FMixSpectrum& spectrum,
                                       const std::vector<double>& noise);

// 1 at the ceil (or floor) of lambda · pixels largest values, else 0. With soft > 0 the step is a
// ramp of twice that share of the pixels, at most what both sides have.
std::vector<float> binarise_mask(const std::vector<float>& image, double lambda, bool round_up,
                                 double soft = 0);

// A random mask of side × side pixels with the paper's spectrum.
std::vector<float> fmix_mask(int side, double lambda, double decay, Rng& random);

}  // namespace cairn::data
