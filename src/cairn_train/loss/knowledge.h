// What a student network learns from a teacher's class probabilities (Hinton, Vinyals, Dean 2015).
#pragma once

#include <torch/torch.h>

namespace cairn::loss {

// Student logits N×C under autograd, teacher logits N×C → τ² · mean over the rows of
// KL(softmax(teacher/τ) ‖ softmax(student/τ)). τ² keeps the gradient's size the same for all τ.
torch::Tensor knowledge_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                             double temperature);

// As the vt reference has it: without τ², and divided by the rows and the classes.
torch::Tensor vt_knowledge_loss(const torch::Tensor& student, const torch::Tensor& teacher,
                                double temperature);

}  // namespace cairn::loss
