// Writes the lists of gld_lists.h, a table of the landmarks, and a summary with the counts.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cairn/dataset/gld_lists.h"

namespace cairn::dataset {

struct ListCount {
  size_t photos = 0;  // rows
  size_t landmarks = 0;

  bool operator==(const ListCount&) const = default;
};
using ListCounts = std::map<GldList, ListCount>;

ListCounts count_lists(const GldLists& lists);

// The counts of Google Landmarks v2 (version 2.1) that the paper's code prints: clean, c2x, full,
// all.
const ListCounts& gldv2_counts();

// One line for each list whose count is not that of Google Landmarks v2; empty: all agree.
std::vector<std::string> gldv2_mismatches(const ListCounts& counts);

// Writes NAME.csv of each list, landmarks.csv and, at the end, summary.json into the folder, which
// is made where it is missing. docs/formats.md describes them. Throws Error.
void write_lists(const GldLists& lists, const ListCounts& counts, const GldListOptions& options,
                 const std::filesystem::path& folder);

}  // namespace cairn::dataset
