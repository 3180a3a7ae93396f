// Progress of long work on stderr: a bar with rate and ETA on a terminal, plain lines every few
// seconds otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace cairn {

// Thread-safe. The destructor ends the line.
class Progress {
 public:
  // title: "embedding"; unit: "images"; done: what an earlier run finished already.
  Progress(std::string title, std::string unit, uint64_t total, uint64_t done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(uint64_t count = 1);
  // A short text after the numbers: "loss 2.31".
  void note(const std::string& text);

 private:
  void draw(bool last);

  using Clock = std::chrono::steady_clock;
  const std::string title_;
  const std::string unit_;
  const uint64_t total_;
  const uint64_t start_;
  const bool terminal_;
  const Clock::time_point started_ = Clock::now();
  std::mutex mutex_;
  uint64_t done_;
  std::string note_;
  Clock::time_point drawn_;
};

}  // namespace cairn
