#include "cairn/dataset/synth/style.h"

#include <array>

#include "cairn/dataset/synth/noise.h"

namespace cairn::synth {
namespace {

float draw(Rng& rng, double low, double high) { return static_cast<float>(rng.uniform(low, high)); }

Vec3 jittered(Vec3 c, Rng& rng, float amount) {
  const float light = draw(rng, -amount, amount);
  const auto channel = [&](float v) {
    return clamp01(v + light + draw(rng, -amount, amount) * 0.5F);
  };
  return {channel(c.x), channel(c.y), channel(c.z)};
}

template <size_t N>
Vec3 pick(const std::array<Vec3, N>& colours, Rng& rng) {
  return colours[rng.below(N)];
}

constexpr std::array<Vec3, 16> kWalls = {{{0.80F, 0.68F, 0.48F},
                                          {0.84F, 0.80F, 0.70F},
                                          {0.60F, 0.30F, 0.22F},
                                          {0.55F, 0.55F, 0.57F},
                                          {0.91F, 0.90F, 0.88F},
                                          {0.75F, 0.45F, 0.30F},
                                          {0.63F, 0.62F, 0.60F},
                                          {0.34F, 0.33F, 0.35F},
                                          {0.82F, 0.62F, 0.28F},
                                          {0.80F, 0.60F, 0.55F},
                                          {0.55F, 0.62F, 0.52F},
                                          {0.50F, 0.58F, 0.68F},
                                          {0.72F, 0.66F, 0.60F},
                                          {0.50F, 0.38F, 0.28F},
                                          {0.86F, 0.76F, 0.56F},
                                          {0.68F, 0.36F, 0.34F}}};
constexpr std::array<Vec3, 9> kRoofs = {{{0.30F, 0.33F, 0.38F},
                                         {0.42F, 0.64F, 0.56F},
                                         {0.66F, 0.33F, 0.22F},
                                         {0.83F, 0.66F, 0.25F},
                                         {0.50F, 0.52F, 0.54F},
                                         {0.20F, 0.35F, 0.55F},
                                         {0.22F, 0.20F, 0.20F},
                                         {0.24F, 0.44F, 0.34F},
                                         {0.50F, 0.24F, 0.20F}}};
constexpr std::array<Vec3, 9> kAccents = {{{0.75F, 0.20F, 0.16F},
                                           {0.16F, 0.34F, 0.62F},
                                           {0.85F, 0.68F, 0.22F},
                                           {0.14F, 0.46F, 0.38F},
                                           {0.90F, 0.88F, 0.82F},
                                           {0.30F, 0.18F, 0.12F},
                                           {0.52F, 0.24F, 0.46F},
                                           {0.12F, 0.14F, 0.20F},
                                           {0.86F, 0.46F, 0.16F}}};

}  // namespace

Style Style::random(Rng& rng) {
  Style s;
  s.wall = jittered(pick(kWalls, rng), rng, 0.06F);
  s.wall2 =
      rng.chance(0.5) ? jittered(s.wall, rng, 0.15F) : jittered(pick(kWalls, rng), rng, 0.06F);
  s.trim = rng.chance(0.5) ? jittered(mix(s.wall, Vec3{0.95F, 0.93F, 0.88F}, 0.7F), rng, 0.04F)
                           : jittered(mix(s.wall, Vec3{0.2F, 0.18F, 0.18F}, 0.5F), rng, 0.05F);
  s.roof = jittered(pick(kRoofs, rng), rng, 0.05F);
  s.accent = jittered(pick(kAccents, rng), rng, 0.05F);
  s.glass =
      jittered(rng.chance(0.6) ? Vec3{0.10F, 0.13F, 0.18F} : Vec3{0.22F, 0.34F, 0.42F}, rng, 0.05F);
  s.pattern = static_cast<WallPattern>(rng.below(8));
  s.window = static_cast<WindowShape>(rng.below(5));
  s.roof_pattern = static_cast<RoofPattern>(rng.below(4));
  s.courses = draw(rng, 8, 22);
  s.window_width = draw(rng, 0.34, 0.64);
  s.window_height = draw(rng, 0.48, 0.74);
  s.pilasters = rng.chance(0.45);
  s.balconies = rng.chance(0.3);
  s.grime = draw(rng, 0.15, 0.5);
  s.motif = static_cast<uint32_t>(rng.next());
  return s;
}

bool in_motif(float s, float t, uint32_t seed) {
  constexpr int kCells = 9;
  int x = static_cast<int>(s * kCells);
  const int y = static_cast<int>(t * kCells);
  if (x < 1 || y < 1 || x >= kCells - 1 || y >= kCells - 1) return false;
  x = std::min(x, kCells - 1 - x);
  return hash01(x, y, seed) < (x == kCells / 2 ? 0.75F : 0.5F);
}

}  // namespace cairn::synth
