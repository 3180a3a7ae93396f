// One process's part of a job.
#pragma once

#include <functional>

#include "cairn_train/run/distributed/ranks.h"

namespace cairn::run {

// Meets the other processes that the environment names (none: this one is alone), does the work,
// and tells them where it fails. After a failure the connections are left to the end of the
// process, which should come soon and by std::_Exit: waits of theirs may be in progress.
void run_job(double timeout_seconds, const std::function<void(const Ranks&)>& work);

}  // namespace cairn::run
