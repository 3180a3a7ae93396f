// Ranks of a job as processes of a test.
#pragma once

#include <functional>
#include <vector>

#include "cairn_train/run/distributed/ranks.h"

namespace cairn::testing {

// What a rank ended with.
constexpr int kDone = 0;
constexpr int kUnmet = 11;  // an expectation of the test failed in it
constexpr int kThrew = 12;

// Forks `world` processes, has each do the work as a rank of one job, and returns their exit codes
// by rank (-signal for a killed one). Failed expectations of a rank are printed by it.
std::vector<int> run_ranks(int world, const std::function<void(const run::Ranks&)>& work,
                           double timeout_seconds = 60);

}  // namespace cairn::testing
