#include "cairn_train/loss/distillation.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "cairn/base/error.h"
#include "cairn_train/loss/cosine_head.h"

namespace cairn::loss {

TeacherProjection TeacherProjection::fit(const torch::Tensor& embeddings, int64_t dim) {
  if (embeddings.dim() != 2 || embeddings.size(0) < 2 || embeddings.size(1) < 1 || dim < 1) {
    throw Error("distillation needs a matrix of at least two teacher embeddings");
  }
  const torch::NoGradGuard no_grad;
  const auto rows = embeddings.to(torch::kFloat64);
  if (!rows.isfinite().all().item<bool>()) throw Error("a teacher embedding is not finite");
  TeacherProjection projection;
  const auto mean = rows.mean(0);
  const auto centred = rows - mean;
  const auto covariance = centred.t().mm(centred) / static_cast<double>(rows.size(0));
  auto [variances, directions] = torch::linalg_eigh(covariance);  // ascending
  const int64_t kept = std::min(dim, rows.size(1));
  variances = variances.flip(0).clamp_min(0);
  auto components = directions.flip(1).narrow(1, 0, kept);
  const auto largest = std::get<1>(components.abs().max(0, /*keepdim=*/true));
  components = components * components.gather(0, largest).sign();
  // Directions without variance are arbitrary; they would differ from machine to machine.
  const auto real = variances.narrow(0, 0, kept) > variances[0] * 1e-10;
  components = components * real.to(torch::kFloat64);
  const double total = variances.sum().item<double>();
  projection.kept_variance_ =
      total > 0 ? variances.narrow(0, 0, kept).sum().item<double>() / total : 0.0;
  projection.mean_ = mean.to(torch::kFloat32);
  projection.components_ =
      torch::constant_pad_nd(components, {0, dim - kept}).to(torch::kFloat32).contiguous();
  return projection;
}

torch::Tensor TeacherProjection::apply(const torch::Tensor& embeddings) const {
  if (embeddings.dim() != 2 || embeddings.size(1) != mean_.size(0)) {
    throw Error(fmt::format("teacher embeddings need {} columns", mean_.size(0)));
  }
  const torch::NoGradGuard no_grad;
  return (embeddings.to(torch::kFloat32) - mean_).mm(components_);
}

DistillationLoss distillation_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                                   const DistillationOptions& options) {
  if (student.sizes() != teacher.sizes() || student.dim() != 2) {
    throw Error("student and teacher embeddings differ in shape");
  }
  const auto from = normalize_rows(student);
  const auto to = normalize_rows(teacher.detach());
  DistillationLoss loss;
  loss.cosine = (1 - (from * to).sum(1)).mean();
  const auto wanted = torch::log_softmax(to.mm(to.t()) / options.temperature, 1);
  const auto given = torch::log_softmax(from.mm(to.t()) / options.temperature, 1);
  loss.contrast = (wanted.exp() * (wanted - given)).sum(1).mean();
  loss.total = loss.cosine + options.contrast_weight * loss.contrast;
  return loss;
}

}  // namespace cairn::loss
