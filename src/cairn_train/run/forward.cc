#include "cairn_train/run/forward.h"

#include <ATen/autocast_mode.h>

namespace cairn::run {
namespace {

// Autocast is state of the thread; this puts it back.
class Bfloat16Scope {
 public:
  Bfloat16Scope() {
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(true);
  }
  ~Bfloat16Scope() {
    at::autocast::clear_cache();
    at::autocast::set_cpu_enabled(false);
  }
  Bfloat16Scope(const Bfloat16Scope&) = delete;
  Bfloat16Scope& operator=(const Bfloat16Scope&) = delete;
};

}  // namespace

void keep_channels_last(torch::nn::Module& net) {
  for (torch::Tensor& parameter : net.parameters())
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
}

torch::Tensor forward(nn::Module& net, const torch::Tensor& images, const std::string& precision) {
  const torch::Tensor input = images.contiguous(torch::MemoryFormat::ChannelsLast);
  if (precision != "bf16") return net.forward(input);
  const Bfloat16Scope scope;
  return net.forward(input).to(torch::kFloat);
}

}  // namespace cairn::run
