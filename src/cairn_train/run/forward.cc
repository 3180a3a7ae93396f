#include "cairn_train/run/forward.h"

#include <ATen/autocast_mode.h>

#include "cairn/base/error.h"

namespace cairn::run {
namespace {

// Autocast is state of the thread; this puts it back.
class AutocastScope {
 public:
  explicit AutocastScope(bool cuda, at::ScalarType type) : cuda_(cuda) {
    if (cuda_) {
      at::autocast::set_autocast_gpu_dtype(type);
      at::autocast::set_enabled(true);
    } else {
      at::autocast::set_autocast_cpu_dtype(type);
      at::autocast::set_cpu_enabled(true);
    }
  }
  ~AutocastScope() {
    at::autocast::clear_cache();
    if (cuda_)
      at::autocast::set_enabled(false);
    else
      at::autocast::set_cpu_enabled(false);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  bool cuda_;
};

// What `network` makes of the images on the device of net, with autocast as the precision asks.
template <typename Network>
auto run_in(nn::Module& net, const torch::Tensor& images, const std::string& precision,
            const Network& network) {
  const torch::Device device = net.parameters().front().device();
  const torch::Tensor input = images.to(device).contiguous(torch::MemoryFormat::ChannelsLast);
  if (precision == "f32") return network(input);
  const AutocastScope scope(device.is_cuda(), precision == "f16" ? at::kHalf : at::kBFloat16);
  return network(input);
}

}  // namespace

void keep_channels_last(torch::nn::Module& net) {
  for (torch::Tensor& parameter : net.parameters())
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
}

torch::Tensor forward(nn::Module& net, const torch::Tensor& images, const std::string& precision) {
  return run_in(net, images, precision, [&](const torch::Tensor& x) { return net.forward(x); })
      .to(torch::kFloat);
}

nn::EmbeddingNet::Views forward_views(nn::EmbeddingNet& net, const torch::Tensor& images,
                                      const std::string& precision) {
  const auto [features, embeddings] =
      run_in(net, images, precision, [&](const torch::Tensor& x) { return net.views(x); });
  return {features.to(torch::kFloat), embeddings.to(torch::kFloat)};
}

torch::Device choose_device(const std::string& name) {
  const bool has_cuda = torch::cuda::is_available();
  if (name == "cuda" && !has_cuda)
    throw Error("device: this LibTorch finds no cuda device; use device=cpu or device=auto");
  return name != "cpu" && has_cuda ? torch::kCUDA : torch::kCPU;
}

}  // namespace cairn::run
