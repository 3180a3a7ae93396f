// Numbers on the command line: checks, with messages that say what is allowed, and the option that
// all commands share.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <string>

namespace cairn::apps {

// A finite number for which `allowed` holds; `wanted` says which those are.
template <typename Allowed>
CLI::Validator number_that(const std::string& wanted, Allowed allowed) {
  const auto check = [wanted, allowed](const std::string& text) -> std::string {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [last, failed] = std::from_chars(text.data(), end, value);
    const bool fits =
        failed == std::errc() && last == end && std::isfinite(value) && allowed(value);
    return fits ? "" : fmt::format("must be a number{}, not {}", wanted, text);
  };
  return CLI::Validator([check](std::string& text) { return check(text); }, "", "number");
}

inline CLI::Validator any_number() {
  return number_that("", [](double) { return true; });
}

inline CLI::Validator at_least(double low) {
  return number_that(fmt::format(" of at least {:.15g}", low),
                     [low](double value) { return value >= low; });
}

inline CLI::Validator above(double low) {
  return number_that(fmt::format(" above {:.15g}", low),
                     [low](double value) { return value > low; });
}

inline CLI::Validator between(double low, double high) {
  return number_that(fmt::format(" from {:.15g} to {:.15g}", low, high),
                     [low, high](double value) { return value >= low && value <= high; });
}

inline void add_threads(CLI::App& app, int& threads) {
  app.add_option("--threads", threads, "worker threads; 0: all cores")
      ->check(at_least(0))
      ->capture_default_str();
}

}  // namespace cairn::apps
