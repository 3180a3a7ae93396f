// The k-reciprocal encoding of a set of photos (k_reciprocal.h says whose it is). Internal to the
// rank room.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace cairn::rank {

// To the nearest float16, ties to even; |x| below 65520.
double to_half(double x);

// Half of k to even, as NumPy rounds.
size_t half_of(size_t k);

// Many copies of a photo can push it out of its own list: it takes the last place.
void put_self_in(std::vector<uint32_t>& list, uint32_t self);

// How much a photo belongs to another one's description.
struct Weight {
  uint32_t photo = 0;
  float value = 0;
};

struct GraphOptions {
  size_t k1 = 20;
  size_t k2 = 6;
  bool half = false;  // see KReciprocalOptions
  int threads = 1;
};

class ReciprocalGraph {
 public:
  // nearest[i]: the k1 + 1 photos nearest to i, best first, i itself among them (fewer where there
  // are fewer photos); k1 and k2 at least 1. distance(i, j) is called from several threads.
  ReciprocalGraph(std::vector<std::vector<uint32_t>> nearest,
                  const std::function<double(size_t, size_t)>& distance,
                  const GraphOptions& options);

  // The description of a photo, by rising photo.
  const std::vector<Weight>& weights(size_t i) const { return weights_[i]; }
  // 1 - m / (2 - m) of photo i to all photos, m the sum of the smaller weights.
  std::vector<float> jaccard(size_t i) const;

 private:
  std::vector<uint32_t> mutual(size_t i, size_t k) const;
  std::vector<Weight> describe(size_t i,
                               const std::function<double(size_t, size_t)>& distance) const;
  std::vector<Weight> average(size_t i, const std::vector<std::vector<Weight>>& weights) const;

  std::vector<std::vector<uint32_t>> nearest_;
  GraphOptions options_;
  std::vector<std::vector<Weight>> weights_;  // of each photo, by rising photo
  std::vector<std::vector<Weight>> holders_;  // by photo: in whose descriptions it is
};

}  // namespace cairn::rank
