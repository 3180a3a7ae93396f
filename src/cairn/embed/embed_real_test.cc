// Real photos and real weights: what ONNX Runtime gives for them lies in shared/models/expected.
#include <gtest/gtest.h>

#include <cmath>

#include "cairn/base/testing/testing.h"
#include "cairn/dataset/photos.h"
#include "cairn/embed/pipeline.h"

namespace cairn::embed {
namespace {

using cairn::testing::shared_dir;
using cairn::testing::TempDir;

double cosine(const float* a, const std::vector<float>& b) {
  double product = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    squares_a += static_cast<double>(a[i]) * a[i];
    squares_b += static_cast<double>(b[i]) * b[i];
  }
  return product / std::sqrt(squares_a * squares_b);
}

TEST(EmbedReal, mobilenet_embeddings_are_those_of_onnx_runtime) {
  CAIRN_REQUIRE_SHARED("models/expected");
  CAIRN_REQUIRE_SHARED("data/landmarks/test");
  EmbedderOptions options;
  options.mean = {127.5f};
  options.std = {127.5f};
  options.output = "embedding";
  const Embedder embedder(engine::Model::load(shared_dir() / "models/mobilenet_v2_imagenet.onnx"),
                          options);
  EXPECT_EQ(embedder.size(), 224);

  std::vector<dataset::Photo> photos;
  for (const dataset::Photo& photo : dataset::find_photos(shared_dir() / "data/landmarks/test")) {
    const auto expected = shared_dir() / "models/expected" / (photo.id + ".embedding.npy");
    if (std::filesystem::exists(expected)) photos.push_back(photo);
  }
  ASSERT_EQ(photos.size(), 3u);
  const TempDir folder;
  EmbedRun run;
  run.out = folder / "out";
  embed_photos(photos, embedder, run);
  const EmbeddingSet set = load_embeddings(run.out);
  ASSERT_EQ(set.size(), 3u);
  for (size_t i = 0; i < set.size(); ++i) {
    const auto expected =
        read_npy_f32(shared_dir() / "models/expected" / (set.ids[i] + ".embedding.npy"));
    ASSERT_EQ(expected.values.size(), set.dim);
    const double similarity = cosine(set.row(i), expected.values);
    EXPECT_GE(similarity, 0.9997) << set.ids[i];
    RecordProperty("cosine_" + set.ids[i], std::to_string(similarity));
  }
}

}  // namespace
}  // namespace cairn::embed
