// Kernels with less than the processor has.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>
#include <functional>

namespace cairn::search::testing {

// Runs `test` with each set of instructions that search has kernels for and the processor knows.
inline void with_any_instructions(const std::function<void()>& test) {
  const int64_t all = hwy::SupportedTargets();
  for (const int64_t best : {all, int64_t{HWY_AVX3}, int64_t{HWY_AVX2}, int64_t{HWY_SCALAR}}) {
    if ((all & best) == 0 && best != HWY_SCALAR) continue;
    hwy::SetSupportedTargetsForTest(best);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(best);
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace cairn::search::testing
