#include "cairn/quantize/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/base/random.h"
#include "cairn/base/thread_pool.h"

namespace cairn::quantize {
namespace {

constexpr const char* kStopped = "stopped; nothing was written";

}  // namespace

std::vector<image::Image> draw_photos(std::vector<dataset::Photo> list, const Sampling& sampling) {
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tie(a.id, a.path) < std::tie(b.id, b.path);
  });
  Rng random(sampling.seed);
  random.shuffle(list);
  std::vector<image::Image> photos;
  size_t unreadable = 0;
  for (size_t begin = 0; begin < list.size() && photos.size() < sampling.photos;) {
    const size_t count = std::min(list.size() - begin, sampling.photos - photos.size());
    std::vector<image::Image> read(count);
    std::vector<std::string> reasons(count);
    parallel_each(count, resolve_threads(sampling.threads), [&](size_t i) {
      if (sampling.stop()) throw Error(kStopped);
      const Result<image::Image> photo =
          image::read_image(list[begin + i].path, {.max_pixels = sampling.max_pixels});
      if (photo)
        read[i] = image::resize_bilinear(photo.value(), sampling.size, sampling.size);
      else
        reasons[i] = photo.reason();
    });
    for (size_t i = 0; i < count; ++i) {
      if (reasons[i].empty()) {
        photos.push_back(std::move(read[i]));
        continue;
      }
      ++unreadable;
      log_warning(fmt::format("passed over {}: {}", list[begin + i].path, reasons[i]));
    }
    begin += count;
  }
  if (photos.empty())
    throw Error(fmt::format("none of {} can be read", counted(unreadable, "photo")));
  return photos;
}

PhotoRunner::PhotoRunner(std::shared_ptr<const engine::Model> model,
                         image::Normalisation normalisation, const Sampling& sampling)
    : model_(std::move(model)),
      normalisation_(normalisation),
      threads_(resolve_threads(sampling.threads)),
      stop_(sampling.stop) {}

void PhotoRunner::run(std::span<const image::Image> photos, const std::vector<std::string>& outputs,
                      const Use& use) const {
  std::atomic<size_t> next = 0;
  std::atomic<bool> ended = false;
  const std::string& input = model_->inputs().at(0).name;
  const auto work = [&](int thread) {
    engine::Executor executor(model_);
    for (size_t i = next++; i < photos.size() && !ended; i = next++) {
      if (stop_()) throw Error(kStopped);
      const image::Image& photo = photos[i];
      engine::Tensor pixels(engine::DType::kF32, {1, 3, photo.height, photo.width});
      image::to_chw(photo, normalisation_, pixels.data<float>());
      use(thread, i, executor.run({{input, pixels}}, outputs));
    }
  };
  parallel_for(static_cast<size_t>(threads_), threads_, [&](size_t begin, size_t end) {
    try {
      for (size_t thread = begin; thread < end; ++thread) work(static_cast<int>(thread));
    } catch (...) {
      ended = true;
      throw;
    }
  });
}

}  // namespace cairn::quantize
