// What the processor can, as far as oneDNN is allowed to use it.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include "cairn/engine/kernels/avx512_bf16.h"

namespace cairn::engine::testing {

inline bool processor_multiplies_bytes() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa >= dnnl::cpu_isa::avx512_core_vnni || isa == dnnl::cpu_isa::avx2_vnni;
}

inline bool has_bf16_products() {
  return kernels::has_avx512_bf16() &&
         dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16;
}

// The same, and not in a matrix unit (AMX), where some of our own kernels step back.
inline bool has_bf16_products_in_vectors() {
  return has_bf16_products() && dnnl::get_effective_cpu_isa() == dnnl::cpu_isa::avx512_core_bf16;
}

}  // namespace cairn::engine::testing
