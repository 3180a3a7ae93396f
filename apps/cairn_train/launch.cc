#include "launch.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cairn/base/error.h"
#include "cairn_train/run/distributed/environment.h"
#include "run_app.h"

namespace cairn::apps {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kGrace = 15s;      // in which the others find out by themselves that one is lost
constexpr auto kStopGrace = 60s;  // to write a checkpoint after the running step
constexpr auto kPoll = 20ms;

volatile std::sig_atomic_t caught_signal = 0;
void remember_signal(int number) { caught_signal = number; }

std::vector<char*> without_processes(int argc, char** argv) {
  std::vector<char*> kept;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--processes")
      ++i;
    else if (!argument.starts_with("--processes="))
      kept.push_back(argv[i]);
  }
  kept.push_back(nullptr);
  return kept;
}

void set(const char* name, int value) { ::setenv(name, std::to_string(value).c_str(), 1); }

[[noreturn]] void become_rank(int rank, int processes, int port, pid_t parent,
                              std::vector<char*>& arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) std::_Exit(kFailed);  // it died in between
  ::setenv("MASTER_ADDR", "127.0.0.1", 1);
  set("MASTER_PORT", port);
  set("RANK", rank);
  set("LOCAL_RANK", rank);
  set("WORLD_SIZE", processes);
  set("LOCAL_WORLD_SIZE", processes);
  ::unsetenv("TORCHELASTIC_USE_AGENT_STORE");
  ::execv("/proc/self/exe", arguments.data());
  fmt::print(stderr, "cairn train: rank {} could not be started: {}\n", rank, std::strerror(errno));
  std::_Exit(kFailed);
}

std::string ending(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("ended with code {}", WEXITSTATUS(status));
}

}  // namespace

int launch(int processes, int argc, char** argv) {
  std::vector<char*> arguments = without_processes(argc, argv);
  if (run::place_of_process().world > 1)
    throw Error(
        "--processes: the environment already makes this process one of several (RANK, "
        "WORLD_SIZE); leave out one of the two");
  const int port = run::free_port();
  std::signal(SIGCHLD, SIG_DFL);  // whoever ignores it never learns how children end
  const pid_t self = ::getpid();
  std::vector<pid_t> running;  // by rank; 0: has ended
  for (int rank = 0; rank < processes; ++rank) {
    const pid_t child = ::fork();
    if (child == 0) become_rank(rank, processes, port, self, arguments);
    if (child < 0) {
      for (const pid_t other : running) ::kill(other, SIGTERM);
      throw Error(
          fmt::format("--processes: rank {} could not be started: {}", rank, std::strerror(errno)));
    }
    running.push_back(child);
  }
  std::signal(SIGINT, remember_signal);
  std::signal(SIGTERM, remember_signal);
  const auto end_all = [&](int number) {
    for (const pid_t child : running)
      if (child > 0) ::kill(child, number);
  };
  int code = 0;
  int left = processes;
  Clock::time_point next_blow = Clock::time_point::max();
  int blow = SIGTERM;
  while (left > 0) {
    for (size_t rank = 0; rank < running.size(); ++rank) {
      int status = 0;
      if (running[rank] <= 0 || ::waitpid(running[rank], &status, WNOHANG) <= 0) continue;
      running[rank] = 0;
      --left;
      if (status == 0) continue;
      if (code == 0) {
        code = kFailed;
        next_blow = Clock::now() + kGrace;
        fmt::print(stderr, "cairn train: rank {} of {} {}\n", rank, processes, ending(status));
      }
    }
    if (caught_signal != 0) {
      caught_signal = 0;
      code = kFailed;
      end_all(blow);
      blow = SIGKILL;
      next_blow = Clock::now() + kStopGrace;
    }
    if (left > 0 && Clock::now() >= next_blow) {
      end_all(blow);
      blow = SIGKILL;
      next_blow = Clock::now() + kGrace;
    }
    std::this_thread::sleep_for(kPoll);
  }
  return code;
}

}  // namespace cairn::apps
