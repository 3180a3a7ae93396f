#include "cairn_train/data/augmix.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn_train/data/warp.h"

namespace cairn::data {
namespace {

constexpr int kChains = 3;
constexpr uint64_t kChanges = 9;

using Table = std::array<uint8_t, 256>;

std::array<size_t, 256> histogram(const image::Image& photo, size_t channel) {
  std::array<size_t, 256> counts{};
  for (size_t i = channel; i < photo.pixels.size(); i += 3) ++counts[photo.pixels[i]];
  return counts;
}

void apply(const Table& table, size_t channel, image::Image& photo) {
  for (size_t i = channel; i < photo.pixels.size(); i += 3)
    photo.pixels[i] = table[photo.pixels[i]];
}

uint8_t level(double value) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

// Each channel stretched to all levels.
void stretch(image::Image& photo) {
  for (size_t c = 0; c < 3; ++c) {
    const auto counts = histogram(photo, c);
    int low = 0;
    int high = 255;
    while (low < 255 && counts[static_cast<size_t>(low)] == 0) ++low;
    while (high > 0 && counts[static_cast<size_t>(high)] == 0) --high;
    if (high <= low) continue;
    Table table{};
    for (int i = 0; i < 256; ++i)
      table[static_cast<size_t>(i)] = level(255.0 * (i - low) / (high - low));
    apply(table, c, photo);
  }
}

// Each channel's levels equally often.
void equalise(image::Image& photo) {
  for (size_t c = 0; c < 3; ++c) {
    const auto counts = histogram(photo, c);
    const auto first = std::ranges::find_if(counts, [](size_t count) { return count > 0; });
    const size_t all = photo.pixels.size() / 3;
    if (*first == all) continue;
    Table table{};
    size_t below = 0;
    for (size_t i = 0; i < 256; ++i) {
      below += counts[i];
      const double rank = static_cast<double>(below) - static_cast<double>(*first);
      table[i] = level(255 * rank / static_cast<double>(all - *first));
    }
    apply(table, c, photo);
  }
}

template <typename Change>
void change_levels(image::Image& photo, const Change& change) {
  Table table{};
  for (size_t i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(change(i));
  for (size_t c = 0; c < 3; ++c) apply(table, c, photo);
}

// One change, its strength drawn up to severity / 10 of the most.
image::Image changed(image::Image photo, double severity, Rng& random) {
  const uint64_t kind = random.below(kChanges);
  const double strength = random.uniform(std::min(0.1, severity), severity) / 10;
  const double either = random.chance(0.5) ? strength : -strength;
  AffineMotion motion;
  switch (kind) {
    case 0:
      stretch(photo);
      return photo;
    case 1:
      equalise(photo);
      return photo;
    case 2: {
      const size_t dropped = static_cast<size_t>(4 + 4 * strength);  // bits
      change_levels(photo, [&](size_t i) { return i >> dropped << dropped; });
      return photo;
    }
    case 3: {
      const auto from = static_cast<size_t>(256 * (1 - strength));
      change_levels(photo, [&](size_t i) { return i < from ? i : 255 - i; });
      return photo;
    }
    case 4:
      motion.degrees = 30 * either;
      break;
    case 5:
      motion.shear_x = 0.3 * either;
      break;
    case 6:
      motion.shear_y = 0.3 * either;
      break;
    case 7:
      motion.shift_x = either * photo.width / 3;
      break;
    default:
      motion.shift_y = either * photo.height / 3;
  }
  return move(photo, motion);
}

}  // namespace

image::Image aug_mix(const image::Image& photo, const AugMixOptions& options, Rng& random) {
  if (options.severity <= 0) return photo;
  std::array<double, kChains> weights{};
  double sum = 0;
  for (double& weight : weights) sum += weight = random.gamma(options.alpha);
  const double share = random.beta(options.alpha, options.alpha);  // of the chains
  std::vector<double> mixed(photo.pixels.size());
  for (size_t i = 0; i < mixed.size(); ++i) mixed[i] = (1 - share) * photo.pixels[i];
  for (const double weight : weights) {
    const auto depth =
        options.depth > 0 ? static_cast<uint64_t>(options.depth) : 1 + random.below(3);
    image::Image chain = photo;
    for (uint64_t i = 0; i < depth; ++i)
      chain = changed(std::move(chain), options.severity, random);
    const double part = share * (sum > 0 ? weight / sum : 1.0 / kChains);
    for (size_t i = 0; i < mixed.size(); ++i) mixed[i] += part * chain.pixels[i];
  }
  image::Image result{photo.width, photo.height, std::vector<uint8_t>(mixed.size())};
  for (size_t i = 0; i < mixed.size(); ++i) result.pixels[i] = level(mixed[i]);
  return result;
}

}  // namespace cairn::data
