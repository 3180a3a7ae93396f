#include "cairn_train/run/distributed/testing/processes.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cairn_train/run/distributed/job.h"

namespace cairn::testing {
namespace {

[[noreturn]] void be_rank(int rank, int world, int port,
                          const std::function<void(const run::Ranks&)>& work,
                          double timeout_seconds) {
  const auto set = [](const char* name, int value) {
    ::setenv(name, std::to_string(value).c_str(), 1);
  };
  set("RANK", rank);
  set("WORLD_SIZE", world);
  set("LOCAL_RANK", rank);
  set("LOCAL_WORLD_SIZE", world);
  set("MASTER_PORT", port);
  ::setenv("MASTER_ADDR", "127.0.0.1", 1);
  int code = kDone;
  try {
    run::run_job(timeout_seconds, work);
    if (::testing::Test::HasFailure()) code = kUnmet;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
    code = kThrew;
  }
  std::fflush(nullptr);
  std::_Exit(code);
}

}  // namespace

std::vector<int> run_ranks(int world, const std::function<void(const run::Ranks&)>& work,
                           double timeout_seconds) {
  const int port = run::free_port();
  std::vector<pid_t> children;
  std::fflush(nullptr);
  for (int rank = 0; rank < world; ++rank) {
    const pid_t child = ::fork();
    if (child == 0) be_rank(rank, world, port, work, timeout_seconds);
    children.push_back(child);
  }
  std::vector<int> codes;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    codes.push_back(WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
  }
  return codes;
}

}  // namespace cairn::testing
