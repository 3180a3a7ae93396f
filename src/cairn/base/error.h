// The error types of Cairn (see docs/layers.md).
//
// What a user can cause and what ends the operation throws cairn::Error, with the file, the value
// and what to do. What is expected to happen now and then (a broken photo in a folder) is a Result.
// Bugs are CAIRN_ASSERT.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace cairn {

// One line that says what went wrong, where (file, line, key), and what to do about it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Why a Result has no value.
struct Failure {
  std::string reason;
};

// A value, or the reason why there is none.
template <typename T>
class Result {
 public:
  Result(T value) : state_(std::move(value)) {}            // NOLINT: implicit by design
  Result(Failure failure) : state_(std::move(failure)) {}  // NOLINT: implicit by design

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  const T& value() const { return std::get<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const std::string& reason() const { return std::get<Failure>(state_).reason; }

  // The value, or an Error "where: reason".
  T value_or_throw(const std::string& where) && {
    if (!ok()) throw Error(where + ": " + reason());
    return std::move(std::get<T>(state_));
  }

 private:
  std::variant<T, Failure> state_;
};

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace cairn

// For bugs only: a condition that no input can break.
#define CAIRN_ASSERT(condition) \
  ((condition) ? void() : ::cairn::assertion_failed(#condition, __FILE__, __LINE__))
