// YOLOv5n and YOLOv5s, built layer by layer with the golden numbers and run through the engine.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "cairn/base/testing/testing.h"
#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::detect {
namespace {

using cairn::testing::golden_case;
using cairn::testing::golden_u;
using cairn::testing::GoldenCase;
using engine::Shape;
using engine::Tensor;

constexpr int kAnswers = 85;  // of an anchor: box, objectness, 80 classes

std::vector<float> golden_values(const std::string& key, const Shape& shape, double factor) {
  size_t count = 1;
  double fan_in = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    count *= static_cast<size_t>(shape[d]);
    if (d > 0) fan_in *= static_cast<double>(shape[d]);
  }
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    const double u = golden_u(key, i);
    double value = 0.1 * u;
    if (key.ends_with("running_var")) {
      value = 1 + 0.5 * std::abs(u);
    } else if (shape.size() >= 2) {
      value = u * (std::sqrt(3 / fan_in) * factor);
    } else if (key.ends_with("weight")) {
      value = 1 + 0.1 * u;
    }
    values.push_back(static_cast<float>(value));
  }
  return values;
}

// Writes the network's layers as ONNX nodes.
class YoloBuilder {
 public:
  explicit YoloBuilder(const GoldenCase& golden) {
    for (const auto& entry : golden.json("keys.json")) shapes_[entry[0]] = entry[1].get<Shape>();
    factor_ = golden.spec["parameters"]["conv_weight_factor"];
    builder_.input("images", {1, 3, -1, -1});
  }

  std::shared_ptr<const engine::Model> build() {
    std::map<int, std::string> at;
    std::string x = "images";
    const auto keep = [&](int layer) { return at[layer] = x; };
    x = conv("model.0", x, 2, 2);
    for (const int layer : {1, 3, 5, 7}) {
      x = conv("model." + std::to_string(layer), x, 2, 1);
      x = c3("model." + std::to_string(layer + 1), x, /*shortcut=*/true);
      keep(layer + 1);
    }
    x = pyramid("model.9", x);
    x = conv("model.10", x, 1, 0);
    keep(10);
    x = c3("model.13", join({upsample(x), at[6]}), false);
    x = conv("model.14", x, 1, 0);
    keep(14);
    x = c3("model.17", join({upsample(x), at[4]}), false);
    keep(17);
    x = c3("model.20", join({conv("model.18", x, 2, 1), at[14]}), false);
    keep(20);
    x = c3("model.23", join({conv("model.21", x, 2, 1), at[10]}), false);
    keep(23);
    int level = 0;
    for (const int layer : {17, 20, 23}) {
      const std::string key = "model.24.m." + std::to_string(level);
      const std::string name = "raw" + std::to_string(level++);
      builder_.node("Conv", {at[layer], tensor(key + ".weight"), tensor(key + ".bias")}, {name});
      builder_.output(name);
    }
    return builder_.model();
  }

 private:
  std::string tensor(const std::string& key) {
    const Shape& shape = shapes_.at(key);
    builder_.constant(key, Tensor::from_f32(shape, golden_values(key, shape, factor_)));
    return key;
  }
  std::string fresh() { return "v" + std::to_string(count_++); }

  std::string conv(const std::string& key, const std::string& x, int64_t stride, int64_t pad) {
    const std::string y = fresh();
    builder_.node("Conv", {x, tensor(key + ".conv.weight")}, {y})
        .ints("strides", {stride, stride})
        .ints("pads", {pad, pad, pad, pad});
    const std::string normal = fresh();
    builder_
        .node("BatchNormalization",
              {y, tensor(key + ".bn.weight"), tensor(key + ".bn.bias"),
               tensor(key + ".bn.running_mean"), tensor(key + ".bn.running_var")},
              {normal})
        .real("epsilon", 1e-3F);
    const std::string gate = fresh();
    builder_.node("Sigmoid", {normal}, {gate});
    const std::string out = fresh();
    builder_.node("Mul", {normal, gate}, {out});
    return out;
  }

  std::string join(const std::vector<std::string>& parts) {
    const std::string out = fresh();
    builder_.node("Concat", parts, {out}).number("axis", 1);
    return out;
  }

