// Contenders that take turns, and what the system says of this process.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cairn::bench {

inline double milliseconds(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

inline std::string status(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key + ":")) return line;
  return key + ": unknown";
}

// Contenders in turns: medians of milliseconds.
struct Contender {
  const char* name;
  std::function<void(size_t round)> run;
  double gigabytes = 0;  // that it reads, where known
  std::vector<double> times = {};
};

// Times of each by its name, in milliseconds by round. Each runs once uncounted in its turn, with
// what another round is for: what the others leave in caches and page tables is not its own.
inline nlohmann::json compare(const std::string& title, std::vector<Contender> contenders,
                              size_t rounds) {
  nlohmann::json times;
  for (size_t round = 0; round < rounds; ++round)
    for (Contender& its : contenders) {
      its.run(rounds + round);
      its.times.push_back(milliseconds([&] { its.run(round); }));
    }
  std::printf("%s\n", title.c_str());
  for (const Contender& its : contenders) {
    const double time = median(its.times);
    std::printf("  %-18s %9.2f ms (%.2f to %.2f), x %.2f", its.name, time,
                *std::min_element(its.times.begin(), its.times.end()),
                *std::max_element(its.times.begin(), its.times.end()),
                time / median(contenders[0].times));
    if (its.gigabytes > 0) std::printf(", %.1f GB/s", its.gigabytes * 1000 / time);
    std::printf("\n");
    times[its.name] = its.times;
  }
  return times;
}

}  // namespace cairn::bench
