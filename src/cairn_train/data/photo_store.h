// The photos of a training run, decoded once where memory allows.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/image/image.h"

namespace cairn::data {

// How photos larger than needed are decoded: whole, as inference does, or JPEGs of twice the needed
// size at a half, a quarter or an eighth, which is quicker and changes the pixels a little.
enum class Decoding { kWhole, kReduced };

// Thread-safe. Photos whose shorter side exceeds short_side are reduced to it, whether they are
// kept or not, so that the budget changes the speed and not the pixels.
class PhotoStore {
 public:
  // budget_bytes: of pixels held in memory; what comes later is decoded each time.
  PhotoStore(std::vector<std::filesystem::path> paths, int short_side, uint64_t budget_bytes,
             Decoding decoding = Decoding::kWhole);

  size_t size() const { return paths_.size(); }

  // Photo i, or why it cannot be read.
  Result<std::shared_ptr<const image::Image>> get(size_t i);

  struct Broken {
    size_t photo;
    std::string reason;
  };
  // The photos that could not be read so far, in their order.
  std::vector<Broken> broken() const;

 private:
  void keep(size_t i, const std::shared_ptr<const image::Image>& photo);

  const std::vector<std::filesystem::path> paths_;
  const int short_side_;
  const image::DecodeOptions decode_;
  const uint64_t budget_;
  mutable std::mutex mutex_;
  uint64_t held_ = 0;
  std::vector<std::shared_ptr<const image::Image>> photos_;
  std::vector<std::string> failures_;  // empty: none known
};

}  // namespace cairn::data
