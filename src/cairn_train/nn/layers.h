// The layers that networks are built of. Images are N×C×H×W (either memory format), vectors N×C.
// Parameters are drawn from torch's default generator: torch::manual_seed makes a network
// reproducible.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cairn_train/nn/module.h"
#include "cairn_train/nn/norm_activation.h"

namespace cairn::nn {

// The layers of a backbone's stem, then those of each stage, in order.
using Stages = std::vector<std::vector<ModulePtr>>;

// Layers one after the other. A layer with a name is registered under it, a layer without has no
// parameters.
class Chain : public Module {
 public:
  Chain& add(const std::string& name, ModulePtr layer);
  Chain& add(ModulePtr layer);
  const std::vector<ModulePtr>& layers() const { return layers_; }
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;

 private:
  std::vector<ModulePtr> layers_;
};

enum class Padding {
  kCentred,  // dilation · (kernel-1)/2 on every side
  kTfSame,   // TensorFlow's "SAME": output ceil(n/stride), an odd pixel goes right and below
  kStatic,   // what kTfSame would be for maps of nominal_size, whatever the maps are
};

struct ConvOptions {
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  int64_t dilation = 1;  // with kCentred only
  bool bias = false;
  Padding padding = Padding::kCentred;
  int64_t nominal_size = 0;  // with kStatic: height and width of the map
};

// The channels begin ≤ c < end of a layer's output.
struct ChannelRange {
  int64_t begin = 0;
  int64_t end = 0;
};

// Weights start as N(0, 2 / fan_out), fan_out = kernel² · out / groups (He et al. 2015), biases 0.
class Conv2d : public Module {
 public:
  explicit Conv2d(const ConvOptions& options);
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;
  // The part of the convolution that gives these channels. With groups they are those of one group,
  // and the input is that group's, too.
  std::string emit_part(OnnxWriter& graph, const std::string& input, ChannelRange part) const;

 private:
  std::string emit_filters(OnnxWriter& graph, const std::string& input, const torch::Tensor& weight,
                           const torch::Tensor& bias, int64_t groups) const;
  int64_t total_pad(int64_t n) const;  // rows above and below a map of n rows, or columns

  ConvOptions options_;
  torch::Tensor weight_;
  torch::Tensor bias_;
};

struct BatchNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;  // weight of the new batch in the running statistics
};

// Batch normalisation of images or vectors (Ioffe, Szegedy 2015), then the activation. Training
// needs more than one value a channel.
class BatchNorm : public Module {
 public:
  explicit BatchNorm(int64_t channels, const BatchNormOptions& options = {},
                     Activation activation = Activation::kNone);
  torch::Tensor forward(const torch::Tensor& x) override;
  // From now on training uses the running statistics and leaves them alone; weight and bias go on
  // being trained.
  void freeze() { frozen_ = true; }
  // From now on training takes the statistics over the batch of all these processes, which must
  // outlive the layer.
  void share(const SharedBatch* batch) { shared_ = batch; }
  std::string emit(OnnxWriter& graph, const std::string& input) const override;
  // The normalisation and activation of these channels, which are the whole input.
  std::string emit_part(OnnxWriter& graph, const std::string& input, ChannelRange part) const;

 private:
  BatchNormOptions options_;
  Activation activation_;
  torch::Tensor weight_;
  torch::Tensor bias_;
  torch::Tensor running_mean_;
  torch::Tensor running_var_;
  torch::Tensor num_batches_tracked_;
  bool frozen_ = false;
  const SharedBatch* shared_ = nullptr;
};

// Each channel of each image to mean 0 and variance 1, also at inference, then scaled and shifted
// (Ulyanov et al. 2016); epsilon 1e-5.
class InstanceNorm : public Module {
 public:
  explicit InstanceNorm(int64_t channels);
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
};

// Throws Error where the stride of a backbone's last stage is neither 1 nor 2.
void check_last_stride(int stride);

// Freezes every batch norm of a network.
void freeze_batch_norms(torch::nn::Module& module);
// Makes every batch norm of a network see the batch of all processes.
void share_batch_norms(torch::nn::Module& module, const SharedBatch* batch);

// Adds the nodes of an activation to the graph; SiLU is x · sigmoid(x).
std::string emit_activation(OnnxWriter& graph, const std::string& input, Activation activation);

// max(0, x) + slope · min(0, x), one trainable slope for all channels, 0.25 at first.
class PRelu : public Module {
 public:
  PRelu();
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;

 private:
  torch::Tensor weight_;
};

// x · weightᵀ + bias as a 1×1 convolution: oneDNN computes it, where torch::linear would call the
// system's BLAS, which may be the slow reference one. x: N×in, weight: out×in, bias: out or
// undefined.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                     const torch::Tensor& bias = {});

// N×in → N×out. Weights and biases start uniform in ±1/sqrt(in).
class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out, bool bias);
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
};

// Scales each channel by a gate from the channels' means (Hu et al. 2018), SiLU between the two 1×1
// convolutions; keys conv_reduce, conv_expand.
class SqueezeExcite : public Module {
 public:
  SqueezeExcite(int64_t channels, int64_t reduced);
  ModulePtr reduce() const { return reduce_; }
  ModulePtr expand() const { return expand_; }
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;

 private:
  ModulePtr reduce_;
  ModulePtr expand_;
};

}  // namespace cairn::nn
