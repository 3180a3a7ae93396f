#include "cairn_train/data/loader.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cairn/base/slice.h"

namespace cairn::data {
namespace {

// Training waits for its slowest thread at every layer; workers that step back cost it less.
constexpr int kWorkerNiceness = 10;

void keep_rows(Batch& batch, const Slice& rows, size_t floats) {
  const auto cut = [&rows](auto& values, size_t of_each) {
    const auto each = static_cast<std::ptrdiff_t>(of_each);
    values.erase(values.begin() + rows.end * each, values.end());
    values.erase(values.begin(), values.begin() + rows.begin * each);
  };
  cut(batch.photos, 1);
  cut(batch.pixels, floats);
}

}  // namespace

std::vector<std::vector<size_t>> ordered_batches(const std::vector<size_t>& photos, size_t batch) {
  std::vector<std::vector<size_t>> batches;
  for (size_t begin = 0; begin < photos.size(); begin += batch) {
    const size_t end = std::min(begin + batch, photos.size());
    batches.emplace_back(photos.begin() + static_cast<std::ptrdiff_t>(begin),
                         photos.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return batches;
}

std::vector<std::vector<size_t>> epoch_batches(std::vector<size_t> photos, size_t batch,
                                               uint64_t seed, uint64_t epoch) {
  Rng random = Rng::for_stream(seed, fnv1a("order"), epoch);
  random.shuffle(photos);
  if (photos.size() > batch) photos.resize(photos.size() / batch * batch);
  return ordered_batches(photos, batch);
}

Loader::Loader(PhotoStore& store, const LoaderOptions& options,
               std::vector<std::vector<size_t>> batches, uint64_t epoch, size_t first_batch)
    : store_(store),
      options_(options),
      batches_(std::move(batches)),
      epoch_(epoch),
      claimed_(first_batch),
      delivered_(first_batch) {
  for (const std::vector<size_t>& batch : batches_) {
    starts_.push_back(flat_.size());
    flat_.insert(flat_.end(), batch.begin(), batch.end());
  }
  for (int i = 0; i < std::max(1, options_.threads); ++i) workers_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Loader::work() {
  // Linux keeps niceness by thread; where that fails, the worker merely stays as it is.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kWorkerNiceness);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] {
      return stop_ || claimed_ >= batches_.size() || claimed_ < delivered_ + options_.ahead;
    });
    if (stop_ || claimed_ >= batches_.size()) return;
    const size_t number = claimed_++;
    lock.unlock();
    Batch batch;
    std::exception_ptr failure;
    try {
      batch = make(number);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) {
      failure_ = failure;
      stop_ = true;
    } else {
      ready_.emplace(number, std::move(batch));
    }
    changed_.notify_all();
  }
}

bool Loader::next(Batch& batch) {
  const auto started = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  if (delivered_ >= batches_.size()) return false;
  changed_.wait(lock, [&] { return failure_ || ready_.contains(delivered_); });
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (failure_) std::rethrow_exception(failure_);
  auto found = ready_.find(delivered_);
  batch = std::move(found->second);
  ready_.erase(found);
  ++delivered_;
  changed_.notify_all();
  return true;
}

Batch Loader::make(size_t number) const {
  const std::vector<size_t>& photos = batches_[number];
  const Slice own = slice_of(static_cast<int64_t>(photos.size()), options_.part, options_.parts);
  const Rng mixing = Rng::for_stream(options_.seed ^ fnv1a("mix"), epoch_, number);
  const bool mixed =
      options_.view && !options_.mix.kinds.empty() && draws_mix(options_.mix, mixing);
  const auto begin = static_cast<size_t>(mixed ? 0 : own.begin);
  const size_t end = mixed ? photos.size() : static_cast<size_t>(own.end);
  Batch batch;
  batch.size = options_.view ? options_.view->size : options_.size;
  const size_t floats = static_cast<size_t>(batch.size) * batch.size * 3;
  batch.pixels.resize((end - begin) * floats);
  for (size_t i = begin; i < end; ++i) {
    float* out = batch.pixels.data() + batch.photos.size() * floats;
    if (options_.view) {
      batch.photos.push_back(fill_random(number, starts_[number] + i, out));
    } else if (const auto photo = store_.get(photos[i])) {
      plain_view(*photo.value(), options_.size, options_.normalisation, out);
      batch.photos.push_back(photos[i]);
    }
  }
  batch.pixels.resize(batch.photos.size() * floats);
  if (mixed) {
    Rng random = mixing;
    batch.mixed = mix_batch({batch.pixels.data(), batch.photos.size(), 3, batch.size, batch.size},
                            options_.mix, random);
    keep_rows(batch, own, floats);
  }
  return batch;
}

// Returns the photo whose view was written.
size_t Loader::fill_random(size_t number, size_t place, float* out) const {
  for (size_t step = 0; step < flat_.size(); ++step) {
    const size_t candidate = flat_[(place + step) % flat_.size()];
    const auto photo = store_.get(candidate);
    if (!photo) continue;
    Rng random = Rng::for_stream(options_.seed, epoch_ + 1, place);
    const OtherPhoto other = [this](Rng& draws) -> std::shared_ptr<const image::Image> {
      const auto drawn = store_.get(flat_[draws.below(flat_.size())]);
      return drawn ? drawn.value() : nullptr;
    };
    random_view(*photo.value(), *options_.view, options_.normalisation, random, out, other);
    return candidate;
  }
  throw Error(fmt::format("none of the {} photos can be read (batch {}); see the first: {}",
                          flat_.size(), number, store_.get(flat_[0]).reason()));
}

}  // namespace cairn::data
