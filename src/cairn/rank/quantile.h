// Quantile normalisation of embeddings: every dimension follows the normal distribution.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cairn::rank {

// As scikit-learn's QuantileTransformer with normal output, fitted on the rows of one set and
// applied to others.
class QuantileTransform {
 public:
  // values: N×dim, N > 0. Uses min(N, quantiles) quantiles.
  QuantileTransform(std::span<const float> values, size_t dim, size_t quantiles = 1000);

  // In place: N×dim. Rows are divided by their length afterwards (rows of zeros stay).
  void apply(std::vector<float>& values) const;
  // Without that.
  void apply_unscaled(std::vector<float>& values) const;

 private:
  float transform(float value, size_t dimension) const;

  size_t dim_;
  size_t count_;                    // of quantiles
  std::vector<double> references_;  // dim × count, ascending
};

// The inverse of the standard normal distribution function, 0 < p < 1, to about 1e-15 (Acklam's
// approximation with one Halley step).
double normal_quantile(double p);

}  // namespace cairn::rank
