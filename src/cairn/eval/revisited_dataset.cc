#include "cairn/eval/revisited_dataset.h"

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/base/files.h"

namespace cairn::eval {
namespace {

using Json = nlohmann::json;

// The list at a key; Error "where: …" where there is none.
const Json& list_at(const Json& object, const char* key, const std::string& where) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end() || !found->is_array())
    throw Error(where + ": needs a list \"" + key + "\"");
  return *found;
}

std::vector<std::string> read_ids(const Json& object, const char* key, const std::string& where) {
  std::vector<std::string> ids;
  std::unordered_set<std::string> seen;
  for (const Json& id : list_at(object, key, where)) {
    if (!id.is_string()) throw Error(where + ": \"" + key + "\" must hold photo ids only");
    ids.push_back(id.get<std::string>());
    if (!seen.insert(ids.back()).second)
      throw Error(where + ": photo " + ids.back() + " is in \"" + key + "\" twice");
  }
  if (ids.empty()) throw Error(where + ": \"" + key + "\" is empty");
  return ids;
}

RevisitedTruth read_truth(const Json& entry, size_t database, const std::string& where) {
  RevisitedTruth truth;
  std::unordered_set<int64_t> seen;
  const auto read_rows = [&](const char* key, std::unordered_set<int64_t>& rows) {
    for (const Json& row : list_at(entry, key, where)) {
      if (!row.is_number_integer() || row < 0 || row >= database) {
        throw Error(where + ": \"" + key + "\" holds " + row.dump() + "; rows are 0 to " +
                    std::to_string(database - 1));
      }
      rows.insert(row.get<int64_t>());
      if (!seen.insert(row.get<int64_t>()).second)
        throw Error(where + ": row " + row.dump() + " is there twice");
    }
  };
  read_rows("easy", truth.easy);
  read_rows("hard", truth.hard);
  read_rows("junk", truth.junk);
  return truth;
}

}  // namespace

std::vector<int64_t> RevisitedDataset::rows_of(std::span<const std::string> ids) const {
  std::unordered_map<std::string_view, int64_t> row_of;
  for (const std::string& image : images)
    row_of.emplace(image, static_cast<int64_t>(row_of.size()));
  std::vector<int64_t> rows;
  rows.reserve(ids.size());
  for (const std::string& id : ids)
    rows.push_back(row_of.emplace(id, static_cast<int64_t>(row_of.size())).first->second);
  return rows;
}

RevisitedDataset read_revisited_dataset(const std::filesystem::path& file) {
  const std::string name = file.string();
  Json json;
  try {
    json = Json::parse(read_text(file));
  } catch (const Json::parse_error& error) {
    throw Error(name + ": not JSON: " + error.what());
  }
  RevisitedDataset dataset;
  dataset.images = read_ids(json, "imlist", name);
  dataset.queries = read_ids(json, "qimlist", name);
  const Json& truth = list_at(json, "gnd", name);
  if (truth.size() != dataset.queries.size()) {
    throw Error(name + ": \"gnd\" has " + std::to_string(truth.size()) + " entries for " +
                std::to_string(dataset.queries.size()) + " queries in \"qimlist\"");
  }
  for (size_t q = 0; q < truth.size(); ++q) {
    dataset.truth.push_back(
        read_truth(truth[q], dataset.images.size(), name + ": query " + dataset.queries[q]));
  }
  return dataset;
}

}  // namespace cairn::eval
