// The rows that may be hits of one query, by bounds of their scores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::search {

// score / scale lies between lower - margin and upper + margin.
struct Candidate {
  float upper = 0;
  float lower = 0;
  uint32_t row = 0;
};

// Keeps what may be among the `top` best while rows stream by: rows whose upper bound is below the
// top-th best lower bound cannot.
class Candidates {
 public:
  // scale > 0 and margin: of the query.
  Candidates(size_t top, double scale, double margin);

  // Rows whose upper bound is below it need not be added.
  float limit() const { return limit_; }
  void add(const Candidate& candidate) {
    kept_.push_back(candidate);
    if (kept_.size() >= capacity_) compact();
  }
  void add_all(const Candidates& others);
  // All that are left, best upper bound first; leaves nothing behind.
  std::vector<Candidate> take();
  // The upper bound below which a row scores less than `score`, also when both are rounded.
  float limit_of(double score) const;

 private:
  void compact();

  size_t top_;
  size_t capacity_;
  double scale_;
  double margin_;
  float limit_;
  std::vector<Candidate> kept_;
};

}  // namespace cairn::search
