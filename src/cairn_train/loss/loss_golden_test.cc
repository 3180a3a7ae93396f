// Losses against the reference implementations: values and gradients.
#include <gtest/gtest.h>

#include "cairn_train/loss/arcface.h"
#include "cairn_train/loss/center.h"
#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/loss/knowledge.h"
#include "cairn_train/loss/triplet.h"
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
  const auto labels = labels_of(golden);
  const auto loss = class_losses(arcface.logits(cosines, labels), labels).mean();
  loss.backward();
  expect_loss(loss, golden);
  expect_array(cosines, golden, "cosine.npy");
  expect_array(cosines.grad(), golden, "grad_cosine.npy");
  expect_array(setup.embeddings.grad(), golden, "grad_emb.npy");
  expect_array(setup.head.parameters().front().grad(), golden, "grad_weight.npy");
}

void expect_wz_matches(const std::string& name, const MarginHead& head) {
  const auto golden = golden_case(name);
  Setup setup(golden, 1);
  const auto labels = labels_of(golden);
  const auto logits = head.logits(setup.head.forward(setup.embeddings), labels);
  expect_array(logits, golden, "logits.npy");
  const auto loss = class_losses(logits, labels).mean();
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
  expect_wz_matches("losses/wz_arcface_s30_m0.3", ArcFace({.scale = 30, .margin = 0.3}));
}

TEST(LossGolden, losses_wz_arcface_s30_m0_5) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_s30_m0.5", ArcFace({.scale = 30, .margin = 0.5}));
}

TEST(LossGolden, losses_wz_arcface_clamped) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_clamped", ArcFace({.scale = 30, .margin = 0.5}));
}

TEST(LossGolden, losses_wz_arcface_easy) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_easy",
                    ArcFace({.scale = 30, .margin = 0.3, .easy_margin = true}));
}

TEST(LossGolden, losses_wz_arcface_ls0_1) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_arcface_ls0.1",
                    ArcFace({.scale = 30, .margin = 0.3, .label_smoothing = 0.1}));
}

TEST(LossGolden, losses_wz_cosface) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_cosface", CosFace({.scale = 30, .margin = 0.3}));
}

TEST(LossGolden, losses_wz_amsoftmax) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_amsoftmax", CosFace({.scale = 30, .margin = 0.3}));
}

TEST(LossGolden, losses_wz_circle) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_wz_matches("losses/wz_circle", Circle({.scale = 256, .margin = 0.25}));
}

// Both of the reference's forms are the usual label smoothing.
void expect_smoothing_matches(const std::string& name) {
  const auto golden = golden_case(name);
  const auto logits = load(golden, "logits.npy").requires_grad_();
  const double epsilon = golden.spec["parameters"]["epsilon"];
  const auto loss = class_losses(logits, labels_of(golden), {.smoothing = epsilon}).mean();
  loss.backward();
  expect_loss(loss, golden);
  expect_array(logits.grad(), golden, "grad_logits.npy");
}

TEST(LossGolden, losses_wz_ce_label_smooth) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_smoothing_matches("losses/wz_ce_label_smooth");
}

TEST(LossGolden, losses_wz_label_smoothing_ce) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_smoothing_matches("losses/wz_label_smoothing_ce");
}

void expect_triplet_matches(const std::string& name) {
  const auto golden = golden_case(name);
  const auto& parameters = golden.spec["parameters"];
  const bool soft = parameters["margin"].is_null();
  const TripletOptions options{.margin = soft ? 0 : parameters["margin"].get<double>(),
                               .hard_factor = parameters["hard_factor"],
                               .normalise = parameters["normalize_feature"]};
  const auto embeddings = load(golden, "emb.npy").requires_grad_();
  const auto labels = labels_of(golden);
  const auto pairs =
      hardest_pairs(options.normalise ? normalize_rows(embeddings) : embeddings, labels);
  expect_array(pairs.positive * (1 + options.hard_factor), golden, "dist_ap.npy");
  expect_array(pairs.negative * (1 - options.hard_factor), golden, "dist_an.npy");
  const auto loss = triplet_loss(embeddings, labels, options).loss;
  loss.backward();
  expect_loss(loss, golden);
  expect_array(embeddings.grad(), golden, "grad_emb.npy");
}

TEST(LossGolden, losses_wz_triplet_m0_3) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_triplet_matches("losses/wz_triplet_m0.3");
}

TEST(LossGolden, losses_wz_triplet_m0_3_raw) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_triplet_matches("losses/wz_triplet_m0.3_raw");
}

TEST(LossGolden, losses_wz_triplet_soft) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_triplet_matches("losses/wz_triplet_soft");
}

