// What one core of this machine can do at best, measured in a tenth of a second: for profiles that
// say how near to it a network runs (Williams et al., "Roofline", 2009).
#pragma once

#include <cstddef>

#include "cairn/engine/precision.h"

namespace cairn::engine {

struct Roofline {
  double flops_per_second = 0;  // of oneDNN's product of two matrices of 768 x 768
  double bytes_per_second = 0;  // read and written by copies within the working set

  // The least time for so many operations and bytes.
  double seconds(double flops, double bytes) const;
};

// bf16 is measured as float32 where the processor has no such products.
Roofline measure_roofline(Precision precision, size_t working_set);

}  // namespace cairn::engine
