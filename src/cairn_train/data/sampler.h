// Which photos an epoch shows, in which batches.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/random.h"
#include "cairn_train/data/training_set.h"

namespace cairn::data {

struct SamplerOptions {
  std::string type = "shuffle";  // shuffle | identity | image | continent
  int photos_per_identity = 4;   // K of identity and image
  int epoch_photos = 0;          // of identity and continent; 0: as the class comment says
  double clean_share = 0.66;     // of continent: photos that are in the clean table
  // Of continent: shares of kContinents.
  std::array<double, kContinents.size()> continents = {0.5, 0.2, 0.15, 0.1, 0.02, 0.01, 0.01, 0.01};
};

// Makes the GLOBAL batches of each epoch, the same in every process; they depend on (options, pool,
// seed, epoch) alone. W processes that train together each take a contiguous slice of every batch
// (base/slice.h), so that their union is the batch of a single process; where W divides the
// identities of a batch, all photos of one stay in one process.
//
//   shuffle    the photos in random order (epoch_batches())
//   identity   P landmarks × K photos a batch, every landmark once an epoch (id-uniform); a
//   landmark
//              of fewer than K photos repeats them. With epoch_photos, further rounds follow.
//   image      the photos of each landmark in groups of K, every photo about once an epoch; a batch
//              is P groups, of different landmarks as long as none has more groups than there are
//              batches (image-uniform)
//   continent  drawn with replacement: each continent its share, and of it clean_share from clean
//              photos (Zhang et al., arXiv 2110.04294); as many as the pool has photos of
//              landmarks
//
// All but shuffle draw photos of landmarks alone.
class Sampler {
 public:
  // pool: positions in the set's samples, as pool_of() gives them. Throws Error where the batch is
  // no multiple of K, the pool has no landmark, or no photo has a continent of positive share.
  Sampler(const SamplerOptions& options, const TrainingSet& set, std::vector<size_t> pool,
          size_t batch, uint64_t seed);

  // The same number of batches in every epoch, all of batch_size() photos.
  std::vector<std::vector<size_t>> batches(uint64_t epoch) const;
  size_t count() const { return count_; }
  size_t batch_size() const { return batch_size_; }

 private:
  struct Drawn {
    std::vector<size_t> clean;
    std::vector<size_t> noisy;
  };
  std::vector<size_t> photos_of(size_t identity, Rng& random) const;
  std::vector<size_t> identity_order(uint64_t epoch) const;
  std::vector<size_t> image_order(uint64_t epoch) const;
  std::vector<size_t> continent_order(uint64_t epoch) const;

  const SamplerOptions options_;
  const std::vector<size_t> pool_;
  const size_t batch_;
  const uint64_t seed_;
  std::vector<std::vector<size_t>> identities_;  // photos by landmark
  std::array<Drawn, kContinents.size()> continents_;
  size_t landmark_photos_ = 0;
  size_t count_ = 0;
  size_t batch_size_ = 0;
};

struct ContinentQuota {
  int64_t clean = 0;
  int64_t noisy = 0;
};

// How many photos of each continent the wz reference draws for a list of `length`: each share and
// the clean part of it rounded down. (Each of its processes draws a list of its own, of photos /
// processes; it fails where one of these pools is empty. Sampler fills up from the continent's
// other pool, and gives the share of a continent without photos to the others.)
std::array<ContinentQuota, kContinents.size()> continent_quotas(
    int64_t length, const std::array<double, kContinents.size()>& shares, double clean_share);

// Identities that the wz reference's RandomIdentitySampler_DDP draws an epoch: one too many, as it
// stops only beyond its limit.
int64_t reference_identity_draws(int64_t identities, int64_t batch, int64_t photos_per_identity);

// Photos that its RandomIdentitySampler announces an epoch: those of each identity, at least K, in
// whole groups of K. Sampler's `image` shows as many, but for the rest of a batch.
int64_t reference_identity_length(const std::vector<int64_t>& photos_of_identity,
                                  int64_t photos_per_identity);

}  // namespace cairn::data
