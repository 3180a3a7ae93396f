// The networks of shared/models in 8 bits, on real photos, also in ONNX Runtime. (GAP and mAP of
// MobileNetV2 in 8 bits: tests/main_job_real_test.cc.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/dataset/photos.h"
#include "cairn/detect/detector.h"
#include "cairn/quantize/quantize.h"

namespace cairn::quantize {
namespace {

using engine::Executor;
using engine::Model;
using engine::Tensor;
using testing::shared_dir;

struct Network {
  const char* file;
  const char* output;
  int size;
  float mean;
  float std;
  size_t calibration_photos;
  size_t test_photos;
};

constexpr Network kMobileNet{
    "mobilenet_v2_imagenet.onnx", "embedding", 224, 127.5F, 127.5F, 50, 20};
constexpr Network kYolo{"yolov5n.onnx", "output0", 640, 0, 255, 10, 4};

fs::path photos(const char* part) { return shared_dir() / "data" / "landmarks" / part; }

QuantizeReport quantise(const Network& network, const fs::path& out, bool depthwise) {
  QuantizeOptions options;
  options.embedder.size = network.size;
  options.embedder.mean = {network.mean};
  options.embedder.std = {network.std};
  options.embedder.output = network.output;
  options.depthwise = depthwise;
  options.sampling.photos = network.calibration_photos;
  return quantize_model(shared_dir() / "models" / network.file,
                        dataset::find_photos(photos("train")), out, options);
}

// Test photos as the network reads them.
std::vector<Tensor> inputs_of(const Network& network) {
  const image::Normalisation normalisation{{network.mean, network.mean, network.mean},
                                           {network.std, network.std, network.std}};
  std::vector<Tensor> inputs;
  for (const dataset::Photo& photo : dataset::find_photos(photos("test"))) {
    if (inputs.size() == network.test_photos) break;
    const image::Image square =
        image::resize_bilinear(image::read_image(photo.path).value(), network.size, network.size);
    inputs.emplace_back(engine::DType::kF32, engine::Shape{1, 3, network.size, network.size});
    image::to_chw(square, normalisation, inputs.back().data<float>());
  }
  return inputs;
}

using Rows = std::vector<std::vector<float>>;

Rows run(const fs::path& file, const Network& network, const std::vector<Tensor>& inputs) {
  const auto model = Model::load(file);
  Executor executor(model);
  Rows rows;
  for (const Tensor& input : inputs) {
    const auto outputs = executor.run({{model->inputs()[0].name, input}}, {network.output});
    const auto values = outputs.at(network.output).values<float>();
    rows.emplace_back(values.begin(), values.end());
  }
  return rows;
}

Rows run_in_onnx_runtime(const fs::path& file, const Network& network,
                         const std::vector<Tensor>& inputs) {
  const testing::TempDir dir;
  std::string bytes;
  for (const Tensor& input : inputs) bytes.append(input.data<char>(), input.bytes());
  write_text_atomically(dir / "in.f32", bytes);
  const std::string command =
      "cd '" CAIRN_PEERS_DIR "' && node '" CAIRN_SOURCE_DIR "/bench/peers/ort_run.js' '" +
      file.string() + "' " + network.output + " " + std::to_string(network.size) + " '" +
      (dir / "in.f32").string() + "' '" + (dir / "out.f32").string() + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  const std::vector<uint8_t> out = read_file(dir / "out.f32");
  const size_t each = out.size() / sizeof(float) / inputs.size();
  Rows rows;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto* first = reinterpret_cast<const float*>(out.data()) + i * each;
    rows.emplace_back(first, first + each);
  }
  return rows;
}

double mean_cosine(const Rows& a, const Rows& b) {
  double sum = 0;
  for (size_t r = 0; r < a.size(); ++r) {
    EXPECT_EQ(a[r].size(), b[r].size());
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < a[r].size(); ++i) {
      ab += static_cast<double>(a[r][i]) * b[r][i];
      aa += static_cast<double>(a[r][i]) * a[r][i];
      bb += static_cast<double>(b[r][i]) * b[r][i];
    }
    sum += ab / std::sqrt(aa * bb);
  }
  return sum / static_cast<double>(a.size());
}

