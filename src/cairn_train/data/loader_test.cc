#include "cairn_train/data/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::data {
namespace {

constexpr int kSize = 12;

// Photos of random blocks, and one file that is no photo.
class LoaderTest : public ::testing::Test {
 protected:
  LoaderTest() {
    for (size_t i = 0; i < 11; ++i) {
      image::Image photo{40, 30, std::vector<uint8_t>(40 * 30 * 3)};
      Rng random(i);
      for (size_t p = 0; p < photo.pixels.size(); ++p)
        photo.pixels[p] =
            static_cast<uint8_t>(p % 30 == 0 ? random.next() : photo.pixels[p - p % 30]);
      paths_.push_back(folder_ / (std::to_string(i) + ".jpg"));
      write_file_atomically(paths_.back(), image::encode_jpeg(photo, 90));
    }
    write_text_atomically(paths_[kBroken], "no photo");
  }

  std::vector<Batch> epoch(int threads, uint64_t number, uint64_t budget, size_t first = 0,
                           int part = 0, int parts = 1) {
    PhotoStore store(paths_, 64, budget);
    LoaderOptions options;
    options.threads = threads;
    options.part = part;
    options.parts = parts;
    options.view = view_;
    options.view->size = kSize;
    options.mix = mix_;
    std::vector<size_t> photos;
    for (size_t i = 0; i < paths_.size(); ++i) photos.push_back(i);
    Loader loader(store, options, epoch_batches(photos, 4, 7, number), number, first);
    std::vector<Batch> batches;
    Batch batch;
    while (loader.next(batch)) batches.push_back(batch);
    return batches;
  }

  static void expect_same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].photos, b[i].photos);
      EXPECT_EQ(a[i].pixels, b[i].pixels);
    }
  }

  static constexpr size_t kBroken = 3;
  testing::TempDir folder_;
  std::vector<std::filesystem::path> paths_;
  ViewOptions view_;
  MixOptions mix_;
};

TEST_F(LoaderTest, any_number_of_threads_and_any_cache_give_the_same_batches) {
  const std::vector<Batch> one = epoch(1, 0, 1 << 30);
  ASSERT_EQ(one.size(), 2U);
  EXPECT_EQ(one[0].pixels.size(), 4U * 3 * kSize * kSize);
  expect_same(one, epoch(3, 0, 1 << 30));
  expect_same(one, epoch(2, 0, 0));
}

TEST_F(LoaderTest, mixed_batches_with_all_transforms_are_the_same_whatever_the_threads) {
  view_.crop = Crop::kWindow;
  view_.resize = 17;
  view_.dropout = true;
  mix_.kinds = {Mix::kFMix, Mix::kCutMix, Mix::kMixUp};
  mix_.chance = 1.0 / 3;
  for (uint64_t number = 0; number < 4; ++number) {
    const std::vector<Batch> one = epoch(1, number, 1 << 30);
    const std::vector<Batch> three = epoch(3, number, 1 << 30);
    expect_same(one, three);
    for (size_t i = 0; i < one.size(); ++i) {
      ASSERT_TRUE(one[i].mixed && three[i].mixed);
      EXPECT_EQ(one[i].mixed->lambda, three[i].mixed->lambda);
      EXPECT_EQ(one[i].mixed->partner, three[i].mixed->partner);
    }
  }
}

TEST_F(LoaderTest, the_parts_of_several_processes_are_the_batches_of_one) {
  mix_.kinds = {Mix::kFMix, Mix::kCutMix, Mix::kMixUp};
  mix_.chance = 0.2;
  for (uint64_t number = 0; number < 6; ++number) {
    const std::vector<Batch> whole = epoch(1, number, 1 << 30);
    std::vector<Batch> joined(whole.size());
    for (int part = 0; part < 3; ++part) {
      const std::vector<Batch> own = epoch(1, number, 1 << 30, 0, part, 3);
      ASSERT_EQ(own.size(), whole.size());
      for (size_t i = 0; i < own.size(); ++i) {
        EXPECT_EQ(own[i].photos.size(), part == 2 ? 2U : 1U);
        EXPECT_EQ(own[i].mixed.has_value(), whole[i].mixed.has_value());
        auto& [photos, pixels, size, mixed] = joined[i];
        photos.insert(photos.end(), own[i].photos.begin(), own[i].photos.end());
        pixels.insert(pixels.end(), own[i].pixels.begin(), own[i].pixels.end());
      }
    }
    expect_same(joined, whole);
  }
}