  std::string c3(const std::string& key, const std::string& x, bool shortcut) {
    std::string y = conv(key + ".cv1", x, 1, 0);
    for (int i = 0; shapes_.contains(key + ".m." + std::to_string(i) + ".cv1.conv.weight"); ++i) {
      const std::string own = key + ".m." + std::to_string(i);
      const std::string inner = conv(own + ".cv2", conv(own + ".cv1", y, 1, 0), 1, 1);
      if (!shortcut) {
        y = inner;
        continue;
      }
      const std::string sum = fresh();
      builder_.node("Add", {y, inner}, {sum});
      y = sum;
    }
    return conv(key + ".cv3", join({y, conv(key + ".cv2", x, 1, 0)}), 1, 0);
  }

  std::string pyramid(const std::string& key, const std::string& x) {
    std::vector<std::string> parts = {conv(key + ".cv1", x, 1, 0)};
    for (int i = 0; i < 3; ++i) {
      const std::string out = fresh();
      builder_.node("MaxPool", {parts.back()}, {out})
          .ints("kernel_shape", {5, 5})
          .ints("pads", {2, 2, 2, 2});
      parts.push_back(out);
    }
    return conv(key + ".cv2", join(parts), 1, 0);
  }

  std::string upsample(const std::string& x) {
    const std::string out = fresh();
    const std::string scales = fresh();
    builder_.constant(scales, Tensor::from_f32({4}, std::vector<float>{1, 1, 2, 2}));
    builder_.node("Resize", {x, "", scales}, {out})
        .text("mode", "nearest")
        .text("coordinate_transformation_mode", "asymmetric")
        .text("nearest_mode", "floor");
    return out;
  }

  engine::testing::OnnxBuilder builder_;
  std::map<std::string, Shape> shapes_;
  double factor_ = 1;
  int count_ = 0;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Rows by level, anchor, y, x, as the network's own decoding orders them.
std::vector<float> decode(const std::vector<Tensor>& levels) {
  constexpr double kAnchors[3][3][2] = {{{10, 13}, {16, 30}, {33, 23}},
                                        {{30, 61}, {62, 45}, {59, 119}},
                                        {{116, 90}, {156, 198}, {373, 326}}};
  std::vector<float> rows;
  for (size_t level = 0; level < levels.size(); ++level) {
    const Tensor& map = levels[level];
    const int64_t height = map.dim(2);
    const int64_t width = map.dim(3);
    const double stride = 8 << level;
    for (int64_t anchor = 0; anchor < 3; ++anchor) {
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          const auto at = [&](int64_t k) {
            return sigmoid(map.values<float>()[((anchor * kAnswers + k) * height + y) * width + x]);
          };
          const auto& size = kAnchors[level][anchor];
          rows.push_back(static_cast<float>((2 * at(0) - 0.5 + static_cast<double>(x)) * stride));
          rows.push_back(static_cast<float>((2 * at(1) - 0.5 + static_cast<double>(y)) * stride));
          rows.push_back(static_cast<float>(4 * at(2) * at(2) * size[0]));
          rows.push_back(static_cast<float>(4 * at(3) * at(3) * size[1]));
          for (int64_t k = 4; k < kAnswers; ++k) rows.push_back(static_cast<float>(at(k)));
        }
      }
    }
  }
  return rows;
}

void expect_golden(const std::string& name) {
  const GoldenCase golden = golden_case(name);
  engine::Executor executor(YoloBuilder(golden).build());
  for (const auto& [file, output] : golden.spec["outputs"].items()) {
    const Shape shape = output["input_shape_NCHW"].get<Shape>();
    std::vector<float> input;
    for (int64_t i = 0; i < shape[1] * shape[2] * shape[3]; ++i)
      input.push_back(static_cast<float>(golden_u("input", static_cast<uint64_t>(i))));
    const auto outputs = executor.run({{"images", Tensor::from_f32(shape, input)}});
    const auto rows = decode({outputs.at("raw0"), outputs.at("raw1"), outputs.at("raw2")});
    const auto reference = golden.f32(file).values;
    ASSERT_EQ(rows.size(), reference.size());
    for (size_t i = 0; i < rows.size(); ++i)
      ASSERT_NEAR(rows[i], reference[i], i % kAnswers < 4 ? 5e-3 : 2e-5) << file << " " << i;
  }
}

TEST(YoloGolden, yolo_yolov5n) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_golden("yolo/yolov5n");
}

TEST(YoloGolden, yolo_yolov5s) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_golden("yolo/yolov5s");
}

}  // namespace
}  // namespace cairn::detect
