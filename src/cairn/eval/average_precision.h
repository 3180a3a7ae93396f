// Average precision of one ranking, in the three usual forms.
#pragma once

#include <cstddef>
#include <vector>

namespace cairn::eval {

// A ranking is given as marks: relevant[i] says whether the item at rank i (from 0) is relevant.
// positives is the number of relevant items there are, found or not; with 0 every form is 0.

// Mean over the positives of the precision at their ranks (positives not found give 0).
double average_precision(const std::vector<bool>& relevant, size_t positives);

// The same with each precision averaged with the one just before the rank (1 before rank 0): the
// trapezoidal rule of the Oxford, Holidays and DELG evaluations.
double trapezoidal_average_precision(const std::vector<bool>& relevant, size_t positives);

// Area under the precision-recall points after precision is made to fall monotonically (Pascal VOC
// 2010). Precision and recall of each rank, recall not falling.
double interpolated_average_precision(const std::vector<double>& precision,
                                      const std::vector<double>& recall);

}  // namespace cairn::eval
