// The rows that may be hits of one query, by bounds of their scores.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cairn::search {

// score / scale lies between lower - margin and upper + margin.
struct Candidate {
  float upper = 0;
  float lower = 0;
  uint32_t row = 0;
};

// Keeps what may be among the `top` best while rows stream by: rows whose upper bound is below the
// top-th best lower bound cannot, which is looked for now and then. A guess of the top-th best
// score, from a sample of the rows say, keeps fewer; whether it was right is known in the end.
class Candidates {
 public:
  // scale > 0 and margin: of the query.
  Candidates(size_t top, double scale, double margin);

  // Rows whose upper bound is below it need not be added.
  float limit() const { return limit_; }
  // `top` rows are known to score as much.
  void expect(double score) { limit_ = std::max(limit_, limit_of(score)); }
  void add(const Candidate& candidate);
  void add_all(const Candidates& others);
  // The `count` rows so far that are best by their bounds, or fewer.
  std::span<const Candidate> best(size_t count);
  // Passes over rows that score less.
  void assume(double score, size_t top);
  // Whether nothing was passed over that scores as much.
  bool held(double score) const { return !assumed_ || limit_of(score) >= *assumed_; }
  // All that are left, in no order; leaves nothing behind.
  std::vector<Candidate> take();
  // The upper bound below which a row scores less than `score`, also when both are rounded.
  float limit_of(double score) const;

 private:
  // Raises the limit to what the rows so far allow, and drops those below it.
  void compact();

  size_t top_;
  size_t capacity_;
  double scale_;
  double margin_;
  float limit_;
  std::optional<float> assumed_;
  std::vector<Candidate> kept_;
};

}  // namespace cairn::search
