#include "cairn/base/random.h"

#include <cmath>
#include <numbers>

namespace cairn {
namespace {

uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

Rng Rng::for_stream(uint64_t seed, uint64_t stream_a, uint64_t stream_b) {
  uint64_t state = mix(seed + 0x9E3779B97F4A7C15ULL);
  state = mix(state ^ mix(stream_a + 0xD1B54A32D192ED03ULL));
  return Rng(mix(state ^ mix(stream_b + 0x8CB92BA72F3D8DD7ULL)));
}

uint64_t Rng::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  return mix(state_);
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

uint64_t Rng::below(uint64_t n) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  uint64_t value = next();
  while (value >= limit) value = next();
  return value % n;
}

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double Rng::gamma(double shape) {
  if (shape < 1) return gamma(shape + 1) * std::pow(1.0 - uniform(), 1 / shape);
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = normal();
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(1.0 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double Rng::beta(double a, double b) {
  const double x = gamma(a);
  const double sum = x + gamma(b);
  // Tiny shapes can give two zeros: one end or the other is as likely as a to b.
  if (sum == 0) return uniform() * (a + b) < a ? 1 : 0;
  return x / sum;
}

}  // namespace cairn
