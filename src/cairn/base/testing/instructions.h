// Kernels with less than the processor has.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>
#include <functional>

namespace cairn::testing {

// Runs `test` with each set of instructions that Highway has code for and the processor knows, and
// with the plainest.
inline void with_any_instructions(const std::function<void()>& test) {
  const int64_t all = hwy::SupportedTargets() | HWY_SCALAR;
  for (int64_t left = all; left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace cairn::testing
