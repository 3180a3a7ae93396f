#include "cairn/dataset/list_file.h"

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/dataset/text.h"

namespace cairn::dataset {

void for_each_row(const std::filesystem::path& list, const std::function<void(ListRow&&)>& take) {
  CsvReader reader(list);
  const size_t id = reader.column("id");
  const size_t landmark = reader.column("landmark_id");
  const size_t path = reader.column("path");
  const size_t noisy = reader.column("noisy");
  const size_t country = reader.column("country");
  const size_t continent = reader.column("continent");
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields[id].empty()) throw Error(reader.where() + ": empty photo id");
    if (fields[noisy] != "0" && fields[noisy] != "1")
      throw Error(reader.where() + ": noisy is \"" + fields[noisy] + "\"; it must be 0 or 1");
    take({std::move(fields[id]), parse_landmark(fields[landmark], reader.where()),
          std::move(fields[path]), fields[noisy] == "1", std::move(fields[country]),
          std::move(fields[continent])});
  }
}

std::vector<ListRow> read_list(const std::filesystem::path& list) {
  std::vector<ListRow> rows;
  for_each_row(list, [&](ListRow&& row) { rows.push_back(std::move(row)); });
  return rows;
}

std::string list_line(const ListRow& row) {
  return csv_line({row.id, std::to_string(row.landmark), row.path, row.noisy ? "1" : "0",
                   row.country, row.continent});
}

}  // namespace cairn::dataset
