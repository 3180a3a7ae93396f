// The INRIA Holidays benchmark (Jégou et al., ECCV 2008).
#pragma once

#include <string>
#include <vector>

namespace cairn::eval {

// The Holidays convention: photos NNNNii of group NNNN; the first of each group (by id) is its
// query, the others are its positives. A group with one photo has no query.
struct HolidaysQuery {
  std::string id;
  std::vector<std::string> relevant;
};
// Queries by id. Throws Error where an id is shorter than three characters.
std::vector<HolidaysQuery> holidays_queries(std::vector<std::string> ids);

}  // namespace cairn::eval
