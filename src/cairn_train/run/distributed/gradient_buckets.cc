#include "cairn_train/run/distributed/gradient_buckets.h"

#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

namespace cairn::run {

using torch::autograd::variable_list;

GradientBuckets::GradientBuckets(const Ranks& ranks, std::vector<torch::Tensor> parameters,
                                 int64_t bucket_bytes)
    : ranks_(ranks), parameters_(std::move(parameters)) {
  if (ranks.alone()) return;
  bucket_of_.resize(parameters_.size());
  came_.resize(parameters_.size());
  int64_t numbers = 0;
  const auto close = [&] {
    if (buckets_.empty()) return;
    Bucket& bucket = buckets_.back();
    const auto flags = static_cast<int64_t>(bucket.parameters.size());
    bucket.flat = torch::zeros({numbers + flags}, parameters_[bucket.parameters.front()].options());
  };
  for (size_t i = parameters_.size(); i-- > 0;) {
    const int64_t size = parameters_[i].numel();
    if (buckets_.empty() || (numbers + size) * int64_t{4} > bucket_bytes) {
      close();
      buckets_.emplace_back();
      numbers = 0;
    }
    buckets_.back().parameters.push_back(i);
    buckets_.back().offsets.push_back(numbers);
    bucket_of_[i] = buckets_.size() - 1;
    numbers += size;
  }
  close();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto node = torch::autograd::impl::grad_accumulator(parameters_[i]);
    const auto key = node->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(
        [this, i](const variable_list& outputs, const variable_list& /*inputs*/) {
          if (on_) arrived(i);
          return outputs;
        }));
    remove_hooks_.emplace_back([node, key] { node->del_post_hook(key); });
  }
}

GradientBuckets::~GradientBuckets() {
  for (const auto& remove : remove_hooks_) remove();
}

void GradientBuckets::start() {
  if (ranks_.alone()) return;
  on_ = true;
  sent_ = overlapped_ = 0;
  std::fill(came_.begin(), came_.end(), 0);
  for (Bucket& bucket : buckets_) bucket.missing = bucket.parameters.size();
}

void GradientBuckets::arrived(size_t parameter) {
  if (came_[parameter] != 0) return;
  came_[parameter] = 1;
  --buckets_[bucket_of_[parameter]].missing;
  send_full_ones();
}

void GradientBuckets::send_full_ones() {
  while (sent_ < buckets_.size() && buckets_[sent_].missing == 0) {
    send(buckets_[sent_++]);
    ++overlapped_;
  }
}

void GradientBuckets::send(Bucket& bucket) {
  const torch::NoGradGuard no_grad;
  const int64_t flags = bucket.flat.numel() - static_cast<int64_t>(bucket.parameters.size());
  for (size_t k = 0; k < bucket.parameters.size(); ++k) {
    const torch::Tensor& parameter = parameters_[bucket.parameters[k]];
    const torch::Tensor place =
        bucket.flat.narrow(0, bucket.offsets[k], parameter.numel()).view(parameter.sizes());
    const bool has = parameter.grad().defined();
    if (has)
      place.copy_(parameter.grad());
    else
      place.zero_();
    bucket.flat[flags + static_cast<int64_t>(k)].fill_(has ? 1 : 0);
  }
  bucket.wait = ranks_.start_sum(bucket.flat);
}

void GradientBuckets::finish() {
  if (ranks_.alone()) return;
  on_ = false;
  while (sent_ < buckets_.size()) send(buckets_[sent_++]);
  const torch::NoGradGuard no_grad;
  for (Bucket& bucket : buckets_) {
    bucket.wait();
    bucket.wait = nullptr;
    const auto count = static_cast<int64_t>(bucket.parameters.size());
    const torch::Tensor used = bucket.flat.narrow(0, bucket.flat.numel() - count, count).cpu();
    for (size_t k = 0; k < bucket.parameters.size(); ++k) {
      if (used[static_cast<int64_t>(k)].item<float>() == 0) continue;
      torch::Tensor parameter = parameters_[bucket.parameters[k]];
      if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
      parameter.mutable_grad().copy_(
          bucket.flat.narrow(0, bucket.offsets[k], parameter.numel()).view(parameter.sizes()));
    }
  }
}

}  // namespace cairn::run
