#include "cairn/eval/average_precision.h"

#include <algorithm>

#include "cairn/base/error.h"

namespace cairn::eval {
namespace {

double ratio(size_t part, size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double average_precision(const std::vector<bool>& relevant, size_t positives) {
  if (positives == 0) return 0;
  double sum = 0;
  size_t found = 0;
  for (size_t rank = 0; rank < relevant.size(); ++rank) {
    if (relevant[rank]) sum += ratio(++found, rank + 1);
  }
  return sum / static_cast<double>(positives);
}

double trapezoidal_average_precision(const std::vector<bool>& relevant, size_t positives) {
  if (positives == 0) return 0;
  double sum = 0;
  size_t found = 0;
  for (size_t rank = 0; rank < relevant.size(); ++rank) {
    if (!relevant[rank]) continue;
    const double before = rank == 0 ? 1.0 : ratio(found, rank);
    sum += (before + ratio(++found, rank + 1)) / 2;
  }
  return sum / static_cast<double>(positives);
}

double interpolated_average_precision(const std::vector<double>& precision,
                                      const std::vector<double>& recall) {
  CAIRN_ASSERT(precision.size() == recall.size());
  double area = 0;
  double highest = 0;  // precision at this rank or later
  for (size_t rank = recall.size(); rank-- > 0;) {
    highest = std::max(highest, precision[rank]);
    area += (recall[rank] - (rank == 0 ? 0.0 : recall[rank - 1])) * highest;
  }
  return area;
}

}  // namespace cairn::eval
