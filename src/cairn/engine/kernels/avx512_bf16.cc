#include "cairn/engine/kernels/avx512_bf16.h"

namespace cairn::engine::kernels {

bool has_avx512_bf16() {
#ifdef CAIRN_HAS_AVX512_BF16
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
         __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

}  // namespace cairn::engine::kernels
