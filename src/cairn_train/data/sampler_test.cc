#include "cairn_train/data/sampler.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/testing/testing.h"
#include "cairn_train/data/loader.h"

namespace cairn::data {
namespace {

using Batches = std::vector<std::vector<size_t>>;

// A set of landmarks 0, 1, … with so many photos each.
TrainingSet set_of(const std::vector<int>& photos) {
  TrainingSet set;
  for (size_t landmark = 0; landmark < photos.size(); ++landmark) {
    for (int i = 0; i < photos[landmark]; ++i) {
      set.train.push_back(set.samples.size());
      set.samples.push_back({"", "", static_cast<int64_t>(landmark)});
    }
  }
  return set;
}

SamplerOptions of_type(const std::string& type, int photos_per_identity = 4) {
  SamplerOptions options;
  options.type = type;
  options.photos_per_identity = photos_per_identity;
  return options;
}

std::map<int64_t, int> counts_of(const std::vector<size_t>& batch, const TrainingSet& set) {
  std::map<int64_t, int> counts;
  for (const size_t photo : batch) ++counts[set.samples[photo].landmark];
  return counts;
}

std::vector<size_t> flat(const Batches& batches) {
  std::vector<size_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

TEST(SamplerGolden, lists_samplers_continent_quotas) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = testing::golden_case("lists/samplers");
  for (const auto& one : golden.spec["gld"]) {
    const int64_t length = one["images"].get<int64_t>() / one["world_size"].get<int64_t>();
    EXPECT_EQ(length, one["length"]);
    const SamplerOptions options;
    const auto quotas = continent_quotas(length, options.continents, options.clean_share);
    int64_t drawn = 0;
    for (size_t c = 0; c < kContinents.size(); ++c) {
      const auto& expected = one["per_continent_clean_noisy"][kContinents[c]];
      EXPECT_EQ(quotas[c].clean, expected[0]) << one << kContinents[c];
      EXPECT_EQ(quotas[c].noisy, expected[1]) << one << kContinents[c];
      drawn += quotas[c].clean + quotas[c].noisy;
    }
    EXPECT_EQ(drawn, one["drawn"]);
  }
}

TEST(SamplerGolden, lists_samplers_identity_lengths) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = testing::golden_case("lists/samplers");
  const auto& identity = golden.spec["identity"];
  const auto counts = identity["images_per_identity"].get<std::vector<int64_t>>();
  for (const auto& one : identity["results"]) {
    const int64_t each = one["instances"];
    EXPECT_EQ(reference_identity_length(counts, each), one["RandomIdentitySampler_len"]);
    EXPECT_EQ(
        reference_identity_draws(static_cast<int64_t>(counts.size()), one["batch"], each) * each,
        one["RandomIdentitySampler_DDP_drawn"]);
  }
}

TEST(Sampler, shuffle_gives_the_batches_of_epoch_batches) {
  const TrainingSet set = set_of({5, 9, 12});
  const Sampler sampler({}, set, set.train, 8, 3);
  EXPECT_EQ(sampler.count(), 3U);
  for (uint64_t epoch = 0; epoch < 3; ++epoch)
    EXPECT_EQ(sampler.batches(epoch), epoch_batches(set.train, 8, 3, epoch));
}

TEST(Sampler, every_type_repeats_itself_and_changes_with_epoch_and_seed) {
  TrainingSet set = set_of({5, 9, 12, 3, 8});
  for (Sample& sample : set.samples) sample.continent = static_cast<int>(sample.landmark % 8);
  for (const char* type : {"shuffle", "identity", "image", "continent"}) {
    const Sampler sampler(of_type(type), set, set.train, 8, 3);
    EXPECT_EQ(sampler.batches(1), Sampler(of_type(type), set, set.train, 8, 3).batches(1)) << type;
    EXPECT_NE(sampler.batches(1), sampler.batches(2)) << type;
    EXPECT_NE(sampler.batches(1), Sampler(of_type(type), set, set.train, 8, 4).batches(1)) << type;
    for (uint64_t epoch = 0; epoch < 5; ++epoch) {
      const Batches batches = sampler.batches(epoch);
      EXPECT_EQ(batches.size(), sampler.count()) << type;
      for (const auto& batch : batches) EXPECT_EQ(batch.size(), sampler.batch_size()) << type;
    }
  }
}

TEST(Sampler, identity_shows_each_landmark_once_with_k_photos) {
  const TrainingSet set = set_of({1, 2, 3, 4, 5, 7, 8, 15, 16, 33});
  const Sampler sampler(of_type("identity"), set, set.train, 8, 1);
  const Batches batches = sampler.batches(0);
  ASSERT_EQ(batches.size(), 5U);
  for (const auto& batch : batches) {
    const auto counts = counts_of(batch, set);
    EXPECT_EQ(counts.size(), 2U);
    for (const auto& [landmark, count] : counts) EXPECT_EQ(count, 4);
  }
  EXPECT_EQ(counts_of(flat(batches), set).size(), 10U);
  const std::vector<size_t> all = flat(batches);
  const std::set<size_t> different(all.begin(), all.end());
  // Landmarks of 1, 2 and 3 photos show all of them, the others four different ones.
  EXPECT_EQ(different.size(), 1U + 2 + 3 + 7 * 4);
}

TEST(Sampler, identity_starts_further_rounds_for_a_longer_epoch) {
  const TrainingSet set = set_of({9, 9, 9});
  SamplerOptions options = of_type("identity");
  options.epoch_photos = 40;
  const Sampler two(options, set, set.train, 8, 1);
  EXPECT_EQ(two.count(), 5U);
  for (const auto& batch : two.batches(0)) EXPECT_EQ(counts_of(batch, set).size(), 2U);
  // Fewer landmarks than a batch has places for.
  const Sampler few(options, set, set.train, 32, 1);
  EXPECT_EQ(few.batch_size(), 12U);
  EXPECT_EQ(few.count(), 3U);
}

TEST(Sampler, image_shows_every_group_of_k_photos_once_and_parts_those_of_a_landmark) {
  const TrainingSet set = set_of({1, 2, 3, 4, 5, 7, 8, 15, 16, 33});
  const Sampler sampler(of_type("image"), set, set.train, 8, 1);
  const Batches batches = sampler.batches(0);
  EXPECT_EQ(
      batches.size(),
      static_cast<size_t>(reference_identity_length({1, 2, 3, 4, 5, 7, 8, 15, 16, 33}, 4) / 8));
  for (const auto& batch : batches) {
    const auto counts = counts_of(batch, set);
    EXPECT_EQ(counts.size(), 2U);
    for (const auto& [landmark, count] : counts) EXPECT_EQ(count, 4);
  }
  std::map<size_t, int> shown;
  for (const size_t photo : flat(batches)) ++shown[photo];
  for (const auto& [photo, count] : shown) {
    const bool repeats = set.samples[photo].landmark <= 2;
    EXPECT_TRUE(count == 1 || repeats) << photo;
  }
}

TEST(Sampler, continent_draws_its_quotas) {
  TrainingSet set = set_of({500, 500});
  for (size_t i = 0; i < set.samples.size(); ++i) {
    set.samples[i].continent = static_cast<int>(i % 8);
    set.samples[i].noisy = i / 8 % 2 == 1;
  }
  const Sampler sampler(of_type("continent"), set, set.train, 20, 1);
  ASSERT_EQ(sampler.count(), 50U);
  std::map<int, std::array<int64_t, 2>> counts;
  for (const size_t i : flat(sampler.batches(0)))
    ++counts[set.samples[i].continent][static_cast<size_t>(set.samples[i].noisy)];
  const auto quotas = continent_quotas(1000, SamplerOptions().continents, 0.66);
  for (size_t c = 0; c < quotas.size(); ++c) {
    EXPECT_EQ(counts[static_cast<int>(c)][0], quotas[c].clean) << kContinents[c];
    EXPECT_EQ(counts[static_cast<int>(c)][1], quotas[c].noisy) << kContinents[c];
  }
}

TEST(Sampler, continent_gives_what_a_continent_lacks_to_the_others) {
  TrainingSet set = set_of({300, 300});
  for (Sample& sample : set.samples) {
    sample.continent = static_cast<int>(sample.landmark);  // Asia and Europe alone
    sample.noisy = sample.landmark == 1;                   // and none of them mixed
  }
  set.samples[0].continent = -1;
  const Sampler sampler(of_type("continent"), set, set.train, 10, 1);
  const std::vector<size_t> all = flat(sampler.batches(0));
  EXPECT_GE(all.size(), 590U);
  const auto counts = counts_of(all, set);
  EXPECT_NEAR(counts.at(0), 600 * 5.0 / 7, 12);
  EXPECT_NEAR(counts.at(1), 600 * 2.0 / 7, 12);
  EXPECT_EQ(std::ranges::count(all, 0U), 0);  // on no continent
}

TEST(Sampler, continent_draws_as_many_photos_as_there_are_of_landmarks) {
  TrainingSet set = set_of({300, 300});
  for (Sample& sample : set.samples) sample.continent = 0;
  const Sampler alone(of_type("continent"), set, set.train, 10, 1);
  std::vector<size_t> pool = set.train;
  for (int i = 0; i < 400; ++i) {  // as the list `all` has the test photos without a landmark
    pool.push_back(set.samples.size());
    set.samples.push_back({"none", "none.jpg"});
  }
  const Sampler among(of_type("continent"), set, pool, 10, 1);
  EXPECT_EQ(among.count(), 60U);
  EXPECT_EQ(among.batches(0), alone.batches(0));
}

TEST(Sampler, slices_of_a_batch_hold_whole_landmarks) {
  const TrainingSet set = set_of({9, 9, 9, 9, 9, 9, 9, 9});
  for (const char* type : {"identity", "image"}) {
    const Sampler sampler(of_type(type), set, set.train, 16, 1);
    for (const auto& batch : sampler.batches(0)) {
      for (size_t i = 0; i < batch.size(); i += 8) {
        const std::vector<size_t> half(batch.begin() + static_cast<long>(i),
                                       batch.begin() + static_cast<long>(i) + 8);
        for (const auto& [landmark, count] : counts_of(half, set)) EXPECT_EQ(count % 4, 0);
      }
    }
  }
}

TEST(Sampler, impossible_options_are_errors) {
  TrainingSet set = set_of({9, 9});
  EXPECT_THROW(Sampler(of_type("identity"), set, set.train, 30, 1), Error);
  EXPECT_THROW(Sampler(of_type("continent"), set, set.train, 8, 1), Error);
  for (Sample& sample : set.samples) sample.landmark = -1;
  EXPECT_THROW(Sampler(of_type("image"), set, set.train, 8, 1), Error);
}

}  // namespace
}  // namespace cairn::data
