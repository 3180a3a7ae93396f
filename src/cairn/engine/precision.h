// The number format of inference.
#pragma once

#include <string_view>

namespace cairn::engine {

// kBf16: the maps between convolutions, and the convolutions' weights, lie in memory as bfloat16;
// sums are float32. Norms compute in float32, and global pooling and all that follows it (gates,
// necks, final layers) is float32 throughout. Where the processor has no kernel for a step, the
// step is float32.
enum class Precision { kF32, kBf16 };

// kBf16 where the processor multiplies bfloat16 natively (AVX512_BF16, AMX), else kF32.
Precision native_precision();

// What plans compute in where this is wanted: kF32 where oneDNN has no bfloat16 for the processor
// (below AVX-512).
Precision available_precision(Precision wanted);

// "f32", "bf16".
std::string_view precision_name(Precision precision);

// The precision of a name; "auto" is native_precision(). Throws Error for any other text.
Precision parse_precision(std::string_view text);

}  // namespace cairn::engine
