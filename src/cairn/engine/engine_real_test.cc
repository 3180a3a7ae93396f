// Real networks with real weights on real photos.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

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
  const int pairs = plan.labels.at("Conv+Conv");  // two convolutions each
  EXPECT_GE(pairs, 1);
  EXPECT_EQ(plan.labels.at("Conv") + 2 * pairs, 52);
  EXPECT_EQ(plan.labels.size(), 3u);  // nothing else but the pool
}

// --- YOLOv5 ---

constexpr int kYoloSize = 640;

struct Letterbox {
  Tensor input{DType::kF32, {1, 3, kYoloSize, kYoloSize}};
  double scale = 1;
  int left = 0;
  int top = 0;
};

// YOLOv5's letterbox: enlarged or shrunk to fit, centred on grey 114.
Letterbox letterbox(const image::Image& photo) {
  Letterbox box;
  box.scale = std::min(double{kYoloSize} / photo.width, double{kYoloSize} / photo.height);
  const int width = static_cast<int>(std::lround(photo.width * box.scale));
  const int height = static_cast<int>(std::lround(photo.height * box.scale));
  box.left = (kYoloSize - width) / 2;
  box.top = (kYoloSize - height) / 2;
  image::Image square{kYoloSize, kYoloSize,
                      std::vector<uint8_t>(size_t{kYoloSize} * kYoloSize * 3, 114)};
  const image::Image fitted = image::resize_bilinear(photo, width, height);
  for (int y = 0; y < height; ++y)
    std::copy_n(
        fitted.pixels.begin() + static_cast<ptrdiff_t>(y) * width * 3, width * 3,
        square.pixels.begin() + (static_cast<ptrdiff_t>(y + box.top) * kYoloSize + box.left) * 3);
  image::to_chw(square, {{0, 0, 0}, {255, 255, 255}}, box.input.data<float>());
  return box;
}

struct Detection {
  int64_t class_id = 0;
  double confidence = 0;
  std::array<double, 4> xyxy{};  // in pixels of the photo
};

double overlap(const Detection& a, const Detection& b) {
  const double width = std::min(a.xyxy[2], b.xyxy[2]) - std::max(a.xyxy[0], b.xyxy[0]);
  const double height = std::min(a.xyxy[3], b.xyxy[3]) - std::max(a.xyxy[1], b.xyxy[1]);
  if (width <= 0 || height <= 0) return 0;
  const auto area = [](const Detection& d) {
    return (d.xyxy[2] - d.xyxy[0]) * (d.xyxy[3] - d.xyxy[1]);
  };
  return width * height / (area(a) + area(b) - width * height);
}

// Confidence above 0.25, best class per box, greedy non-maximum suppression at IoU 0.45.
std::vector<Detection> detections(const Tensor& output, const Letterbox& box,
                                  const image::Image& photo) {
  constexpr double kThreshold = 0.25;
  constexpr double kMaxOverlap = 0.45;
  std::vector<Detection> found;
  for (int64_t row = 0; row < output.dim(1); ++row) {
    const float* values = output.data<float>() + row * output.dim(2);
    const float* best = std::max_element(values + 5, values + output.dim(2));
    const double confidence = double{values[4]} * *best;
    if (values[4] <= kThreshold || confidence <= kThreshold) continue;
    const auto x = [&](double at) {
      return std::clamp((at - box.left) / box.scale, 0., 1. * photo.width);
    };
    const auto y = [&](double at) {
      return std::clamp((at - box.top) / box.scale, 0., 1. * photo.height);
    };
    found.push_back({best - values - 5,
                     confidence,
                     {x(values[0] - values[2] / 2), y(values[1] - values[3] / 2),
                      x(values[0] + values[2] / 2), y(values[1] + values[3] / 2)}});
  }
  std::sort(found.begin(), found.end(),
            [](const Detection& a, const Detection& b) { return a.confidence > b.confidence; });
  std::vector<Detection> kept;
  for (const Detection& candidate : found)
    if (std::none_of(kept.begin(), kept.end(), [&](const Detection& other) {
          return other.class_id == candidate.class_id && overlap(other, candidate) > kMaxOverlap;
        }))
      kept.push_back(candidate);
  return kept;
}

TEST(real_models, yolov5n_finds_the_expected_objects) {
  CAIRN_REQUIRE_SHARED("models/yolov5n.onnx");
  CAIRN_REQUIRE_SHARED("data/landmarks");
  Executor executor(Model::load(model_path("yolov5n.onnx")));
  for (const char* id : kPhotos) {
    const image::Image picture = photo(id);
    const Letterbox box = letterbox(picture);
    const auto found =
        detections(executor.run({{"images", box.input}}).at("output0"), box, picture);
    const auto expected = nlohmann::json::parse(read_text(
        shared_dir() / "models/expected" / (std::string(id) + ".detections.json")))["detections"];
    ASSERT_EQ(found.size(), expected.size()) << id;
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].class_id, expected[i]["class_id"].get<int64_t>()) << id;
      EXPECT_NEAR(found[i].confidence, expected[i]["conf"].get<double>(), 0.005) << id;
      for (size_t k = 0; k < 4; ++k)
        EXPECT_NEAR(found[i].xyxy[k], expected[i]["xyxy"][k].get<double>(), 0.5) << id;
    }
  }
}

TEST(real_models, optimised_yolov5n_equals_the_reference) {
  CAIRN_REQUIRE_SHARED("models/yolov5n.onnx");
  const TensorMap inputs = {{"images", drawn("photo", {1, 3, kYoloSize, kYoloSize})}};
  Executor executor(Model::load(model_path("yolov5n.onnx")));
  const Tensor outputs = executor.run(inputs).at("output0");
  EXPECT_EQ(executor.summarise(inputs).reorders, 3u);  // before the three detection heads
  Executor reference(Model::load(model_path("yolov5n.onnx"), {.optimise = false}));
  EXPECT_LE(relative_error(outputs, reference.run(inputs).at("output0")), 1e-4);
}

}  // namespace
}  // namespace cairn::engine