void expect_good(const Network& network, bool depthwise, size_t int8, double least_cosine) {
  const testing::TempDir dir;
  const fs::path file = dir / "int8.onnx";
  const QuantizeReport report = quantise(network, file, depthwise);
  EXPECT_EQ(report.count_int8(), int8);
  const std::vector<Tensor> inputs = inputs_of(network);
  const Rows expected = run(shared_dir() / "models" / network.file, network, inputs);
  const Rows ours = run(file, network, inputs);
  const double to_f32 = mean_cosine(ours, expected);
  std::printf("%s%s: mean cosine to f32 %.5f\n", network.file, depthwise ? ", depthwise too" : "",
              to_f32);
  EXPECT_GE(to_f32, least_cosine);
  if (!fs::exists(CAIRN_PEERS_DIR "/node_modules/onnxruntime-node"))
    GTEST_SKIP() << "ONNX Runtime is not in build/peers (make bench puts it there): not compared";
  const Rows theirs = run_in_onnx_runtime(file, network, inputs);
  const double to_theirs = mean_cosine(ours, theirs);
  std::printf("  to ONNX Runtime on the same file %.6f (ONNX Runtime to f32 %.5f)\n", to_theirs,
              mean_cosine(theirs, expected));
  // A rounding that goes the other way is a step of a grid further on: each of the two is as far
  // from the operators one by one.
  EXPECT_GE(to_theirs, 0.998);
}

TEST(quantize_real, mobilenet_in_8_bits_is_the_same_in_onnx_runtime) {
  CAIRN_REQUIRE_SHARED("models");
  CAIRN_REQUIRE_SHARED("data/landmarks");
  expect_good(kMobileNet, false, 35, 0.99);
}

TEST(quantize_real, mobilenet_with_depthwise_convolutions_in_8_bits_too) {
  CAIRN_REQUIRE_SHARED("models");
  CAIRN_REQUIRE_SHARED("data/landmarks");
  expect_good(kMobileNet, true, 52, 0.99);
}

TEST(quantize_real, a_detector_in_8_bits_keeps_its_numbers) {
  CAIRN_REQUIRE_SHARED("models");
  CAIRN_REQUIRE_SHARED("data/landmarks");
  expect_good(kYolo, false, 60, 0.999);
}

double overlap(const detect::Detection& a, const detect::Detection& b) {
  const auto area = [](float x1, float y1, float x2, float y2) {
    return std::max(x2 - x1, 0.F) * std::max(y2 - y1, 0.F);
  };
  const double both =
      area(std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2));
  return both / (area(a.x1, a.y1, a.x2, a.y2) + area(b.x1, b.y1, b.x2, b.y2) - both);
}

TEST(quantize_real, a_detector_in_8_bits_finds_the_same_objects) {
  CAIRN_REQUIRE_SHARED("models");
  CAIRN_REQUIRE_SHARED("data/landmarks");
  const testing::TempDir dir;
  quantise(kYolo, dir / "int8.onnx", false);
  const detect::Detector before(Model::load(shared_dir() / "models" / kYolo.file), {});
  const detect::Detector after(Model::load(dir / "int8.onnx"), {});
  detect::Detector::Worker find_before(before);
  detect::Detector::Worker find_after(after);
  size_t sure = 0;
  size_t kept = 0;
  for (const char* name :
       {"7/5/c/75ccc65cbb785f8e.jpg", "b/4/a/b4aee4b3f9d9b994.jpg", "a/7/d/a7dc80b54fc20208.jpg"}) {
    const fs::path file = photos("test") / name;
    const image::Image photo = image::read_image(file).value_or_throw(file.string());
    const std::vector<detect::Detection> found = find_after.detect(photo);
    for (const detect::Detection& object : find_before.detect(photo)) {
      if (object.confidence < 0.5F) continue;
      ++sure;
      kept += std::any_of(found.begin(), found.end(), [&](const detect::Detection& other) {
        return other.class_id == object.class_id && overlap(other, object) > 0.8;
      });
    }
  }
  std::printf("%zu of %zu objects\n", kept, sure);
  EXPECT_GT(sure, 3U);
  EXPECT_EQ(kept, sure);
}

}  // namespace
}  // namespace cairn::quantize
