// Photos that show none of the landmarks, as training material for the classifier.
#pragma once

#include <torch/torch.h>

namespace cairn::loss {

// For each row log(1 + Σ_c exp(scale · (cos_c - threshold))): the cross entropy of a softmax over
// the classes and "none", whose logit is scale · threshold, where "none" is true. It pushes away
// the centres that are nearer than the threshold. cosines: N×C → N.
torch::Tensor rejection_losses(const torch::Tensor& cosines, double threshold, double scale);

}  // namespace cairn::loss
