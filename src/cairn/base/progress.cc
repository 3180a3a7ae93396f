#include "cairn/base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cairn {
namespace {

std::string duration_text(double seconds) {
  const auto total = static_cast<int64_t>(seconds + 0.5);
  if (total >= 3600)
    return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  return fmt::format("{}:{:02}", total / 60, total % 60);
}

}  // namespace

Progress::Progress(std::string title, std::string unit, uint64_t total, uint64_t done)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      start_(done),
      terminal_(::isatty(STDERR_FILENO) == 1),
      done_(done),
      drawn_(Clock::now()) {}

Progress::~Progress() {
  const std::lock_guard lock(mutex_);
  draw(true);
}

void Progress::advance(uint64_t count) {
  const std::lock_guard lock(mutex_);
  done_ += count;
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (Clock::now() - drawn_ >= pause) draw(false);
}

void Progress::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  note_ = text;
}

void Progress::draw(bool last) {
  drawn_ = Clock::now();
  const double seconds = std::chrono::duration<double>(drawn_ - started_).count();
  const double rate = static_cast<double>(done_ - start_) / std::max(seconds, 1e-9);
  std::string line = title_ + " ";
  if (terminal_ && total_ > 0) {
    constexpr size_t kWidth = 24;
    const size_t filled = std::min<size_t>(kWidth, kWidth * done_ / total_);
    line += "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] ";
  }
  line += fmt::format("{}/{} {}, {:.1f}/s", done_, total_, unit_, rate);
  if (last) {
    line += fmt::format(", {}", duration_text(seconds));
  } else if (rate > 0 && total_ > done_) {
    line += fmt::format(", ETA {}", duration_text(static_cast<double>(total_ - done_) / rate));
  }
  if (!note_.empty()) line += ", " + note_;
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ && !last ? "" : "\n");
  std::fflush(stderr);
}

}  // namespace cairn
