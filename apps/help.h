// How all commands print their options: `--name METAVAR`, what it means, whether it is required,
// and its default.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace cairn::apps {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(32); }

 private:
  static constexpr size_t kLine = 100;

  // An option_text, or else what the type tells: a choice as {a,b,c}, N, or X for fractions.
  static std::string metavar(const CLI::Option& option) {
    if (!option.get_option_text().empty()) return option.get_option_text();
    const std::string type = option.get_type_name();
    if (const size_t choice = type.find('{'); choice != std::string::npos)
      return type.substr(choice);
    if (type.starts_with("INT") || type.starts_with("UINT")) return "N";
    return type.starts_with("FLOAT") ? "X" : "TEXT";
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    const bool flag = option->get_items_expected_max() == 0;
    return flag ? "" : " " + metavar(*option);
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (option->get_required()) text += " (required)";
    if (!option->get_default_str().empty()) text += " (default: " + option->get_default_str() + ")";
    return wrapped(text, kLine - get_column_width());
  }

  static std::string wrapped(const std::string& text, size_t width) {
    std::string lines;
    size_t length = 0;  // of the last line
    for (const std::string& word : CLI::detail::split(text, ' ')) {
      const bool fits = length + 1 + word.size() <= width;
      if (length > 0) lines += fits ? ' ' : '\n';
      length = length > 0 && fits ? length + 1 + word.size() : word.size();
      lines += word;
    }
    return lines;
  }
};

}  // namespace cairn::apps
