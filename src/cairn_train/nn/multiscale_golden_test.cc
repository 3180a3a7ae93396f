// The whole extraction against the reference: export, embed at three scales, photos included.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cairn/embed/embedder.h"
#include "cairn_train/nn/arch.h"
#include "cairn_train/nn/testing/golden_net.h"

namespace cairn::nn {
namespace {

using cairn::testing::golden_case;
using cairn::testing::golden_u;
using cairn::testing::GoldenCase;
using testing::fill_with_golden;
using testing::golden_tensor;

constexpr int kSide = 128;

void write_network(const std::filesystem::path& path) {
  const Arch arch = make_arch("models/wz_resnet50");
  fill_with_golden(*arch.net, golden_case("models/wz_resnet50").spec["parameters"]);
  arch.net->eval();
  // What the reference trains and extracts with, in 0-255 pixel units.
  export_onnx(arch, path,
              {{"cairn.input_size", std::to_string(kSide)},
               {"cairn.mean", "123.675,116.28,103.53"},
               {"cairn.std", "57"}});
}

image::Image noise() {
  image::Image photo{kSide, kSide, std::vector<uint8_t>(size_t{kSide} * kSide * 3)};
  for (size_t i = 0; i < photo.pixels.size(); ++i)
    photo.pixels[i] =
        static_cast<uint8_t>(std::min(255.0, std::floor((golden_u("image.noise", i) + 1) * 128)));
  return photo;
}

image::Image smooth(int width, int height) {
  image::Image photo{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        photo.pixels.push_back(
            static_cast<uint8_t>(((3 * y + 5 * x + 40 * c) ^ ((x * y) >> 4)) & 255));
  return photo;
}

// Row i of a golden matrix against an embedding.
void expect_row(const std::vector<float>& embedding, const NpyArray<float>& golden, size_t i,
                double tolerance) {
  ASSERT_EQ(embedding.size(), static_cast<size_t>(golden.shape.back()));
  double worst = 0;
  for (size_t k = 0; k < embedding.size(); ++k)
    worst =
        std::max<double>(worst, std::abs(embedding[k] - golden.values[i * embedding.size() + k]));
  EXPECT_LE(worst, tolerance) << "row " << i;
}

std::vector<float> unit(std::vector<float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  for (float& value : values) value = static_cast<float>(value / std::sqrt(squares));
  return values;
}

class MultiScale : public ::testing::Test {
 protected:
  void SetUp() override {
    CAIRN_REQUIRE_SHARED("golden");
    golden_ = golden_case("models/wz_multiscale_resnet50");
    write_network(folder_ / "model.onnx");
    const auto model = engine::Model::load(folder_ / "model.onnx");
    embed::EmbedderOptions options;
    single_ = std::make_unique<embed::Embedder>(model, options);
    options.scales = golden_.spec["parameters"]["scales"].get<std::vector<double>>();
    multi_ = std::make_unique<embed::Embedder>(model, options);
  }

  cairn::testing::TempDir folder_;
  GoldenCase golden_;
  std::unique_ptr<embed::Embedder> single_;
  std::unique_ptr<embed::Embedder> multi_;
};

TEST_F(MultiScale, models_wz_multiscale_resnet50_from_a_normalised_tensor) {
  EXPECT_EQ(multi_->sides(), golden_.spec["parameters"]["scaled_sizes"].get<std::vector<int>>());
  const double tolerance = golden_.spec["tolerance"]["max"];
  const torch::Tensor input = golden_tensor("input", {2, 3, kSide, kSide});
  embed::Embedder::Worker multi(*multi_);
  embed::Embedder::Worker single(*single_);
  const size_t values = size_t{3} * kSide * kSide;
  for (size_t i = 0; i < 2; ++i) {
    const auto one = engine::Tensor::from_f32({1, 3, kSide, kSide},
                                              {input.data_ptr<float>() + i * values, values});
    expect_row(unit(multi.embed_raw(one)), golden_.f32("multi_scale.npy"), i, tolerance);
    expect_row(unit(single.embed_raw(one)), golden_.f32("single_scale.npy"), i, tolerance);
  }
}

TEST_F(MultiScale, models_wz_multiscale_resnet50_from_photos) {
  constexpr double kTolerance = 2e-5;  // of case.json where the resized pixels are identical
  const std::vector<image::Image> photos = {noise(), smooth(200, 150), smooth(64, 97)};
  const NpyArray<int64_t> resized = golden_.i64("images_resized_rgb.npy");
  std::vector<int64_t> own;
  for (size_t i = 1; i < photos.size(); ++i) {
    const image::Image square = image::resize_bilinear(photos[i], kSide, kSide);
    for (size_t y = 0; y < kSide; y += 4)
      for (size_t x = 0; x < kSide; x += 4)
        for (size_t c = 0; c < 3; ++c) own.push_back(square.pixels[(y * kSide + x) * 3 + c]);
  }
  EXPECT_EQ(own, resized.values);
  embed::Embedder::Worker multi(*multi_);
  embed::Embedder::Worker single(*single_);
  for (size_t i = 0; i < photos.size(); ++i) {
    expect_row(multi.embed(photos[i]), golden_.f32("images_multi_scale.npy"), i, kTolerance);
    expect_row(single.embed(photos[i]), golden_.f32("images_single_scale.npy"), i, kTolerance);
  }
}

}  // namespace
}  // namespace cairn::nn
