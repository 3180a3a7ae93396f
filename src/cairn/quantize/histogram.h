// How often a value of a network is how large, over many photos.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cairn::quantize {

// Counts numbers in bins of one width, on both sides of zero. The width is the least power of two
// for which kBins bins reach the largest magnitude seen: it doubles when a larger number comes. So
// the counts depend on the numbers alone, not on their order or on how histograms were merged.
class Histogram {
 public:
  static constexpr int kBins = 2048;  // on each side

  // Throws Error for NaN and infinity.
  void add(std::span<const float> numbers);
  void merge(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t zeros() const { return zeros_; }  // exact ones; they are in bin 0 too
  float lowest() const { return lowest_; }   // of the numbers, and zero
  float highest() const { return highest_; }
  double width() const;
  // Numbers in [bin * width, (bin + 1) * width); -kBins <= bin < kBins.
  uint64_t at(int bin) const { return bins_[static_cast<size_t>(bin + kBins)]; }

  // The number below which this share of all numbers lies, interpolated within its bin.
  double quantile(double share) const;

 private:
  void reach(int exponent);

  std::vector<uint64_t> bins_ = std::vector<uint64_t>(2 * kBins, 0);
  int exponent_ = kUnset;  // the width is 2^exponent
  uint64_t count_ = 0;
  uint64_t zeros_ = 0;
  float lowest_ = 0;
  float highest_ = 0;

  static constexpr int kUnset = -1000;
};

}  // namespace cairn::quantize
