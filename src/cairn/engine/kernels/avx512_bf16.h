// Processors with dot products of bfloat16 and of 8 bits in vectors (AVX512_BF16, AVX512_VNNI), and
// compilers that can make code for them.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)  // which has no such pragma
#define CAIRN_HAS_AVX512_BF16
#endif

namespace cairn::engine::kernels {

// Whether the kernels that need them are there and this processor can run them.
bool has_avx512_bf16();

}  // namespace cairn::engine::kernels