TEST(LossGolden, losses_wz_triplet_hf0_1) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_triplet_matches("losses/wz_triplet_hf0.1");
}

TEST(LossGolden, losses_wz_center) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("losses/wz_center");
  CenterLoss center(kClasses, kDim);
  {
    const torch::NoGradGuard no_grad;
    center.parameters().front().copy_(load(golden, "centers.npy"));
  }
  const auto embeddings = load(golden, "emb.npy").requires_grad_();
  const auto loss = center.loss(embeddings, labels_of(golden));
  loss.backward();
  expect_loss(loss, golden);
  expect_array(embeddings.grad(), golden, "grad_emb.npy");
  expect_array(center.parameters().front().grad(), golden, "grad_centers.npy");
}

// The losses of the vt and ps references: margins mixed with smoothed labels, focal, class weights.
void expect_vt_matches(const std::string& name, const ArcFaceOptions& options,
                       double focal_gamma = 0) {
  const auto golden = golden_case(name);
  Setup setup(golden, 1);
  const ArcFace arcface(options);
  const auto labels = labels_of(golden);
  auto cosines = setup.head.forward(setup.embeddings);
  cosines.retain_grad();
  auto losses = class_losses(arcface.logits(cosines, labels), labels, {.focal_gamma = focal_gamma});
  auto weights = torch::ones_like(losses);
  if (golden.spec["inputs"].contains("class_weight.npy"))
    weights = load(golden, "class_weight.npy").index_select(0, labels);
  const auto loss = (losses * weights).sum() / weights.sum();
  loss.backward();
  expect_loss(loss, golden);
  if (golden.spec["outputs"].contains("grad_cosine.npy"))
    expect_array(cosines.grad(), golden, "grad_cosine.npy");
  expect_array(setup.embeddings.grad(), golden, "grad_emb.npy");
  expect_array(setup.head.parameters().front().grad(), golden, "grad_weight.npy");
}

// ε 0.1 with a share of 0.005 for every other class, whatever their number.
constexpr ArcFaceOptions kVt{
    .scale = 45, .margin = 0.4, .label_smoothing = 0.1, .smoothing_share = 0.005};

TEST(LossGolden, losses_vt_arcface_bce) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_vt_matches("losses/vt_arcface_bce", kVt);
}

TEST(LossGolden, losses_vt_arcface_bce_weighted) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_vt_matches("losses/vt_arcface_bce_weighted", kVt);
}

TEST(LossGolden, losses_vt_arcface_focal) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_vt_matches("losses/vt_arcface_focal", kVt, /*focal_gamma=*/2);
}

TEST(LossGolden, losses_ps_arcface_weighted) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_vt_matches("losses/ps_arcface_weighted", {.scale = 45, .margin = 0.35});
}

TEST(LossGolden, losses_vt_kd) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("losses/vt_kd");
  const auto& outputs = golden.spec["outputs"];
  const auto student = load(golden, "student.npy").requires_grad_();
  const auto teacher = load(golden, "teacher.npy");
  const auto soft = vt_knowledge_loss(student, teacher, 1);
  soft.backward();
  EXPECT_NEAR(soft.item<double>(), outputs["soft"], kLossTolerance * outputs["soft"].get<double>());
  expect_array(student.grad(), golden, "grad_student_soft.npy");
  const auto labels = labels_of(golden);
  const auto hard =
      class_losses(ArcFace(kVt).logits(torch::log_softmax(student.detach(), 1), labels), labels)
          .mean();
  EXPECT_NEAR(hard.item<double>(), outputs["hard"], kLossTolerance * outputs["hard"].get<double>());
  const double total = 0.5 * hard.item<double>() + 0.5 * soft.item<double>();
  EXPECT_NEAR(total, outputs["total"], kLossTolerance * outputs["total"].get<double>());
}

TEST(LossGolden, knowledge_loss_is_the_papers_mean_over_photos_times_the_squared_temperature) {
  const auto student = torch::tensor({1.0F, 0.0F, -1.0F, 0.5F}).view({2, 2});
  const auto teacher = torch::tensor({0.0F, 2.0F, 1.0F, 1.0F}).view({2, 2});
  const double mean_of_all = vt_knowledge_loss(student, teacher, 3).item<double>();
  EXPECT_NEAR(knowledge_loss(student, teacher, 3).item<double>(), mean_of_all * 2 * 9, 1e-5);
  EXPECT_NEAR(knowledge_loss(teacher, teacher, 3).item<double>(), 0, 1e-6);
}

}  // namespace
}  // namespace cairn::loss
