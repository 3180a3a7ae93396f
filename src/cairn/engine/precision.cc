#include "cairn/engine/precision.h"

#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "cairn/base/error.h"

namespace cairn::engine {

Precision native_precision() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  const bool native =
      isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
  return native ? Precision::kBf16 : Precision::kF32;
}

Precision available_precision(Precision wanted) {
  const bool kernels = dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core;
  return kernels ? wanted : Precision::kF32;
}

std::string_view precision_name(Precision precision) {
  return precision == Precision::kBf16 ? "bf16" : "f32";
}

Precision parse_precision(std::string_view text) {
  if (text == "auto") return native_precision();
  for (const Precision precision : {Precision::kF32, Precision::kBf16})
    if (text == precision_name(precision)) return precision;
  throw Error("precision " + std::string(text) + ": f32, bf16 or auto is meant");
}

}  // namespace cairn::engine
