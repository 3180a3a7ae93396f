// The ids of rows: strings in memory, or lines of a file that are looked at when they are needed.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace cairn::search {

// Lines that are not in memory.
class Lines {
 public:
  virtual ~Lines() = default;
  virtual size_t size() const = 0;
  virtual std::string_view line(size_t i) const = 0;
};

// Cheap to copy; does not own the ids.
class Ids {
 public:
  Ids() = default;
  template <typename Strings>
  requires std::convertible_to<const Strings&, std::span<const std::string>> Ids(
      const Strings& strings)
      : strings_(strings) {}  // NOLINT: implicit by design
  explicit Ids(const Lines& lines) : lines_(&lines) {}

  size_t size() const { return lines_ == nullptr ? strings_.size() : lines_->size(); }
  std::string_view operator[](size_t i) const {
    return lines_ == nullptr ? std::string_view(strings_[i]) : lines_->line(i);
  }

 private:
  std::span<const std::string> strings_;
  const Lines* lines_ = nullptr;
};

}  // namespace cairn::search
