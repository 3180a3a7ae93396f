#include "interrupt.h"

#include <csignal>

namespace cairn::apps {
namespace {

volatile std::sig_atomic_t interrupt_seen = 0;  // the one thing a signal handler may write

void on_signal(int) { interrupt_seen = 1; }

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return interrupt_seen != 0; }

}  // namespace cairn::apps
