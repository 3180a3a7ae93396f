#include "cairn_train/run/distributed/job.h"

#include <csignal>

namespace cairn::run {

void run_job(double timeout_seconds, const std::function<void(const Ranks&)>& work) {
  auto ranks = std::make_unique<Ranks>(place_of_process(), timeout_seconds);
  // Some builds of gloo write to the sockets of processes that are gone without MSG_NOSIGNAL: the
  // signal would end this process before it can say which rank was lost.
  if (!ranks->alone()) std::signal(SIGPIPE, SIG_IGN);
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
