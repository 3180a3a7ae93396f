#include "cairn_train/data/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn_train/data/loader.h"

namespace cairn::data {
namespace {

void append(std::vector<size_t>& list, const std::vector<size_t>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

void draw(const std::vector<size_t>& from, int64_t count, Rng& random, std::vector<size_t>& list) {
  for (int64_t i = 0; i < count; ++i) list.push_back(from[random.below(from.size())]);
}

}  // namespace

Sampler::Sampler(const SamplerOptions& options, const TrainingSet& set, std::vector<size_t> pool,
                 size_t batch, uint64_t seed)
    : options_(options), pool_(std::move(pool)), batch_(batch), seed_(seed) {
  const bool grouped = options.type == "identity" || options.type == "image";
  if (grouped && batch % static_cast<size_t>(options.photos_per_identity) != 0)
    throw Error(fmt::format("batch {} is no multiple of sampler.photos_per_identity {}", batch,
                            options.photos_per_identity));
  std::map<int64_t, std::vector<size_t>> by_landmark;
  bool any = false;
  for (const size_t photo : pool_) {
    const Sample& sample = set.samples[photo];
    if (sample.landmark < 0) continue;
    ++landmark_photos_;
    if (grouped) by_landmark[sample.landmark].push_back(photo);
    if (options.type != "continent" || sample.continent < 0) continue;
    const auto continent = static_cast<size_t>(sample.continent);
    Drawn& drawn = continents_[continent];
    (sample.noisy ? drawn.noisy : drawn.clean).push_back(photo);
    any = any || options.continents[continent] > 0;
  }
  for (auto& [landmark, photos] : by_landmark) identities_.push_back(std::move(photos));
  if (grouped && identities_.empty())
    throw Error(fmt::format("sampler.type {} needs photos of landmarks", options.type));
  if (options.type == "continent" && !any)
    throw Error(
        "sampler.type continent: no photo is on a continent of positive share; name the folder of "
        "the country files in data.country, or take a list of `cairn lists` as data.table");
  const auto first = batches(0);
  count_ = first.size();
  batch_size_ = first[0].size();
}

std::vector<std::vector<size_t>> Sampler::batches(uint64_t epoch) const {
  if (options_.type == "shuffle") return epoch_batches(pool_, batch_, seed_, epoch);
  std::vector<size_t> order;
  if (options_.type == "identity") order = identity_order(epoch);
  if (options_.type == "image") order = image_order(epoch);
  if (options_.type == "continent") order = continent_order(epoch);
  CAIRN_ASSERT(!order.empty());
  // Fewer identities than a batch has places for: every batch is one round of them.
  const size_t round = identities_.size() * static_cast<size_t>(options_.photos_per_identity);
  const size_t batch = options_.type == "identity" ? std::min(batch_, round) : batch_;
  if (order.size() > batch) order.resize(order.size() / batch * batch);
  return ordered_batches(order, batch);
}

// K photos of the identity, in random order; all of them before one comes again.
std::vector<size_t> Sampler::photos_of(size_t identity, Rng& random) const {
  const auto wanted = static_cast<size_t>(options_.photos_per_identity);
  std::vector<size_t> photos;
  while (photos.size() < wanted) {
    std::vector<size_t> all = identities_[identity];
    random.shuffle(all);
    append(photos, all);
  }
  photos.resize(wanted);
  return photos;
}

std::vector<size_t> Sampler::identity_order(uint64_t epoch) const {
  Rng random = Rng::for_stream(seed_, fnv1a("identity"), epoch);
  const auto each = static_cast<size_t>(options_.photos_per_identity);
  const size_t a_batch = std::min(batch_ / each, identities_.size());
  const size_t a_round = identities_.size() / a_batch;
  size_t wanted = a_round;
  if (options_.epoch_photos > 0)
    wanted = std::max<size_t>(1, static_cast<size_t>(options_.epoch_photos) / (a_batch * each));
  std::vector<size_t> identities(identities_.size());
  std::iota(identities.begin(), identities.end(), size_t{0});
  std::vector<size_t> order;
  for (size_t made = 0; made < wanted; ++made) {
    const size_t place = made % a_round;
    if (place == 0) random.shuffle(identities);
    for (size_t i = place * a_batch; i < (place + 1) * a_batch; ++i)
      append(order, photos_of(identities[i], random));
  }
  return order;
}

// Every group j of K photos goes to batch j modulo their number, so that the consecutive groups of
// a landmark part.
std::vector<size_t> Sampler::image_order(uint64_t epoch) const {
  Rng random = Rng::for_stream(seed_, fnv1a("image"), epoch);
  const auto each = static_cast<size_t>(options_.photos_per_identity);
  std::vector<size_t> identities(identities_.size());
  std::iota(identities.begin(), identities.end(), size_t{0});
  random.shuffle(identities);
  std::vector<std::vector<size_t>> groups;
  for (const size_t identity : identities) {
    std::vector<size_t> photos = identities_[identity];
    if (photos.size() < each) {
      groups.push_back(photos_of(identity, random));
      continue;
    }
    random.shuffle(photos);
    photos.resize(photos.size() / each * each);
    for (std::vector<size_t>& group : ordered_batches(photos, each))
      groups.push_back(std::move(group));
  }
  const size_t a_batch = std::min(batch_ / each, groups.size());
  const size_t count = groups.size() / a_batch;
  std::vector<size_t> places(count);
  std::iota(places.begin(), places.end(), size_t{0});
  random.shuffle(places);
  std::vector<size_t> order;
  for (const size_t place : places)
    for (size_t i = 0; i < a_batch; ++i) append(order, groups[place + i * count]);
  return order;
}

std::vector<size_t> Sampler::continent_order(uint64_t epoch) const {
  Rng random = Rng::for_stream(seed_, fnv1a("continent"), epoch);
  std::array<double, kContinents.size()> shares = options_.continents;
  for (size_t c = 0; c < shares.size(); ++c)
    if (continents_[c].clean.empty() && continents_[c].noisy.empty()) shares[c] = 0;
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (std::abs(sum - 1) > 1e-9)
    for (double& share : shares) share /= sum;
  const auto length = options_.epoch_photos > 0 ? static_cast<int64_t>(options_.epoch_photos)
                                                : static_cast<int64_t>(landmark_photos_);
  const auto quotas = continent_quotas(length, shares, options_.clean_share);
  std::vector<size_t> order;
  for (size_t c = 0; c < shares.size(); ++c) {
    const Drawn& from = continents_[c];
    if (shares[c] <= 0) continue;
    draw(from.clean.empty() ? from.noisy : from.clean, quotas[c].clean, random, order);
    draw(from.noisy.empty() ? from.clean : from.noisy, quotas[c].noisy, random, order);
  }
  if (order.empty())
    throw Error(fmt::format("sampler.type continent: {} photos an epoch are too few", length));
  random.shuffle(order);
  return order;
}

std::array<ContinentQuota, kContinents.size()> continent_quotas(
    int64_t length, const std::array<double, kContinents.size()>& shares, double clean_share) {
  std::array<ContinentQuota, kContinents.size()> quotas;
  for (size_t c = 0; c < shares.size(); ++c) {
    const auto all = static_cast<int64_t>(static_cast<double>(length) * shares[c]);
    quotas[c].clean = static_cast<int64_t>(static_cast<double>(all) * clean_share);
    quotas[c].noisy = all - quotas[c].clean;
  }
  return quotas;
}

int64_t reference_identity_draws(int64_t identities, int64_t batch, int64_t photos_per_identity) {
  const int64_t a_batch = batch / photos_per_identity;
  const double batches =
      std::max(1.0, static_cast<double>(identities) / static_cast<double>(a_batch));
  return static_cast<int64_t>(batches * static_cast<double>(a_batch)) + 1;
}

int64_t reference_identity_length(const std::vector<int64_t>& photos_of_identity,
                                  int64_t photos_per_identity) {
  int64_t length = 0;
  for (const int64_t photos : photos_of_identity) {
    const int64_t shown = std::max(photos, photos_per_identity);
    length += shown - shown % photos_per_identity;
  }
  return length;
}

}  // namespace cairn::data
