// Batches of network input, made ahead of the training step by worker threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "cairn_train/data/augment.h"
#include "cairn_train/data/mixes.h"
#include "cairn_train/data/photo_store.h"

namespace cairn::data {

struct LoaderOptions {
  int size = 128;  // of plain views
  int threads = 1;
  size_t ahead = 4;  // batches that wait at most
  image::Normalisation normalisation;
  std::optional<ViewOptions> view;  // none: plain views
  MixOptions mix;                   // of random views
  uint64_t seed = 1;
  // Where several processes share each batch: which part of its rows this one makes (slice_of()).
  int part = 0;
  int parts = 1;
};

struct Batch {
  std::vector<size_t> photos;  // positions in the store
  std::vector<float> pixels;   // photos × 3 × size × size
  int size = 0;
  std::optional<Mixed> mixed;  // rows are those of the whole batch
};

// The order of one epoch: the photos shuffled by (seed, epoch) and cut into whole batches; the rest
// of less than a batch is left out, unless there is no whole batch.
std::vector<std::vector<size_t>> epoch_batches(std::vector<size_t> photos, size_t batch,
                                               uint64_t seed, uint64_t epoch);

// The photos in their order, cut into batches; the last may be smaller.
std::vector<std::vector<size_t>> ordered_batches(const std::vector<size_t>& photos, size_t batch);

// Goes once through the batches, from first_batch on. Each photo's random view depends on (seed,
// epoch, its place in the epoch) alone, and a batch's mix on (seed, epoch, its number), so any
// number of threads gives the same batches, and the parts of several processes are those of the
// whole. (Of a mixed batch each process makes all photos, as any may be a partner.) In random views
// a photo that cannot be read is replaced by the next readable one of the epoch; in plain views it
// is left out of its batch, which may become empty.
class Loader {
 public:
  Loader(PhotoStore& store, const LoaderOptions& options, std::vector<std::vector<size_t>> batches,
         uint64_t epoch = 0, size_t first_batch = 0);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The next batch, or false at the end. Throws Error when no photo at all can be read.
  bool next(Batch& batch);

  // How long next() waited, in total.
  double waited_seconds() const { return waited_; }

 private:
  void work();
  Batch make(size_t number) const;
  size_t fill_random(size_t number, size_t place, float* out) const;

  PhotoStore& store_;
  const LoaderOptions options_;
  const std::vector<std::vector<size_t>> batches_;
  const uint64_t epoch_;
  std::vector<size_t> starts_;  // place in the epoch of each batch's first photo
  std::vector<size_t> flat_;    // the epoch's photos in order

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t claimed_;    // the next batch that a worker makes
  size_t delivered_;  // the next batch that next() returns
  std::map<size_t, Batch> ready_;
  std::exception_ptr failure_;
  bool stop_ = false;
  double waited_ = 0;
  std::vector<std::thread> workers_;
};

}  // namespace cairn::data
