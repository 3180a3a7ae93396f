#include "cairn_train/loss/distillation.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn_train/loss/cosine_head.h"

namespace cairn::loss {
namespace {

torch::Tensor cosines(const torch::Tensor& rows) {
  const auto unit = normalize_rows(rows);
  return unit.mm(unit.t());
}

TEST(TeacherProjection, keeps_the_cosines_of_centred_embeddings) {
  torch::manual_seed(1);
  // 40 columns, but all variance in 6 directions.
  const auto embeddings = torch::randn({50, 6}).mm(torch::randn({6, 40})) + 3.0;
  const auto projection = TeacherProjection::fit(embeddings, 8);
  const auto projected = projection.apply(embeddings);
  EXPECT_EQ(projected.sizes().vec(), (std::vector<int64_t>{50, 8}));
  EXPECT_NEAR(projection.kept_variance(), 1.0, 1e-9);
  EXPECT_TRUE(
      torch::allclose(cosines(projected), cosines(embeddings - embeddings.mean(0)), 0, 1e-4));
}

TEST(TeacherProjection, puts_the_strongest_direction_first_and_fixes_its_sign) {
  torch::manual_seed(2);
  const auto embeddings = torch::randn({200, 3}) * torch::tensor({1.0f, 9.0f, 3.0f});
  const auto projected = TeacherProjection::fit(embeddings, 2).apply(embeddings);
  const auto centred = embeddings - embeddings.mean(0);
  // Component 0 is nearly column 1, component 1 nearly column 2, both with a positive sign.
  EXPECT_GT((projected.select(1, 0) * centred.select(1, 1)).mean().item<double>(), 70);
  EXPECT_GT((projected.select(1, 1) * centred.select(1, 2)).mean().item<double>(), 7);
}

TEST(TeacherProjection, fills_dimensions_that_the_teacher_lacks_with_zeros) {
  torch::manual_seed(3);
  const auto embeddings = torch::randn({20, 4});
  const auto projected = TeacherProjection::fit(embeddings, 6).apply(embeddings);
  EXPECT_EQ(projected.size(1), 6);
  EXPECT_EQ(projected.narrow(1, 4, 2).abs().max().item<double>(), 0.0);
  EXPECT_TRUE(
      torch::allclose(cosines(projected), cosines(embeddings - embeddings.mean(0)), 0, 1e-4));
}

TEST(TeacherProjection, refuses_what_has_no_components) {
  EXPECT_THROW(TeacherProjection::fit(torch::zeros({1, 4}), 2), Error);
  EXPECT_THROW(TeacherProjection::fit(torch::full({3, 4}, NAN), 2), Error);
  EXPECT_THROW(TeacherProjection::fit(torch::randn({9, 4}), 2).apply(torch::zeros({1, 5})), Error);
}

TEST(DistillationLoss, is_zero_for_the_teacher_s_own_embedding_at_any_length) {
  torch::manual_seed(4);
  const auto teacher = torch::randn({6, 8});
  const auto loss = distillation_loss(teacher * 5, teacher);
  EXPECT_NEAR(loss.total.item<double>(), 0.0, 1e-5);
  EXPECT_NEAR(loss.contrast.item<double>(), 0.0, 1e-5);
}

TEST(DistillationLoss, pulls_a_student_to_the_teacher) {
  torch::manual_seed(5);
  const auto teacher = torch::randn({12, 16});
  auto student = torch::randn({12, 16}).requires_grad_();
  torch::optim::Adam optimiser({student}, torch::optim::AdamOptions(0.05));
  const double before = distillation_loss(student, teacher).total.item<double>();
  for (int step = 0; step < 150; ++step) {
    optimiser.zero_grad();
    distillation_loss(student, teacher).total.backward();
    optimiser.step();
  }
  const auto after = distillation_loss(student, teacher);
  EXPECT_GT(before, 1.0);
  EXPECT_LT(after.total.item<double>(), 0.02 * before);
}

TEST(DistillationLoss, contrast_punishes_students_that_swap_places) {
  const auto teacher = torch::eye(4);
  const auto swapped = teacher.index_select(0, torch::tensor({1, 0, 3, 2}));
  EXPECT_GT(distillation_loss(swapped, teacher).contrast.item<double>(), 1.0);
}

TEST(DistillationLoss, refuses_other_shapes) {
  EXPECT_THROW(distillation_loss(torch::zeros({2, 3}), torch::zeros({2, 4})), Error);
}

}  // namespace
}  // namespace cairn::loss
