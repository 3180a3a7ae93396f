// Margin losses against the reference implementations: values and gradients.
#include <gtest/gtest.h>

#include "cairn_train/loss/arcface.h"
#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/nn/testing/golden_net.h"

namespace cairn::loss {
namespace {

using cairn::testing::golden_case;
using cairn::testing::GoldenCase;
using cairn::testing::max_error_over_max;
using nn::testing::golden_tensor;
using nn::testing::values;

constexpr double kLossTolerance = 1e-5;
constexpr double kGradientTolerance = 1e-4;
constexpr int64_t kDim = 512;
constexpr int64_t kClasses = 11;

torch::Tensor load(const GoldenCase& golden, const std::string& file) {
  const auto array = golden.f32(file);
  return torch::tensor(array.values).view(array.shape);
}

torch::Tensor labels_of(const GoldenCase& golden) {
  return torch::tensor(golden.spec["inputs"]["labels"].get<std::vector<int64_t>>(),
                       torch::TensorOptions(torch::kInt64));
}

void expect_array(const torch::Tensor& tensor, const GoldenCase& golden, const std::string& file) {
  ASSERT_TRUE(tensor.defined()) << file;
  EXPECT_LE(max_error_over_max(values(tensor), golden.f32(file).values), kGradientTolerance)
      << file;
}

void expect_loss(const torch::Tensor& loss, const GoldenCase& golden) {
  const double reference = golden.spec["outputs"]["loss"];
  EXPECT_NEAR(loss.item<double>(), reference, kLossTolerance * reference);
}

// A head with the stored weights, and embeddings that take a gradient.
struct Setup {
  Setup(const GoldenCase& golden, int64_t subcenters)
      : head(kDim, kClasses, subcenters), embeddings(load(golden, "emb.npy").requires_grad_()) {
    const torch::NoGradGuard no_grad;
    head.parameters().front().copy_(load(golden, "weight.npy"));
  }
  CosineHead head;
  torch::Tensor embeddings;
};

void expect_adaptive_matches(const GoldenCase& golden) {
  const auto& parameters = golden.spec["parameters"];
  Setup setup(golden, parameters["k"]);
  const auto margins = adaptive_margins(parameters["class_counts"].get<std::vector<int64_t>>());
  const std::vector<float> as_float(margins.begin(), margins.end());
  EXPECT_LE(max_error_over_max(as_float, golden.f32("margins.npy").values), 1e-6);

  const ArcFace arcface({.scale = parameters["s"]}, margins);
  auto cosines = setup.head.forward(setup.embeddings);
  cosines.retain_grad();
  const auto loss = arcface.loss(cosines, labels_of(golden));
  loss.backward();
  expect_loss(loss, golden);
  expect_array(cosines, golden, "cosine.npy");
  expect_array(cosines.grad(), golden, "grad_cosine.npy");
  expect_array(setup.embeddings.grad(), golden, "grad_emb.npy");
  expect_array(setup.head.parameters().front().grad(), golden, "grad_weight.npy");
}

void expect_wz_matches(const std::string& name, const ArcFaceOptions& options) {
  const auto golden = golden_case(name);
  Setup setup(golden, 1);
  const ArcFace arcface(options);
  const auto cosines = setup.head.forward(setup.embeddings);
  expect_array(arcface.logits(cosines, labels_of(golden)), golden, "logits.npy");
  const auto loss = arcface.loss(cosines, labels_of(golden));
  loss.backward();
  expect_loss(loss, golden);
  expect_array(setup.embeddings.grad(), golden, "grad_emb.npy");
  expect_array(setup.head.parameters().front().grad(), golden, "grad_weight.npy");
}

TEST(LossGolden, losses_vt_arcface_adaptive_k1) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_adaptive_matches(golden_case("losses/vt_arcface_adaptive_k1"));
}

TEST(LossGolden, losses_vt_arcface_adaptive_k3) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_adaptive_matches(golden_case("losses/vt_arcface_adaptive_k3"));
}

TEST(LossGolden, losses_wz_arcface_s30_m0_3) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_s30_m0.3", {.scale = 30, .margin = 0.3});
}

TEST(LossGolden, losses_wz_arcface_s30_m0_5) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_s30_m0.5", {.scale = 30, .margin = 0.5});
}

TEST(LossGolden, losses_wz_arcface_clamped) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_clamped", {.scale = 30, .margin = 0.5});
}

TEST(LossGolden, losses_wz_arcface_easy) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_easy", {.scale = 30, .margin = 0.3, .easy_margin = true});
}

TEST(LossGolden, losses_wz_arcface_ls0_1) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_ls0.1",
                    {.scale = 30, .margin = 0.3, .label_smoothing = 0.1});
}

}  // namespace
}  // namespace cairn::loss
