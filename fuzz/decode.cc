// Photos of every format: decoded, checked, resized.
#include "cairn/image/image.h"
#include "cairn/image/testing/samples.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kMaxPixels = 1 << 16;  // keeps an input quick
  const auto result = cairn::image::decode({data, size}, {.max_pixels = kMaxPixels});
  if (!result) {
    cairn::fuzz::require(!result.reason().empty());
    return 0;
  }
  const cairn::image::Image& photo = result.value();
  cairn::fuzz::require(photo.width > 0 && photo.height > 0);
  const uint64_t pixels = static_cast<uint64_t>(photo.width) * static_cast<uint64_t>(photo.height);
  cairn::fuzz::require(pixels <= kMaxPixels && photo.pixels.size() == pixels * 3);
  cairn::image::resize_bilinear(photo, 8, 8);
  const auto reduced =
      cairn::image::decode({data, size}, {.max_pixels = kMaxPixels, .min_short_side = 4});
  cairn::fuzz::require(!reduced || reduced.value().width <= photo.width);
  return 0;
}

namespace cairn::fuzz {

std::vector<Seed> seeds() {
  std::vector<Seed> all;
  for (auto& sample : image::testing::all_samples()) {
    all.push_back({sample.name, std::move(sample.bytes)});
  }
  return all;
}

}  // namespace cairn::fuzz
