#include "cairn/quantize/histogram.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn::quantize {
namespace {

// The least exponent for which kBins bins of 2^exponent hold the magnitude.
int exponent_for(float magnitude) {
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude < 2^exponent
  static_assert(Histogram::kBins == 1 << 11);
  return std::max(exponent - 11, -100);  // 1 / width stays a float
}

// floor(bin / 2)
int half(int bin) { return bin >= 0 ? bin / 2 : (bin - 1) / 2; }

}  // namespace

double Histogram::width() const { return exponent_ == kUnset ? 1 : std::ldexp(1.0, exponent_); }

void Histogram::reach(int exponent) {
  if (exponent_ == kUnset) exponent_ = exponent;
  for (; exponent_ < exponent; ++exponent_) {
    std::vector<uint64_t> wider(bins_.size(), 0);
    for (int bin = -kBins; bin < kBins; ++bin)
      wider[static_cast<size_t>(half(bin) + kBins)] += at(bin);
    bins_ = std::move(wider);
  }
}

void Histogram::add(std::span<const float> numbers) {
  float low = 0;
  float high = 0;
  bool finite = true;
  for (const float x : numbers) {
    low = std::min(low, x);
    high = std::max(high, x);
    finite = finite && x - x == 0;
  }
  if (!finite) throw Error("NaN or infinity");
  lowest_ = std::min(lowest_, low);
  highest_ = std::max(highest_, high);
  count_ += numbers.size();
  if (low == 0 && high == 0) {
    zeros_ += numbers.size();
    bins_[kBins] += numbers.size();
    return;
  }
  reach(exponent_for(std::max(high, -low)));
  const float per_width = std::ldexp(1.0F, -exponent_);
  uint64_t zeros = 0;
  for (const float x : numbers) {
    if (x == 0) {
      ++zeros;  // apart, since half of what follows a ReLU would wait for one counter
      continue;
    }
    const float scaled = x * per_width;
    int bin = static_cast<int>(scaled);
    bin -= static_cast<float>(bin) > scaled ? 1 : 0;
    ++bins_[static_cast<size_t>(bin + kBins)];
  }
  zeros_ += zeros;
  bins_[kBins] += zeros;
}

void Histogram::merge(const Histogram& other) {
  count_ += other.count_;
  zeros_ += other.zeros_;
  lowest_ = std::min(lowest_, other.lowest_);
  highest_ = std::max(highest_, other.highest_);
  if (other.exponent_ == kUnset) {
    bins_[kBins] += other.zeros_;
    return;
  }
  Histogram wider;
  const Histogram* same = &other;
  reach(other.exponent_);
  if (other.exponent_ < exponent_) {
    wider = other;
    wider.reach(exponent_);
    same = &wider;
  }
  for (size_t i = 0; i < bins_.size(); ++i) bins_[i] += same->bins_[i];
}

double Histogram::quantile(double share) const {
  const double wanted = share * static_cast<double>(count_);
  double below = 0;
  for (int bin = -kBins; bin < kBins; ++bin) {
    const auto here = static_cast<double>(at(bin));
    if (here > 0 && below + here >= wanted) {
      const double within = std::clamp((wanted - below) / here, 0.0, 1.0);
      return std::clamp<double>((bin + within) * width(), lowest_, highest_);
    }
    below += here;
  }
  return highest_;
}

}  // namespace cairn::quantize
