// Gradients summed over the ranks while backward still runs: parameters lie in buckets in the order
// in which their gradients come, and a bucket is on its way as soon as it is full (Li et al. 2020,
// PyTorch Distributed).
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <vector>

#include "cairn_train/run/distributed/ranks.h"

namespace cairn::run {

class GradientBuckets {
 public:
  // parameters: those that every rank has whole, in the order of the network: backward reaches the
  // last ones first. They and the ranks must outlive this. In a world of one it does nothing.
  GradientBuckets(const Ranks& ranks, std::vector<torch::Tensor> parameters,
                  int64_t bucket_bytes = int64_t{25} << 20);
  ~GradientBuckets();
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  // Before the last backward pass of a step; the passes before it only add to the gradients.
  void start();
  // After it: waits until each gradient is the sum over the ranks. A parameter that no rank used
  // keeps its undefined gradient.
  void finish();

  size_t buckets() const { return buckets_.size(); }
  // Buckets that backward itself sent in the last step; the others waited for finish().
  size_t overlapped() const { return overlapped_; }

 private:
  struct Bucket {
    std::vector<size_t> parameters;
    std::vector<int64_t> offsets;
    // The gradients one after the other, then a number a parameter: whether it has one.
    torch::Tensor flat;
    size_t missing = 0;  // gradients that have not come yet
    std::function<void()> wait;
  };
  void arrived(size_t parameter);
  void send_full_ones();
  void send(Bucket& bucket);

  const Ranks& ranks_;
  const std::vector<torch::Tensor> parameters_;
  std::vector<Bucket> buckets_;
  std::vector<size_t> bucket_of_;
  std::vector<char> came_;
  std::vector<std::function<void()>> remove_hooks_;
  bool on_ = false;
  size_t sent_ = 0;  // in this step; they go in order, the same on every rank
  size_t overlapped_ = 0;
};

}  // namespace cairn::run
