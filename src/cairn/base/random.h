// Seeded random numbers that are the same on every machine.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace cairn {

// 64-bit FNV-1a hash of the bytes of a text.
uint64_t fnv1a(std::string_view text);

// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, so it is saved and restored as one
// number.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  // An independent generator for a part of the work: sample 7 of epoch 3 draws the same numbers
  // whichever thread draws them.
  static Rng for_stream(uint64_t seed, uint64_t stream_a, uint64_t stream_b = 0);

  uint64_t next();
  double uniform();                         // [0, 1)
  double uniform(double low, double high);  // [low, high)
  uint64_t below(uint64_t n);               // 0 … n-1, without modulo bias; n > 0
  double normal();                          // mean 0, standard deviation 1
  double gamma(double shape);               // scale 1; shape > 0 (Marsaglia, Tsang 2000)
  double beta(double a, double b);          // within 0 and 1; a, b > 0
  bool chance(double probability) { return uniform() < probability; }

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  uint64_t state() const { return state_; }

 private:
  uint64_t state_;
};

}  // namespace cairn
