#include "cairn/eval/holidays.h"

#include <algorithm>

#include "cairn/base/error.h"

namespace cairn::eval {

std::vector<HolidaysQuery> holidays_queries(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  std::vector<HolidaysQuery> queries;
  for (const std::string& id : ids) {
    if (id.size() < 3) throw Error("photo " + id + ": Holidays ids are NNNNii, NNNN the group");
    const std::string group = id.substr(0, id.size() - 2);
    if (id.ends_with("00")) {
      queries.push_back({id, {}});
    } else if (!queries.empty() && queries.back().id == group + "00") {
      queries.back().relevant.push_back(id);
    }
  }
  std::erase_if(queries, [](const HolidaysQuery& query) { return query.relevant.empty(); });
  return queries;
}

}  // namespace cairn::eval
