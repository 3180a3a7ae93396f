// Post-training static quantisation of convolutional networks to 8 bits (Jacob et al., 2018;
// Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference", 2018).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cairn/dataset/photos.h"
#include "cairn/embed/embedder.h"
#include "cairn/quantize/grids.h"
#include "cairn/quantize/sample.h"

namespace cairn::quantize {

struct QuantizeOptions {
  Calibration calibration = Calibration::kPercentile;
  double percentile = 99.999;
  WeightScales weight_scales = WeightScales::kLeastSquares;
  bool depthwise = false;    // quantise these convolutions too
  bool correct_bias = true;  // so that each channel keeps its mean (Nagel et al., "Data-Free
                             // Quantization Through Weight Equalization and Bias Correction", 2019)
  double min_cosine = 0.99;  // to the float32 outputs; the layers that lose most stay float32
  embed::EmbedderOptions embedder;  // size, mean, std, output
  Sampling sampling;                // but its size
};

// What became of one convolution.
struct LayerReport {
  std::string name;
  bool int8 = false;
  // Power of the result by power of its error in 8 bits, in dB, where its input is exact; NaN where
  // it was not measured.
  double sqnr = 0;
  std::string reason;  // why it is float32
};

struct QuantizeReport {
  std::vector<LayerReport> layers;  // in execution order
  size_t calibration_photos = 0;
  size_t check_photos = 0;        // that the cosines are of
  double cosine = 0;              // mean, of the model that was written
  double least_cosine = 0;        // of one photo
  double cosine_of_all_int8 = 0;  // mean, before layers were taken back
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
  size_t count_int8() const;
};

// With as many digits as tell it from 1, and at least five.
std::string cosine_text(double cosine);

// Writes `out`, an ONNX file with QuantizeLinear and DequantizeLinear around the convolutions that
// are computed in 8 bits (see rewrite.h). Same model, photos and options: same bytes, on any number
// of threads. A fifth of the photos, 100 at most, is for checking alone. Throws Error where the
// model is no float32 network of photos with convolutions, no photo can be read, `out` cannot be
// written, or the work was stopped; then nothing stands under that name.
QuantizeReport quantize_model(const std::filesystem::path& model,
                              std::vector<dataset::Photo> photos, const std::filesystem::path& out,
                              const QuantizeOptions& options);

}  // namespace cairn::quantize
