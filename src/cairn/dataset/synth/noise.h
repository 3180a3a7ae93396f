// Hash-based noise: a function of position and seed, so any texel can be drawn in any order.
#pragma once

#include <cstdint>

namespace cairn::synth {

// Uniform in [0, 1) for an integer position.
float hash01(int x, int y, uint32_t seed);

// Smooth value noise in [0, 1] that repeats every `period` cells in x and y.
float value_noise(float x, float y, int period, uint32_t seed);

// Sum of octaves of value noise, each half as strong and twice as fine; in [0, 1]. Repeats every
// `period` cells.
float fractal_noise(float x, float y, int period, int octaves, uint32_t seed);

}  // namespace cairn::synth
