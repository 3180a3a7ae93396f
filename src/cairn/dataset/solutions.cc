#include "cairn/dataset/solutions.h"

#include <functional>
#include <unordered_set>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/dataset/text.h"

namespace cairn::dataset {
namespace {

// Calls take(id, answers, usage, where) for each row.
using TakeRow = std::function<void(std::string, std::vector<std::string>, std::string,
                                   const std::string& where)>;

void read_rows(const std::filesystem::path& table, const char* answer_column, const TakeRow& take) {
  CsvReader reader(table);
  const size_t id = reader.column("id");
  const size_t answers = reader.column(answer_column);
  const size_t usage = reader.column("Usage");
  std::unordered_set<std::string> seen;
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    const std::string where = reader.where();
    if (fields[id].empty()) throw Error(where + ": empty photo id");
    if (!seen.insert(fields[id]).second) {
      throw Error(where + ": photo " + fields[id] + " is in the table twice");
    }
    if (fields[answers] == "None") fields[answers].clear();
    take(std::move(fields[id]), split_words(fields[answers]), std::move(fields[usage]), where);
  }
}

}  // namespace

std::vector<RecognitionSolution> read_recognition_solution(const std::filesystem::path& table) {
  std::vector<RecognitionSolution> rows;
  read_rows(table, "landmarks",
            [&](std::string id, const std::vector<std::string>& answers, std::string usage,
                const std::string& where) {
              RecognitionSolution row{std::move(id), {}, std::move(usage)};
              for (const std::string& answer : answers) {
                row.landmarks.push_back(parse_landmark(answer, where));
              }
              rows.push_back(std::move(row));
            });
  return rows;
}

std::vector<RetrievalSolution> read_retrieval_solution(const std::filesystem::path& table) {
  std::vector<RetrievalSolution> rows;
  read_rows(
      table, "images",
      [&](std::string id, std::vector<std::string> answers, std::string usage, const std::string&) {
        rows.push_back({std::move(id), std::move(answers), std::move(usage)});
      });
  return rows;
}

}  // namespace cairn::dataset
