#include "cairn/search/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cairn/search/quantise.h"

namespace cairn::search {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

size_t first_capacity(size_t top) { return 2 * top + 256; }

}  // namespace

// Rows that are not there have an upper bound of -infinity, and must not pass.
Candidates::Candidates(size_t top, double scale, double margin)
    : top_(top),
      capacity_(first_capacity(top)),
      scale_(scale),
      margin_(margin),
      limit_(std::numeric_limits<float>::lowest()) {}

void Candidates::add(const Candidate& candidate) {
  kept_.push_back(candidate);
  if (kept_.size() >= capacity_) compact();
}

void Candidates::add_all(const Candidates& others) {
  limit_ = std::max(limit_, others.limit_);
  if (others.assumed_) assumed_ = std::max(assumed_.value_or(-kLargest), *others.assumed_);
  for (const Candidate& candidate : others.kept_) add(candidate);
}

std::span<const Candidate> Candidates::best(size_t count) {
  if (count < kept_.size()) {
    std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(count), kept_.end(),
                     [](const Candidate& a, const Candidate& b) { return a.upper > b.upper; });
  }
  return std::span(kept_).first(std::min(count, kept_.size()));
}

void Candidates::assume(double score, size_t top) {
  limit_ = std::max(limit_, limit_of(score));
  assumed_ = limit_;
  top_ = top;
  std::erase_if(kept_, [&](const Candidate& candidate) { return candidate.upper < limit_; });
  capacity_ = std::max(first_capacity(4 * top_), 2 * kept_.size());
}

std::vector<Candidate> Candidates::take() {
  compact();
  return std::exchange(kept_, {});
}

float Candidates::limit_of(double score) const {
  // Scores are float32: what differs by less may be equal, and beyond the largest all are.
  const double distinct = std::min<double>(score, kLargest) - std::abs(score) * 0x1p-22 -
                          std::numeric_limits<float>::denorm_min();
  return std::max(round_down(distinct / scale_ - margin_), -kLargest);
}

void Candidates::compact() {
  if (top_ > 0 && kept_.size() >= top_) {
    const auto last = kept_.begin() + static_cast<std::ptrdiff_t>(top_ - 1);
    std::nth_element(kept_.begin(), last, kept_.end(),
                     [](const Candidate& a, const Candidate& b) { return a.lower > b.lower; });
    limit_ = std::max(limit_, limit_of((double{last->lower} - margin_) * scale_));
  }
  std::erase_if(kept_, [&](const Candidate& candidate) { return candidate.upper < limit_; });
  // Where most bounds overlap, compaction again and again would take for ever.
  capacity_ = std::max(first_capacity(top_), 2 * kept_.size());
}

}  // namespace cairn::search
