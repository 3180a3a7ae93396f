// From what was measured to the grids of 8 bits: of the values between layers, and of weights.
#pragma once

#include <string>
#include <vector>

#include "cairn/engine/graph.h"
#include "cairn/quantize/histogram.h"

namespace cairn::quantize {

// How the range of a value is chosen. Numbers beyond it become its ends.
enum class Calibration {
  kMax,         // all numbers that were seen
  kPercentile,  // all but a share on each side
  kKl,          // where the histogram on the grid diverges least from the real one (Migacz, "8-bit
                // Inference with TensorRT", 2017)
};

// Throws Error for a text other than max, percentile and kl.
Calibration parse_calibration(const std::string& name);

struct Range {
  double low = 0;  // <= 0
  double high = 0;
};

// percentile: of the numbers that stay on each side, 50 to 100; kPercentile alone.
Range choose_range(const Histogram& histogram, Calibration calibration, double percentile);

// Unsigned, with zero on the grid, as padding wants it; at 0 where nothing is negative.
engine::Grid grid_of_range(const Range& range);

// How the scales of weights are chosen, one for each output channel (the first axis).
enum class WeightScales {
  kMax,           // the largest weight is ±127
  kLeastSquares,  // a little less, where that brings the weights nearer to what they were
};

// weights: float32. Nearest steps of -127 to 127; zero is zero.
engine::QuantisedWeights quantise_weights(const engine::Tensor& weights, WeightScales scales);

}  // namespace cairn::quantize
