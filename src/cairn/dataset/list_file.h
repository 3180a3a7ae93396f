// The lists that `cairn lists` writes: CSV tables id,landmark_id,path,noisy,country,continent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace cairn::dataset {

inline constexpr const char* kListColumns = "id,landmark_id,path,noisy,country,continent";

// The landmark of photos that show none, or none that is known.
inline constexpr int64_t kNoLandmark = -1;

struct ListRow {
  std::string id;
  int64_t landmark = kNoLandmark;  // global id
  std::string path;                // below the dataset's root: "train/0/1/2/0123….jpg"
  bool noisy = false;              // in train.csv, and not in train_clean.csv
  std::string country;             // "FR"; empty: unknown, or no landmark
  std::string continent;           // "Europe", "OTHER"; empty: no landmark

  bool operator==(const ListRow&) const = default;
};

// Calls take for each row of a list, in file order; memory does not grow with the file. A photo of
// several landmarks has a row for each. Throws Error with file and line on a malformed row.
void for_each_row(const std::filesystem::path& list, const std::function<void(ListRow&&)>& take);

// All rows: about 250 bytes each.
std::vector<ListRow> read_list(const std::filesystem::path& list);

// The row as a line of the file, with '\n'.
std::string list_line(const ListRow& row);

}  // namespace cairn::dataset
