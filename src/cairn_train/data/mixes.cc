#include "cairn_train/data/mixes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn_train/data/fmix.h"

namespace cairn::data {
namespace {

// Calls mix(row's pixels, its partner's pixels as they were) for every row.
template <typename MixRow>
void for_each_pair(const Planes& batch, std::span<const size_t> partner, MixRow mix) {
  const size_t size = batch.photo_size();
  const std::vector<float> before(batch.pixels, batch.pixels + batch.count * size);
  for (size_t row = 0; row < batch.count; ++row)
    mix(batch.pixels + row * size, before.data() + partner[row] * size);
}

}  // namespace

CutBox cut_box(int width, int height, double lambda, int cx, int cy) {
  const double side = std::sqrt(1 - lambda);
  const int half_width = static_cast<int>(width * side) / 2;
  const int half_height = static_cast<int>(height * side) / 2;
  return {std::clamp(cx - half_width, 0, width), std::clamp(cy - half_height, 0, height),
          std::clamp(cx + half_width, 0, width), std::clamp(cy + half_height, 0, height)};
}

double share_outside(const CutBox& box, int width, int height) {
  const double inside = static_cast<double>(box.x2 - box.x1) * (box.y2 - box.y1);
  return 1 - inside / (static_cast<double>(width) * height);
}

void cut_mix(const Planes& batch, const CutBox& box, std::span<const size_t> partner) {
  for_each_pair(batch, partner, [&](float* own, const float* other) {
    for (size_t c = 0; c < batch.channels; ++c) {
      for (int y = box.y1; y < box.y2; ++y) {
        const size_t row = (c * static_cast<size_t>(batch.height) + y) * batch.width;
        std::copy(other + row + box.x1, other + row + box.x2, own + row + box.x1);
      }
    }
  });
}

void mix_up(const Planes& batch, double lambda, std::span<const size_t> partner) {
  const auto keep = static_cast<float>(lambda);
  for_each_pair(batch, partner, [&](float* own, const float* other) {
    for (size_t i = 0; i < batch.photo_size(); ++i) own[i] = own[i] * keep + other[i] * (1 - keep);
  });
}

void mask_mix(const Planes& batch, std::span<const float> mask, std::span<const size_t> partner) {
  for_each_pair(batch, partner, [&](float* own, const float* other) {
    for (size_t c = 0; c < batch.channels; ++c) {
      const size_t plane = c * mask.size();
      for (size_t i = 0; i < mask.size(); ++i)
        own[plane + i] = mask[i] * own[plane + i] + (1 - mask[i]) * other[plane + i];
    }
  });
}

bool draws_mix(const MixOptions& options, Rng random) {
  return random.uniform() < options.chance * static_cast<double>(options.kinds.size());
}

std::optional<Mixed> mix_batch(const Planes& batch, const MixOptions& options, Rng& random) {
  const double draw = random.uniform();
  const auto chosen = static_cast<size_t>(draw / std::max(1e-12, options.chance));
  if (draw >= options.chance * static_cast<double>(options.kinds.size())) return std::nullopt;
  Mixed mixed;
  mixed.kind = options.kinds[std::min(chosen, options.kinds.size() - 1)];
  mixed.partner.resize(batch.count);
  std::iota(mixed.partner.begin(), mixed.partner.end(), size_t{0});
  random.shuffle(mixed.partner);
  const auto draw_share = [&](double alpha) { return random.beta(alpha, alpha); };
  switch (mixed.kind) {
    case Mix::kFMix: {
      mixed.lambda = draw_share(options.fmix_alpha);
      mask_mix(batch, fmix_mask(batch.width, mixed.lambda, options.fmix_decay, random),
               mixed.partner);
      break;
    }
    case Mix::kCutMix: {
      const double share = draw_share(options.cutmix_alpha);
      const auto cx = static_cast<int>(random.below(static_cast<uint64_t>(batch.width)));
      const auto cy = static_cast<int>(random.below(static_cast<uint64_t>(batch.height)));
      const CutBox box = cut_box(batch.width, batch.height, share, cx, cy);
      mixed.lambda = share_outside(box, batch.width, batch.height);
      cut_mix(batch, box, mixed.partner);
      break;
    }
    case Mix::kMixUp:
      mixed.lambda = draw_share(options.mixup_alpha);
      mix_up(batch, mixed.lambda, mixed.partner);
      break;
  }
  return mixed;
}

}  // namespace cairn::data
