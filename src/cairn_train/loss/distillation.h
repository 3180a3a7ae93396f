// Feature distillation: the student's embedding is pulled to the embedding that a teacher network
// gives the same photo. It needs no labels, and starts from random weights.
//
//   const auto projection = loss::TeacherProjection::fit(teacher_embeddings, 512);
//   const auto targets = projection.apply(teacher_embeddings);          // once, N×512
//   auto loss = loss::distillation_loss(student, targets.index_select(0, batch), {}).total;
#pragma once

#include <torch/torch.h>

namespace cairn::loss {

// Teacher embeddings, centred and turned into the student's dimensions by principal components, so
// that the student's own embedding takes on the teacher's cosine geometry.
class TeacherProjection {
 public:
  // embeddings: N×T, at least two rows. Keeps the `dim` strongest components; where there are fewer
  // (T or rank below dim), the rest of the output is 0. The largest entry of every component is
  // positive: the same rows give the same projection. Throws Error.
  static TeacherProjection fit(const torch::Tensor& embeddings, int64_t dim);

  // N×T → N×dim, float32, not normalised.
  torch::Tensor apply(const torch::Tensor& embeddings) const;
  // The share of the variance that the kept components hold, 0 … 1.
  double kept_variance() const { return kept_variance_; }

 private:
  torch::Tensor mean_;        // T
  torch::Tensor components_;  // T×dim
  double kept_variance_ = 0;
};

struct DistillationOptions {
  double contrast_weight = 1.0;
  double temperature = 0.1;  // of the contrast
};

struct DistillationLoss {
  torch::Tensor total;   // cosine + contrast_weight · contrast
  torch::Tensor cosine;  // mean of 1 - cos(student, teacher)
  torch::Tensor
      contrast;  // how far the student's place among the batch's teacher embeddings is off
};

// student: N×D, under autograd. teacher: N×D (TeacherProjection), constant. The contrast is the
// Kullback-Leibler divergence between the softmaxes over the batch of cos(teacher_i, teacher_j) / τ
// and cos(student_i, teacher_j) / τ: InfoNCE (van den Oord et al. 2018) with the teacher's own
// similarities as targets, so that near-duplicates in a batch do not repel each other. Both parts
// are 0 where the student equals the teacher. Throws Error where the shapes differ.
DistillationLoss distillation_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                                   const DistillationOptions& options = {});

}  // namespace cairn::loss
