#include "cairn/dataset/gld_list_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cairn/base/counted.h"
#include "cairn/base/csv.h"
#include "cairn/base/files.h"

namespace cairn::dataset {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSummary = "summary.json";

void write_landmarks(const GldLists& lists, const fs::path& file) {
  write_stream_atomically(file, [&](std::ostream& out) {
    out << "landmark_id,original_landmark_id,category,country,continent\n";
    const auto& landmarks = lists.landmarks();
    for (size_t i = 0; i < landmarks.size(); ++i) {
      out << csv_line({std::to_string(i), std::to_string(landmarks[i].original),
                       landmarks[i].category, landmarks[i].place.country,
                       landmarks[i].place.continent});
    }
  });
}

Json summary(const GldLists& lists, const ListCounts& counts, const GldListOptions& options) {
  const auto count = [&](const auto& condition) {
    return std::ranges::count_if(lists.landmarks(), condition);
  };
  Json json;
  for (const auto& [list, size] : counts)
    json["lists"][name_of(list)] = {{"photos", size.photos}, {"landmarks", size.landmarks}};
  json["landmarks"] = lists.landmarks().size();
  json["clean_landmarks"] = lists.clean_landmarks();
  json["landmarks_without_category"] =
      count([](const GldLists::Landmark& landmark) { return landmark.category.empty(); });
  json["landmarks_without_country"] =
      count([](const GldLists::Landmark& landmark) { return landmark.place.country.empty(); });
  json["dropped_index_photos"] = lists.dropped().index_photos;
  json["dropped_queries"] = lists.dropped().queries;
  json["expanded_index"] = options.expanded_index;
  json["seed"] = options.seed;
  json["counts_of_gldv2"] = gldv2_mismatches(counts).empty();
  return json;
}

}  // namespace

ListCounts count_lists(const GldLists& lists) {
  ListCounts counts;
  for (const GldList list : kGldLists) {
    ListCount& count = counts[list];
    std::vector<bool> seen(lists.landmarks().size());
    lists.for_each(list, [&](const GldLists::Entry& entry) {
      ++count.photos;
      if (entry.landmark == kNoLandmark) return;
      const size_t landmark = static_cast<size_t>(entry.landmark);
      if (!seen[landmark]) ++count.landmarks;
      seen[landmark] = true;
    });
  }
  return counts;
}

const ListCounts& gldv2_counts() {
  static const ListCounts kCounts = {{GldList::kClean, {1580470, 81313}},
                                     {GldList::kC2x, {3223078, 81313}},
                                     {GldList::kFull, {4132914, 203094}},
                                     {GldList::kAll, {4825830, 203094}}};
  return kCounts;
}

std::vector<std::string> gldv2_mismatches(const ListCounts& counts) {
  std::vector<std::string> mismatches;
  const auto text = [](const ListCount& count) {
    return counted(count.photos, "photo") + " of " + counted(count.landmarks, "landmark");
  };
  for (const auto& [list, expected] : gldv2_counts()) {
    const ListCount& count = counts.at(list);
    if (count != expected) {
      mismatches.push_back(std::string(name_of(list)) + " has " + text(count) + " instead of " +
                           text(expected));
    }
  }
  return mismatches;
}

void write_lists(const GldLists& lists, const ListCounts& counts, const GldListOptions& options,
                 const fs::path& folder) {
  make_folder(folder);
  std::error_code ignored;
  fs::remove(folder / kSummary, ignored);  // it tells that all lists of one run are there
  for (const GldList list : kGldLists) {
    write_stream_atomically(folder / (std::string(name_of(list)) + ".csv"), [&](std::ostream& out) {
      out << kListColumns << '\n';
      lists.for_each(list,
                     [&](const GldLists::Entry& entry) { out << list_line(lists.row(entry)); });
    });
  }
  write_landmarks(lists, folder / "landmarks.csv");
  write_text_atomically(folder / kSummary, summary(lists, counts, options).dump(2) + "\n");
}

}  // namespace cairn::dataset
