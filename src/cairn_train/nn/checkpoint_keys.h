// How checkpoints name the same tensors, and which differences between a checkpoint and a network
// mean nothing.
#pragma once

#include <string>
#include <vector>

#include "cairn_train/nn/arch.h"
#include "cairn_train/nn/weights.h"

namespace cairn::nn {

// The tensors under the module's names, as far as one of these changes gives more of them: a bare
// backbone becomes part of a network ("conv1.weight" → "base.conv1.weight"), a network's backbone
// becomes a bare one, "wz" names become "vt" names or the other way round ("fcneck.weight" →
// "neck.0.weight", "classifier.weight" → "head.weight").
NamedTensors renamed_for(const torch::nn::Module& module, NamedTensors tensors);

// Tensors under the module's names, where its shortcuts pool first and the checkpoint's do not
// (resnet50_avgdown from torchvision's ResNet-50, as the wz reference starts): "downsample.0" →
// "downsample.1", "downsample.1" → "downsample.2" in those blocks. Another network, so for a start
// of training only.
NamedTensors with_pooled_shortcuts(const torch::nn::Module& module, NamedTensors tensors);

// Takes out of the report what makes no difference to the network: keys that begin with one of
// `ignorable`, and the counters num_batches_tracked, which old checkpoints lack. Returns the keys
// that were unexpected or of another shape, and ignored.
std::vector<std::string> forgive(LoadReport& report, const std::vector<std::string>& ignorable);

// The classifier's centres among tensors under a network's names ("head.weight" or
// "classifier.weight", rows × dim); undefined where there are none.
torch::Tensor find_head(const NamedTensors& tensors, int64_t dim);

}  // namespace cairn::nn
