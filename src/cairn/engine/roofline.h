// What one core of this machine can do at best, measured in a tenth of a second: for profiles that
// say how near to it a network runs (Williams et al., "Roofline", 2009).
#pragma once

#include <cstddef>

#include "cairn/engine/precision.h"

namespace cairn::engine {

struct Roofline {
  double flops_per_second = 0;  // of oneDNN's product of two matrices of 768 x 768
  double int8_per_second = 0;   // the same of 8-bit numbers
  double bytes_per_second = 0;  // read and written by copies within the working set

  // The least time for so many operations, of 8-bit numbers or others, and bytes.
  double seconds(double flops, bool int8, double bytes) const;
};

// bf16 is measured as float32 where the processor has no such products.
Roofline measure_roofline(Precision precision, size_t working_set);

}  // namespace cairn::engine
