#include "cairn/dataset/synth/noise.h"

#include <cmath>

namespace cairn::synth {
namespace {

uint32_t hash(uint32_t x, uint32_t y, uint32_t seed) {
  uint32_t h = seed * 0x9E3779B1U ^ x * 0x85EBCA77U ^ y * 0xC2B2AE3DU;
  h = (h ^ (h >> 15)) * 0x2C1B3C6DU;
  h = (h ^ (h >> 12)) * 0x297A2D39U;
  return h ^ (h >> 15);
}

int wrapped(int i, int period) {
  const int m = i % period;
  return m < 0 ? m + period : m;
}

float fade(float t) { return t * t * (3 - 2 * t); }

}  // namespace

float hash01(int x, int y, uint32_t seed) {
  return static_cast<float>(hash(static_cast<uint32_t>(x), static_cast<uint32_t>(y), seed) >> 8) *
         0x1.0p-24F;
}

float value_noise(float x, float y, int period, uint32_t seed) {
  const float fx = std::floor(x);
  const float fy = std::floor(y);
  const int x0 = wrapped(static_cast<int>(fx), period);
  const int y0 = wrapped(static_cast<int>(fy), period);
  const int x1 = x0 + 1 == period ? 0 : x0 + 1;
  const int y1 = y0 + 1 == period ? 0 : y0 + 1;
  const float tx = fade(x - fx);
  const float ty = fade(y - fy);
  const float a = hash01(x0, y0, seed);
  const float b = hash01(x1, y0, seed);
  const float c = hash01(x0, y1, seed);
  const float d = hash01(x1, y1, seed);
  return (a + (b - a) * tx) * (1 - ty) + (c + (d - c) * tx) * ty;
}

float fractal_noise(float x, float y, int period, int octaves, uint32_t seed) {
  float sum = 0;
  float weight = 0.5F;
  float total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * value_noise(x, y, period, seed + static_cast<uint32_t>(i));
    total += weight;
    weight *= 0.5F;
    x *= 2;
    y *= 2;
    period *= 2;
  }
  return sum / total;
}

}  // namespace cairn::synth