TEST_F(LoaderTest, epochs_differ_in_order_and_views) {
  const std::vector<Batch> first = epoch(1, 0, 1 << 30);
  const std::vector<Batch> second = epoch(1, 1, 1 << 30);
  EXPECT_NE(first[0].photos, second[0].photos);
  EXPECT_NE(first[0].pixels, second[0].pixels);
}

TEST_F(LoaderTest, an_epoch_continued_in_the_middle_gives_the_remaining_batches) {
  const std::vector<Batch> whole = epoch(2, 0, 1 << 30);
  const std::vector<Batch> rest = epoch(2, 0, 1 << 30, 1);
  expect_same({whole.begin() + 1, whole.end()}, rest);
}

TEST_F(LoaderTest, broken_photos_are_replaced_in_training_and_left_out_of_plain_views) {
  for (uint64_t number = 0; number < 4; ++number)
    for (const Batch& batch : epoch(2, number, 1 << 30))
      for (const size_t photo : batch.photos) EXPECT_NE(photo, kBroken);

  PhotoStore store(paths_, 64, 1 << 30);
  LoaderOptions options;
  options.size = kSize;
  Loader loader(store, options, ordered_batches({2, kBroken, 4}, 8));
  Batch batch;
  ASSERT_TRUE(loader.next(batch));
  EXPECT_EQ(batch.photos, (std::vector<size_t>{2, 4}));
  EXPECT_FALSE(loader.next(batch));
  ASSERT_EQ(store.broken().size(), 1U);
  EXPECT_EQ(store.broken()[0].photo, kBroken);
}

TEST_F(LoaderTest, only_broken_photos_end_in_an_error) {
  PhotoStore store({paths_[kBroken]}, 64, 1 << 30);
  LoaderOptions options;
  options.view = ViewOptions{};
  Loader loader(store, options, {{0}});
  Batch batch;
  EXPECT_THROW(loader.next(batch), Error);
}

TEST_F(LoaderTest, a_store_that_decodes_at_a_reduced_size_gives_nearly_the_same_photos) {
  image::Image large{160, 120, std::vector<uint8_t>(160 * 120 * 3)};
  for (size_t p = 0; p < large.pixels.size(); ++p)
    large.pixels[p] = static_cast<uint8_t>((p / 3 % 160 + p / 480) / 2);
  const std::filesystem::path file = folder_ / "large.jpg";
  write_file_atomically(file, image::encode_jpeg(large, 95));
  PhotoStore whole({file}, 50, 0);
  PhotoStore reduced({file}, 50, 0, Decoding::kReduced);
  const auto expected = whole.get(0);
  const auto photo = reduced.get(0);
  ASSERT_TRUE(expected && photo);
  EXPECT_EQ(photo.value()->height, 50);
  ASSERT_EQ(photo.value()->width, expected.value()->width);
  int different = 0;
  for (size_t p = 0; p < photo.value()->pixels.size(); ++p) {
    const int change = photo.value()->pixels[p] - expected.value()->pixels[p];
    EXPECT_LE(std::abs(change), 12) << p;
    different += change != 0;
  }
  EXPECT_GT(different, 0);
}

TEST(epoch_batches, are_whole_and_without_repetition) {
  std::vector<size_t> photos;
  for (size_t i = 0; i < 23; ++i) photos.push_back(100 + i);
  std::set<size_t> seen;
  const auto batches = epoch_batches(photos, 5, 1, 0);
  ASSERT_EQ(batches.size(), 4U);
  for (const auto& batch : batches) {
    EXPECT_EQ(batch.size(), 5U);
    for (const size_t photo : batch) EXPECT_TRUE(seen.insert(photo).second);
  }
  EXPECT_EQ(epoch_batches({1, 2, 3}, 5, 1, 0).size(), 1U);
  EXPECT_EQ(batches, epoch_batches(photos, 5, 1, 0));
  EXPECT_NE(batches, epoch_batches(photos, 5, 2, 0));
}

