// Layers: each runs under autograd (forward) and writes itself into an ONNX graph (emit).
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "cairn_train/nn/onnx_writer.h"

namespace cairn::nn {

// A layer or network. Parameters and buffers are registered under the reference implementation's
// key names, so that named_parameters() and named_buffers() together give its state_dict.
class Module : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
  // Appends the nodes of this layer in inference mode; returns the name of its output value.
  virtual std::string emit(OnnxWriter& graph, const std::string& input) const = 0;
};

using ModulePtr = std::shared_ptr<Module>;

}  // namespace cairn::nn
