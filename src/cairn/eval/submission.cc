#include "cairn/eval/submission.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <functional>
#include <ostream>
#include <sstream>
#include <unordered_set>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"

namespace cairn::eval {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

template <typename Number>
Number parse_number(const std::string& text, const char* what, const std::string& where) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || stop != end) {
    throw Error(where + ": the " + what + " \"" + text + "\" is not a number");
  }
  return number;
}

// Calls take(id, words of the column, where) for each row.
void read_rows(const std::filesystem::path& file, const char* column,
               const std::function<void(const std::string&, std::vector<std::string>,
                                        const std::string&)>& take) {
  CsvReader reader(file);
  const size_t id = reader.column("id");
  const size_t answer = reader.column(column);
  std::unordered_set<std::string> seen;
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields[id].empty()) throw Error(reader.where() + ": the id is empty");
    if (!seen.insert(fields[id]).second) {
      throw Error(reader.where() + ": query " + fields[id] + " is answered twice");
    }
    take(fields[id], words_of(fields[answer]), reader.where());
  }
}

RecognitionAnswer parse_answer(const std::string& id, const std::vector<std::string>& words,
                               const std::string& where) {
  RecognitionAnswer answer{id, std::nullopt, 0};
  if (words.empty()) return answer;
  if (words.size() != 2) {
    throw Error(where + ": landmarks has " + std::to_string(words.size()) +
                " words; it must be \"landmark_id confidence\" or empty");
  }
  answer.landmark = parse_number<int64_t>(words[0], "landmark id", where);
  answer.confidence = parse_number<double>(words[1], "confidence", where);
  if (!std::isfinite(answer.confidence)) {
    throw Error(where + ": the confidence " + words[1] + " is not finite");
  }
  return answer;
}

}  // namespace

void require_image_id(const std::string& id, const std::filesystem::path& file) {
  if (id.empty() || id.find_first_of(" \t\r\n") != std::string::npos)
    throw Error(file.string() + ": the image id \"" + id +
                "\" holds a space: a submission separates ids by spaces; rename the photo");
}

namespace {

std::string joined(const RetrievalAnswer& answer, const std::filesystem::path& file) {
  if (answer.images.size() > kSubmittedImages) {
    throw Error(file.string() + ": query " + answer.id + " has " +
                std::to_string(answer.images.size()) + " images; a submission takes " +
                std::to_string(kSubmittedImages) + " at most");
  }
  std::string text;
  for (const std::string& image : answer.images) {
    require_image_id(image, file);
    if (!text.empty()) text += ' ';
    text += image;
  }
  return text;
}

}  // namespace

void write_recognition_submission(const std::filesystem::path& file,
                                  const std::vector<RecognitionAnswer>& answers) {
  write_stream_atomically(file, [&](std::ostream& out) {
    out << "id,landmarks\n";
    for (const RecognitionAnswer& answer : answers) {
      CAIRN_ASSERT(std::isfinite(answer.confidence));
      out << csv_line({answer.id, answer.landmark
                                      ? fmt::format("{} {}", *answer.landmark, answer.confidence)
                                      : ""});
    }
  });
}

std::vector<RecognitionAnswer> read_recognition_submission(const std::filesystem::path& file) {
  std::vector<RecognitionAnswer> answers;
  read_rows(file, "landmarks",
            [&](const std::string& id, const std::vector<std::string>& words,
                const std::string& where) { answers.push_back(parse_answer(id, words, where)); });
  return answers;
}

void write_retrieval_submission(const std::filesystem::path& file,
                                const std::vector<RetrievalAnswer>& answers) {
  write_stream_atomically(file, [&](std::ostream& out) {
    out << "id,images\n";
    for (const RetrievalAnswer& answer : answers)
      out << csv_line({answer.id, joined(answer, file)});
  });
}

std::vector<RetrievalAnswer> read_retrieval_submission(const std::filesystem::path& file) {
  std::vector<RetrievalAnswer> answers;
  read_rows(file, "images",
            [&](const std::string& id, std::vector<std::string> words, const std::string&) {
              answers.push_back({id, std::move(words)});
            });
  return answers;
}

}  // namespace cairn::eval
