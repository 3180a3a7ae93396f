// CSV tables (RFC 4180): quoted fields, doubled quotes, CRLF or LF, a UTF-8 byte order mark.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

// Reads a table row by row; memory does not grow with the file.
class CsvReader {
 public:
  // Opens the file and reads the header row. Throws Error.
  explicit CsvReader(const std::filesystem::path& path);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  const std::vector<std::string>& header() const { return header_; }
  bool has_column(std::string_view name) const;
  // Position of a column; throws Error that lists the columns there are.
  size_t column(std::string_view name) const;

  // The next row into fields (as many as the header has), or false at the end. Empty lines are
  // skipped. Throws Error with the line number where the number of fields is wrong or a quote stays
  // open.
  bool next(std::vector<std::string>& fields);

  size_t line() const { return line_; }  // of the row read last, from 1
  std::string where() const;             // "file:line"

 private:
  bool read_record(std::vector<std::string>& fields);

  std::filesystem::path path_;
  std::unique_ptr<std::istream> in_;
  std::vector<std::string> header_;
  size_t line_ = 0;
  size_t next_line_ = 1;
};

// The field as CSV: quoted where it holds a comma, quote or line break.
std::string csv_field(std::string_view text);

// The fields as one CSV line, with '\n'.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace cairn
