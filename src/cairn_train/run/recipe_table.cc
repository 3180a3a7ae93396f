#include "cairn_train/run/recipe_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "cairn/base/error.h"

namespace cairn::run {
namespace {

using Node = YAML::Node;

template <typename T>
std::optional<T> parse_number(const Node& node) {
  if (!node.IsScalar()) return std::nullopt;
  const std::string& text = node.Scalar();
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A scalar as YAML that reads back as the same text.
std::string show_text(const std::string& text) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << text;
  return out.c_str();
}

template <typename Items, typename Show>
std::string show_list(const Items& items, Show show) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(show(item));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

// A list, or one scalar as a list of one.
std::vector<Node> items_of(const Node& node) {
  if (node.IsNull()) return {};
  if (!node.IsSequence()) return {node};
  return {node.begin(), node.end()};
}

}  // namespace

void RecipeTable::whole(const std::string& key, int& target, int low, int high,
                        const std::string& meaning) {
  const std::string allowed = fmt::format("a whole number from {} to {}", low, high);
  add(
      key, meaning + " (" + allowed + ")",
      [&target, low, high, allowed](const Node& node) {
        const auto value = parse_number<int>(node);
        if (!value || *value < low || *value > high) throw Error(allowed);
        target = *value;
      },
      [&target] { return std::to_string(target); });
}

void RecipeTable::seed(const std::string& key, uint64_t& target, const std::string& meaning) {
  add(
      key, meaning,
      [&target](const Node& node) {
        const auto value = parse_number<uint64_t>(node);
        if (!value) throw Error("a whole number from 0 on");
        target = *value;
      },
      [&target] { return std::to_string(target); });
}

void RecipeTable::number(const std::string& key, double& target, double low, double high,
                         const std::string& meaning) {
  const std::string allowed = fmt::format("a number from {} to {}", low, high);
  add(
      key, meaning + " (" + allowed + ")",
      [&target, low, high, allowed](const Node& node) {
        const auto value = parse_number<double>(node);
        if (!value || !(*value >= low && *value <= high)) throw Error(allowed);
        target = *value;
      },
      [&target] { return fmt::format("{}", target); });
}

void RecipeTable::flag(const std::string& key, bool& target, const std::string& meaning) {
  add(
      key, meaning + " (true or false)",
      [&target](const Node& node) {
        if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false"))
          throw Error("true or false");
        target = node.Scalar() == "true";
      },
      [&target] { return std::string(target ? "true" : "false"); });
}

void RecipeTable::text(const std::string& key, std::string& target, const std::string& meaning) {
  add(
      key, meaning,
      [&target](const Node& node) {
        if (!node.IsScalar() && !node.IsNull()) throw Error("one text");
        target = node.IsNull() ? "" : node.Scalar();
      },
      [&target] { return show_text(target); });
}

void RecipeTable::choice(const std::string& key, std::string& target,
                         const std::vector<std::string>& values, const std::string& meaning) {
  const std::string allowed = fmt::format("one of {}", fmt::join(values, ", "));
  add(
      key, meaning + " (" + allowed + ")",
      [&target, values, allowed](const Node& node) {
        if (!node.IsScalar() || std::ranges::count(values, node.Scalar()) == 0)
          throw Error(allowed);
        target = node.Scalar();
      },
      [&target] { return target; });
}

void RecipeTable::texts(const std::string& key, std::vector<std::string>& target,
                        const std::string& meaning) {
  add(
      key, meaning + " (a list)",
      [&target](const Node& node) {
        std::vector<std::string> values;
        for (const Node& item : items_of(node)) {
          if (!item.IsScalar()) throw Error("a list of texts");
          values.push_back(item.Scalar());
        }
        target = values;
      },
      [&target] { return show_list(target, show_text); });
}

void RecipeTable::channels(const std::string& key, std::vector<double>& target, double low,
                           bool none_allowed, const std::string& meaning) {
  const std::string allowed = fmt::format("one number or three (RGB), each from {} to 255", low);
  add(
      key, meaning + " (" + allowed + ")",
      [&target, low, none_allowed, allowed](const Node& node) {
        std::vector<double> values;
        for (const Node& item : items_of(node)) {
          const auto value = parse_number<double>(item);
          if (!value || !(*value >= low && *value <= 255)) throw Error(allowed);
          values.push_back(*value);
        }
        const bool right_count =
            values.size() == 1 || values.size() == 3 || (values.empty() && none_allowed);
        if (!right_count) throw Error(allowed);
        target = values;
      },
      [&target] { return show_list(target, [](double v) { return fmt::format("{}", v); }); });
}

void RecipeTable::ascending(const std::string& key, std::vector<double>& target, double low,
                            double high, const std::string& meaning) {
  const std::string allowed = fmt::format("a list of growing numbers from {} to {}", low, high);
  add(
      key, meaning + " (" + allowed + ")",
      [&target, low, high, allowed](const Node& node) {
        std::vector<double> values;
        for (const Node& item : items_of(node)) {
          const auto value = parse_number<double>(item);
          const bool grows = values.empty() || (value && *value > values.back());
          if (!value || !(*value >= low && *value <= high) || !grows) throw Error(allowed);
          values.push_back(*value);
        }
        target = values;
      },
      [&target] { return show_list(target, [](double v) { return fmt::format("{}", v); }); });
}

void RecipeTable::range(const std::string& key, std::array<double, 2>& target, double low,
                        double high, const std::string& meaning) {
  const std::string allowed = fmt::format("[low, high], both from {} to {}, low ≤ high", low, high);
  add(
      key, meaning + " (" + allowed + ")",
      [&target, low, high, allowed](const Node& node) {
        if (!node.IsSequence() || node.size() != 2) throw Error(allowed);
        const auto first = parse_number<double>(node[0]);
        const auto second = parse_number<double>(node[1]);
        if (!first || !second || !(*first >= low && *first <= *second && *second <= high))
          throw Error(allowed);
        target = {*first, *second};
      },
      [&target] { return show_list(target, [](double v) { return fmt::format("{}", v); }); });
}

void RecipeTable::id(const std::string& key, int64_t& target, const std::string& meaning) {
  add(
      key, meaning,
      [&target](const Node& node) {
        const auto value = parse_number<int64_t>(node);
        if (!value) throw Error("a whole number");
        target = *value;
      },
      [&target] { return std::to_string(target); });
}

void RecipeTable::choices(const std::string& key, std::vector<std::string>& target,
                          const std::vector<std::string>& values, const std::string& meaning) {
  const std::string allowed = fmt::format("a list of {}", fmt::join(values, ", "));
  add(
      key, meaning + " (" + allowed + ")",
      [&target, values, allowed](const Node& node) {
        std::vector<std::string> chosen;
        for (const Node& item : items_of(node)) {
          const bool known = item.IsScalar() && std::ranges::count(values, item.Scalar()) > 0;
          if (!known || std::ranges::count(chosen, item.Scalar()) > 0)
            throw Error(allowed + ", each at most once");
          chosen.push_back(item.Scalar());
        }
        target = chosen;
      },
      [&target] { return show_list(target, show_text); });
}

void RecipeTable::add(const std::string& key, const std::string& meaning,
                      std::function<void(const Node&)> read, std::function<std::string()> show) {
  fields_.push_back({key, meaning, shapes_weights, std::move(read), std::move(show)});
}

}  // namespace cairn::run
