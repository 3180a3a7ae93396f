// Adam, AdamW, Ranger and SGD: one pass over all parameters a step, with a state that is saved and
// restored bit by bit.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cairn::optim {

struct OptimiserOptions {
  std::string type = "adamw";  // adamw | adam | sgd | ranger
  double lr = 1e-3;
  double head_lr_factor = 1;
  double weight_decay = 0.01;
  bool decay_vectors = false;      // biases, norms and other vectors too
  double bias_lr_factor = 1;       // of parameters with "bias" in their name
  double bias_weight_decay = -1;   // of the same; below 0: as other vectors
  double beta1 = 0;                // of the first moment; 0: 0.9, Ranger 0.95
  double beta2 = 0.999;            // of the second
  double epsilon = 0;              // 0: 1e-8, Ranger 1e-5
  std::string centralise = "all";  // Ranger: gradients of which tensors; all | filters | off
  int lookahead_steps = 6;         // Ranger
  double lookahead_share = 0.5;    // Ranger: how far the slow weights follow
  double momentum = 0.9;
  bool nesterov = true;
  double clip = 5;
};

// A float32 parameter and how its learning rate differs.
struct TrainedParameter {
  std::string name;
  torch::Tensor tensor;
  double lr_factor = 1;
  std::optional<double> weight_decay = std::nullopt;  // none: the optimiser's
  // Above 0: plain gradient descent at this rate, whatever the optimiser and its schedule; not part
  // of the norm that is clipped.
  double own_lr = 0;
  bool split = false;  // other processes have its other rows
};

struct OptimiserTensor {
  std::string name;
  torch::Tensor tensor;
  bool split = false;  // as its parameter
};

// What one step does to one parameter, besides its tensors.
struct UpdateRule {
  bool adaptive = true;     // divide by the root of the second moment
  bool centralise = false;  // subtract each row's mean from its gradient
  float shrink = 1;         // the gradient is multiplied by it first
  float l2 = 0;             // times the weight, added to the gradient
  float keep = 1;           // the weight is multiplied by it
  float rate = 0;           // of the moment, bias correction included
  float root = 1;           // the root of the second moment is multiplied by it
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
};

// AdamW: Loshchilov, Hutter 2019 (decay decoupled and scaled by the rate). Adam: Kingma, Ba 2015
// (decay added to the gradient). Ranger: rectified Adam (Liu et al. 2020) with gradient
// centralisation (Yong et al. 2020) and LookAhead (Zhang et al. 2019). SGD: as PyTorch's, momentum
// without dampening, decay added to the gradient.
class Optimiser {
 public:
  // sum: rank 0's first number and everybody's second, added over the processes that share split
  // parameters: the squared norm, the same on all of them. None: there is one process.
  Optimiser(const OptimiserOptions& options, std::vector<TrainedParameter> parameters,
            std::function<double(double, double)> sum = nullptr);

  void zero_grad();
  // Multiplies the gradients: undoes the scale of a loss.
  void scale_gradients(double factor);

  // Updates the parameters from their gradients, which are first shrunk to norm `clip` together.
  // Returns their norm before. With a norm that is not finite nothing is updated.
  double step(double lr);

  // Moments and slow weights by name, sharing memory with the optimiser: what a checkpoint stores
  // besides steps().
  std::vector<OptimiserTensor> state() const;
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  struct Slot {
    TrainedParameter parameter;
    torch::Tensor first;   // momentum, or Adam's first moment
    torch::Tensor second;  // Adam's second moment; undefined for SGD
    torch::Tensor slow;    // LookAhead's weights; undefined for others
    double decay = 0;
  };
  bool ranger() const { return options_.type == "ranger"; }
  double gradient_norm() const;
  UpdateRule adam_rule(const Slot& slot, double lr) const;
  void sgd(Slot& slot, double lr, float shrink) const;
  void look_ahead(Slot& slot) const;

  OptimiserOptions options_;
  std::function<double(double, double)> sum_;
  std::vector<Slot> slots_;
  int64_t steps_ = 0;
};

// One Adam-like update in place. weights, gradient and moments have the same layout. The first is
// the hot path, for float32 in the memory of the CPU; the second says the same by tensor
// operations, for any device.
void adam_update(const torch::Tensor& weights, const torch::Tensor& gradient,
                 const torch::Tensor& first, const torch::Tensor& second, const UpdateRule& rule);
void adam_update_anywhere(const torch::Tensor& weights, const torch::Tensor& gradient,
                          const torch::Tensor& first, const torch::Tensor& second,
                          const UpdateRule& rule);

}  // namespace cairn::optim
