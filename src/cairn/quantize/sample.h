// The photos that a network is quantised with, and running networks on them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/dataset/photos.h"
#include "cairn/engine/model.h"
#include "cairn/image/image.h"

namespace cairn::quantize {

struct Sampling {
  size_t photos = 300;
  uint64_t seed = 1;
  int size = 0;  // pixels; photos are resized to size x size
  uint64_t max_pixels = 100'000'000;
  int threads = 0;
  std::function<bool()> stop = [] { return false; };  // asked before each photo
};

// Photos drawn from the list, in an order that the seed decides. Unreadable ones are passed over
// with a warning. Throws Error where none can be read, or the work was stopped.
std::vector<image::Image> draw_photos(std::vector<dataset::Photo> list, const Sampling& sampling);

// Runs one model on photos, one a run, on several threads.
class PhotoRunner {
 public:
  PhotoRunner(std::shared_ptr<const engine::Model> model, image::Normalisation normalisation,
              const Sampling& sampling);

  int threads() const { return threads_; }
  // Calls use(thread, photo, outputs) for every photo, each thread with its own number below
  // threads(). Throws Error where the work was stopped.
  using Use = std::function<void(int thread, size_t photo, const engine::TensorMap& outputs)>;
  void run(std::span<const image::Image> photos, const std::vector<std::string>& outputs,
           const Use& use) const;

 private:
  std::shared_ptr<const engine::Model> model_;
  image::Normalisation normalisation_;
  int threads_;
  std::function<bool()> stop_;
};

}  // namespace cairn::quantize
