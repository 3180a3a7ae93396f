#include "cairn/dataset/text.h"

#include <charconv>

#include "cairn/base/error.h"

namespace cairn::dataset {

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(' '); at != std::string_view::npos;) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(' ', end);
  }
  return words;
}

int64_t parse_landmark(std::string_view text, const std::string& where) {
  int64_t landmark = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), landmark);
  if (failed != std::errc() || end != text.data() + text.size()) {
    throw Error(where + ": landmark id \"" + std::string(text) + "\" is no whole number");
  }
  return landmark;
}

}  // namespace cairn::dataset
