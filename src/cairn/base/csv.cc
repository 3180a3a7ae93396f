#include "cairn/base/csv.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "cairn/base/error.h"

namespace cairn {

CsvReader::CsvReader(const std::filesystem::path& path)
    : path_(path), in_(std::make_unique<std::ifstream>(path, std::ios::binary)) {
  if (!*in_ || std::filesystem::is_directory(path)) {
    throw Error(path.string() + ": cannot open: " + std::strerror(errno));
  }
  if (!read_record(header_)) throw Error(path.string() + ": empty file, a header row was expected");
  static constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (header_[0].starts_with(kByteOrderMark)) header_[0].erase(0, kByteOrderMark.size());
}

CsvReader::~CsvReader() = default;

bool CsvReader::has_column(std::string_view name) const {
  return std::find(header_.begin(), header_.end(), name) != header_.end();
}

size_t CsvReader::column(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) {
    std::string columns = csv_line(header_);
    columns.pop_back();
    throw Error(path_.string() + ": no column \"" + std::string(name) + "\"; its columns are " +
                columns);
  }
  return static_cast<size_t>(found - header_.begin());
}

std::string CsvReader::where() const { return path_.string() + ":" + std::to_string(line_); }

bool CsvReader::next(std::vector<std::string>& fields) {
  if (!read_record(fields)) return false;
  if (fields.size() != header_.size()) {
    throw Error(where() + ": " + std::to_string(fields.size()) + " fields, but the header has " +
                std::to_string(header_.size()));
  }
  return true;
}

bool CsvReader::read_record(std::vector<std::string>& fields) {
  std::string text;
  do {
    if (!std::getline(*in_, text)) return false;
    line_ = next_line_++;
    if (!text.empty() && text.back() == '\r') text.pop_back();
  } while (text.empty());

  fields.clear();
  fields.emplace_back();
  bool quoted = false;
  for (size_t i = 0;; ++i) {
    if (i == text.size()) {
      if (!quoted) return true;
      std::string more;
      if (!std::getline(*in_, more)) throw Error(where() + ": a quoted field is never closed");
      ++next_line_;
      if (!more.empty() && more.back() == '\r') more.pop_back();
      text = "\n" + more;
      i = 0;
    }
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    line += csv_field(fields[i]);
  }
  return line + "\n";
}

}  // namespace cairn
