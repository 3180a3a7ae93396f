// Mixes of the photos of a batch: CutMix (Yun et al. 2019), MixUp (Zhang et al. 2018), FMix (Harris
// et al. 2020).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "cairn/base/random.h"

namespace cairn::data {

enum class Mix { kFMix, kCutMix, kMixUp };

struct MixOptions {
  std::vector<Mix> kinds;
  double chance = 0.25;  // of each kind, a batch
  // The share that a photo keeps is drawn from Beta(alpha, alpha).
  double cutmix_alpha = 1;
  double mixup_alpha = 0.2;
  double fmix_alpha = 1;
  double fmix_decay = 3;
};

// Row i shows `lambda` of itself and 1 - lambda of row partner[i].
struct Mixed {
  Mix kind = Mix::kMixUp;
  double lambda = 1;
  std::vector<size_t> partner;
};

// A batch in memory: count × channels × height × width floats.
struct Planes {
  float* pixels = nullptr;
  size_t count = 0;
  size_t channels = 3;
  int height = 0;
  int width = 0;
  size_t photo_size() const {
    return channels * static_cast<size_t>(height) * static_cast<size_t>(width);
  }
};

// [x1, x2) × [y1, y2).
struct CutBox {
  int x1 = 0;
  int y1 = 0;
  int x2 = 0;
  int y2 = 0;
};

// The part that CutMix replaces: sides floor(√(1-lambda)) of the photo's, around (cx, cy), cut to
// the photo; odd sides lose a pixel, as in the paper's code.
CutBox cut_box(int width, int height, double lambda, int cx, int cy);
// The share of a photo that is left outside the box.
double share_outside(const CutBox& box, int width, int height);

// In place; `partner` is a permutation of the rows.
void cut_mix(const Planes& batch, const CutBox& box, std::span<const size_t> partner);
void mix_up(const Planes& batch, double lambda, std::span<const size_t> partner);
// mask: height × width, 1 where a row keeps itself.
void mask_mix(const Planes& batch, std::span<const float> mask, std::span<const size_t> partner);

// Whether mix_batch() with the same generator mixes.
bool draws_mix(const MixOptions& options, Rng random);

// Draws whether and how the batch is mixed, and mixes it. CutMix's lambda is that of the box as it
// was cut, FMix's the one that was drawn.
std::optional<Mixed> mix_batch(const Planes& batch, const MixOptions& options, Rng& random);

}  // namespace cairn::data
