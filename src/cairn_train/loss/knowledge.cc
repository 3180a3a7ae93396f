#include "cairn_train/loss/knowledge.h"

namespace cairn::loss {
namespace {

// Summed over rows and classes.
torch::Tensor divergence(const torch::Tensor& student, const torch::Tensor& teacher,
                         double temperature) {
  const auto wanted = torch::log_softmax(teacher / temperature, 1);
  const auto said = torch::log_softmax(student / temperature, 1);
  return (wanted.exp() * (wanted - said)).sum();
}

}  // namespace

torch::Tensor knowledge_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                             double temperature) {
  const double factor = temperature * temperature / static_cast<double>(student.size(0));
  return divergence(student, teacher, temperature) * factor;
}

torch::Tensor vt_knowledge_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                                double temperature) {
  return divergence(student, teacher, temperature) / static_cast<double>(student.numel());
}

}  // namespace cairn::loss
