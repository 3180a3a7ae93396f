#include "cairn_train/run/distributed/job.h"

namespace cairn::run {

void run_job(double timeout_seconds, const std::function<void(const Ranks&)>& work) {
  auto ranks = std::make_unique<Ranks>(place_of_process(), timeout_seconds);
  try {
    work(*ranks);
  } catch (const std::exception& error) {
    if (!ranks->alone()) {
      if (dynamic_cast<const LostRank*>(&error) == nullptr) ranks->fail(error.what());
      (void)ranks.release();
    }
    throw;
  }
}

}  // namespace cairn::run
