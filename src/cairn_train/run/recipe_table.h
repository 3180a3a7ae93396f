// The kinds of values that a recipe key can have: each gives a key its reader and its printer.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cairn_train/run/recipe_fields.h"

namespace cairn::run {

// Collects fields. A field's reader throws Error with what is allowed alone. Targets must outlive
// the fields.
class RecipeTable {
 public:
  // Keys added next are (not) part of what makes two runs the same.
  bool shapes_weights = true;

  void whole(const std::string& key, int& target, int low, int high, const std::string& meaning);
  void seed(const std::string& key, uint64_t& target, const std::string& meaning);
  // Any 64-bit number with its sign.
  void id(const std::string& key, int64_t& target, const std::string& meaning);
  void number(const std::string& key, double& target, double low, double high,
              const std::string& meaning);
  void flag(const std::string& key, bool& target, const std::string& meaning);
  void text(const std::string& key, std::string& target, const std::string& meaning);
  void choice(const std::string& key, std::string& target, const std::vector<std::string>& values,
              const std::string& meaning);
  void texts(const std::string& key, std::vector<std::string>& target, const std::string& meaning);
  // Any of the values, each at most once.
  void choices(const std::string& key, std::vector<std::string>& target,
               const std::vector<std::string>& values, const std::string& meaning);
  // One number or three: red, green, blue in 0–255 pixel units. none_allowed: the list may be
  // empty.
  void channels(const std::string& key, std::vector<double>& target, double low, bool none_allowed,
                const std::string& meaning);
  // Numbers that grow, none allowed.
  void ascending(const std::string& key, std::vector<double>& target, double low, double high,
                 const std::string& meaning);
  // [low, high] of the target, both from `low` to `high`.
  void range(const std::string& key, std::array<double, 2>& target, double low, double high,
             const std::string& meaning);

  std::vector<RecipeField> take() { return std::move(fields_); }

 private:
  void add(const std::string& key, const std::string& meaning,
           std::function<void(const YAML::Node&)> read, std::function<std::string()> show);

  std::vector<RecipeField> fields_;
};

}  // namespace cairn::run