TEST(random_view, without_any_change_is_the_plain_view) {
  image::Image photo{20, 20, std::vector<uint8_t>(20 * 20 * 3)};
  for (size_t i = 0; i < photo.pixels.size(); ++i)
    photo.pixels[i] = static_cast<uint8_t>(i * 7 % 251);
  ViewOptions options;
  options.size = 16;
  AugmentOptions& augment = options.augment;
  augment.scale = augment.ratio = {1, 1};
  augment.flip = augment.brightness = augment.contrast = augment.saturation = 0;
  const image::Normalisation normalisation{{127.5F, 127.5F, 127.5F}, {127.5F, 127.5F, 127.5F}};
  std::vector<float> random_pixels(3 * 16 * 16);
  std::vector<float> plain_pixels(3 * 16 * 16);
  Rng random(1);
  random_view(photo, options, normalisation, random, random_pixels.data());
  plain_view(photo, 16, normalisation, plain_pixels.data());
  for (size_t i = 0; i < plain_pixels.size(); ++i)
    EXPECT_NEAR(random_pixels[i], plain_pixels[i], 1e-5);

  augment.flip = 1;
  random_view(photo, options, normalisation, random, random_pixels.data());
  EXPECT_NEAR(random_pixels[0], plain_pixels[15], 1e-5);
}

// What recipes without stages have been trained with: a change here changes every such run.
TEST(random_view, of_the_default_options_stays_what_it_was) {
  image::Image photo{60, 45, std::vector<uint8_t>(60 * 45 * 3)};
  for (int i = 0; i < 60 * 45 * 3; ++i)
    photo.pixels[i] =
        static_cast<uint8_t>(4 * (i / 3 % 60) + (i % 3 - 1) * (i / 180) + 30 * (i % 3));
  const image::Normalisation normalisation{{127.5F, 127.5F, 127.5F}, {127.5F, 127.5F, 127.5F}};
  ViewOptions options;
  options.size = 16;
  std::vector<float> pixels(3 * 16 * 16);
  const std::vector<std::array<float, 4>> expected = {
      {-0.453884F, -0.449282F, 0.295559F, -0.237186F},
      {0.163217F, -0.196755F, 0.176011F, -0.139375F},
      {0.154585F, -0.148942F, 0.109323F, -0.210862F},
      {0.570550F, 0.069840F, 0.540284F, 0.111141F}};
  for (uint64_t place = 0; place < expected.size(); ++place) {
    Rng random = Rng::for_stream(1, 1, place);
    random_view(photo, options, normalisation, random, pixels.data());
    EXPECT_NEAR(pixels[0], expected[place][0], 1e-5) << place;
    EXPECT_NEAR(pixels[15 * 16 + 3], expected[place][1], 1e-5) << place;
    EXPECT_NEAR(pixels[256 + 100], expected[place][2], 1e-5) << place;
    EXPECT_NEAR(pixels[767], expected[place][3], 1e-5) << place;
  }
}

TEST(random_view, cuts_windows_out_of_the_squeezed_photo_and_drops_one_square) {
  image::Image photo{20, 20, std::vector<uint8_t>(20 * 20 * 3, 200)};
  ViewOptions options;
  options.size = 12;
  options.crop = Crop::kWindow;
  options.resize = 20;  // the photo's own size: a window holds its pixels
  options.flip = options.colour = false;
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 20; ++x) photo.pixels[(y * 20 + x) * 3] = static_cast<uint8_t>(y * 10);
  const image::Normalisation plain{{0, 0, 0}, {1, 1, 1}};
  std::vector<float> out(3 * 12 * 12);
  Rng random(2);
  random_view(photo, options, plain, random, out.data());
  for (int y = 1; y < 12; ++y) EXPECT_EQ(out[y * 12] - out[(y - 1) * 12], 10);
  EXPECT_EQ(out[144], 200);

  options.dropout = true;
  options.augment.dropout = 1;
  options.augment.dropout_side = {0.5, 0.5};
  random_view(photo, options, plain, random, out.data());
  EXPECT_EQ(std::count(out.begin() + 144, out.begin() + 288, 0.0F), 36);
}

}  // namespace
}  // namespace cairn::data
