// Every network by name: what the engine computes of the exported model is what LibTorch computes.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/testing/testing.h"
#include "cairn/engine/model.h"
#include "cairn_train/nn/arch.h"
#include "cairn_train/nn/testing/golden_net.h"

namespace cairn::nn {
namespace {

using cairn::testing::max_error_over_max;
using cairn::testing::TempDir;
using testing::values;

// Filters that keep the size of the activations of a deep network, norms that differ by channel.
// EfficientNets of larger filters (1.7) amplify rounding as much as the image: LibTorch in float32
// and in float64 then have nothing in common at 256×256.
nlohmann::json parameters_for(const std::string& name) {
  const bool gated = name.find("efficientnet") != std::string::npos;
  const bool split = name.find("resnest") != std::string::npos;
  return {{"conv_weight_factor", gated ? 1.5 : split ? 1.1 : 1.0}};
}

class Parity : public ::testing::TestWithParam<std::string> {
 protected:
  Parity() : arch_(make_arch(GetParam())) {
    testing::fill_with_golden(*arch_.net, parameters_for(GetParam()));
    export_onnx(arch_, dir_ / "model.onnx", {});
    model_ = engine::Model::load(dir_ / "model.onnx");
    executor_ = std::make_unique<engine::Executor>(model_);
  }

  static torch::Tensor images(int64_t height, int64_t width) {
    return testing::golden_tensor("input", {1, 3, height, width});
  }

  static engine::TensorMap inputs(const torch::Tensor& images) {
    return {{"input", engine::Tensor::from_f32(
                          images.sizes().vec(),
                          {images.data_ptr<float>(), static_cast<size_t>(images.numel())})}};
  }

  engine::Tensor run(const torch::Tensor& images) {
    return executor_->run(inputs(images), {arch_.output}).at(arch_.output);
  }

  void expect_the_same(int64_t height, int64_t width) {
    const auto wanted = arch_.net->forward(images(height, width));
    const auto output = run(images(height, width));
    EXPECT_EQ(wanted.size(1), arch_.channels);
    EXPECT_EQ(output.shape(), wanted.sizes().vec());
    const auto numbers = output.values<float>();
    EXPECT_LE(max_error_over_max({numbers.begin(), numbers.end()}, values(wanted)), 1e-4)
        << height << "x" << width;
  }

  const torch::NoGradGuard no_grad_;
  TempDir dir_;
  Arch arch_;
  std::shared_ptr<const engine::Model> model_;
  std::unique_ptr<engine::Executor> executor_;
};

TEST_P(Parity, of_engine_and_libtorch_at_any_size) {
  expect_the_same(64, 64);
  expect_the_same(256, 256);
  // Average-pooled shortcuts only fit some sizes; 12 would otherwise broadcast.
  const bool picky = GetParam() == "backbones/resnet50" || GetParam() == "backbones/resnet101";
  if (!picky) return expect_the_same(97, 131);
  for (const auto& [height, width] :
       std::vector<std::pair<int64_t, int64_t>>{{97, 131}, {12, 64}}) {
    EXPECT_THROW(arch_.net->forward(images(height, width)), Error);
    try {
      run(images(height, width));
      ADD_FAILURE() << height << "x" << width << " was accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("multiples_of_16"), std::string::npos)
          << error.what();
    }
  }
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '-'; }, '_');
  return name;
}

// Of random filters, whose errors grow on the way as those of trained ones do not.
class Bfloat16 : public Parity {
 protected:
  static double cosine(const engine::Tensor& a, const engine::Tensor& b) {
    double product = 0, squares_a = 0, squares_b = 0;
    for (size_t i = 0; i < a.count(); ++i) {
      const double x = a.data<float>()[i], y = b.data<float>()[i];
      product += x * y;
      squares_a += x * x;
      squares_b += y * y;
    }
    return product / std::sqrt(squares_a * squares_b);
  }
};

TEST_P(Bfloat16, is_near_float32_and_reorders_only_at_both_ends) {
  const torch::Tensor photo = images(96, 96);
  engine::Executor half(model_, engine::Precision::kBf16);
  EXPECT_GE(cosine(half.run(inputs(photo), {arch_.output}).at(arch_.output), run(photo)), 0.99);
  if (engine::native_precision() != engine::Precision::kBf16) return;  // it may mix both
  EXPECT_LE(half.summarise(inputs(photo), {arch_.output}).reorders, 2U);
}

INSTANTIATE_TEST_SUITE_P(Deep, Bfloat16,
                         ::testing::Values("backbones/resnet50", "backbones/se_resnet101_ibn_a",
                                           "backbones/resnext101_ibn_a", "backbones/resnest101",
                                           "backbones/efficientnet-b0"),
                         test_name);

std::vector<std::string> backbones() {
  auto names = arch_names();
  std::erase_if(names, [](const std::string& name) { return name.starts_with("models/"); });
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, Parity, ::testing::ValuesIn(backbones()), test_name);

}  // namespace
}  // namespace cairn::nn
