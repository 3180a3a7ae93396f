#include "cairn_train/run/precision.h"

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

torch::Tensor forward_in(const std::string& precision, nn::Module& net,
                         const torch::Tensor& images) {
  if (precision != "bf16") return net.forward(images);
  const Bfloat16Scope scope;
  return net.forward(images).to(torch::kFloat);
}

}  // namespace cairn::run
