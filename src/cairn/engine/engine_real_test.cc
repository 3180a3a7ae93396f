// Real networks with real weights on real photos.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/engine/testing/onnx_builder.h"
#include "cairn/image/image.h"

namespace cairn::engine {
namespace {

using cairn::testing::shared_dir;
using testing::drawn;
using testing::relative_error;

const char* const kPhotos[] = {"75ccc65cbb785f8e", "a7dc80b54fc20208", "b4aee4b3f9d9b994"};

fs::path model_path(const std::string& name) { return shared_dir() / "models" / name; }

image::Image photo(const std::string& id) {
  const std::string folders = {id[0], '/', id[1], '/', id[2], '/'};
  return image::read_image(shared_dir() / "data/landmarks/test" / (folders + id + ".jpg"))
      .value_or_throw(id);
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

TEST(real_models, mobilenet_embeddings_equal_the_expected_ones) {
  CAIRN_REQUIRE_SHARED("models/mobilenet_v2_imagenet.onnx");
  CAIRN_REQUIRE_SHARED("data/landmarks");
  Executor executor(Model::load(model_path("mobilenet_v2_imagenet.onnx")));
  for (const char* id : kPhotos) {
    const image::Image small = image::resize_bilinear(photo(id), 224, 224);
    Tensor input(DType::kF32, {1, 3, 224, 224});
    image::to_chw(small, {{127.5, 127.5, 127.5}, {127.5, 127.5, 127.5}}, input.data<float>());
    const Tensor embedding = executor.run({{"input", input}}, {"embedding"}).at("embedding");
    const auto expected =
        read_npy_f32(shared_dir() / "models/expected" / (std::string(id) + ".embedding.npy"));
    ASSERT_EQ(embedding.count(), expected.values.size());
    EXPECT_GE(cosine(embedding.values<float>(), expected.values), 0.9997) << id;
  }
}

// The model with other input sizes than the file declares.
std::shared_ptr<const Model> with_dynamic_size(const fs::path& path, bool optimise) {
  const std::vector<uint8_t> bytes = read_file(path);
  onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  auto* shape = proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
  for (const int axis : {0, 2, 3}) shape->mutable_shape()->mutable_dim(axis)->set_dim_param("n");
  const std::string text = proto.SerializeAsString();
  return Model::parse({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, path.string(),
                      {.optimise = optimise});
}

void expect_same_for_sizes(const fs::path& path, const std::vector<Shape>& shapes) {
  Executor reference(with_dynamic_size(path, false));
  Executor executor(with_dynamic_size(path, true));
  const std::string input = reference.model().inputs()[0].name;
  for (const Shape& shape : shapes) {
    const TensorMap inputs = {{input, drawn("photo", shape)}};
    const TensorMap expected = reference.run(inputs);
    const TensorMap outputs = executor.run(inputs);
    for (const auto& [name, tensor] : expected)
      EXPECT_LE(relative_error(outputs.at(name), tensor), 1e-4) << name << " " << to_string(shape);
  }
}

TEST(real_models, optimised_mobilenet_equals_the_reference_for_any_size) {
  CAIRN_REQUIRE_SHARED("models/mobilenet_v2_imagenet.onnx");
  expect_same_for_sizes(model_path("mobilenet_v2_imagenet.onnx"),
                        {{1, 3, 224, 224}, {2, 3, 97, 131}, {3, 3, 33, 64}});
}

TEST(real_models, mobilenet_runs_in_blocked_layouts_with_everything_fused) {
  CAIRN_REQUIRE_SHARED("models/mobilenet_v2_imagenet.onnx");
  Executor executor(Model::load(model_path("mobilenet_v2_imagenet.onnx")));
  const auto plan =
      executor.summarise({{"input", drawn("photo", {1, 3, 224, 224})}}, {"embedding"});
  EXPECT_EQ(plan.reorders, 0u);
  EXPECT_EQ(plan.labels.at("Conv"), 52);
  EXPECT_EQ(plan.steps, 53u);  // and the pool
}

}  // namespace
}  // namespace cairn::engine
