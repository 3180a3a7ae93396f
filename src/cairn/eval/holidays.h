// The INRIA Holidays benchmark (Jégou et al., ECCV 2008).
#pragma once

#include <string>
#include <vector>

namespace cairn::eval {

// Photos are NNNNii, NNNN the group. The first of a group, NNNN00, is its query and the others are
// its positives. A group without NNNN00 or without another photo has no query.
struct HolidaysQuery {
  std::string id;
  std::vector<std::string> relevant;
};
// Queries by id. Throws Error where an id is shorter than three characters.
std::vector<HolidaysQuery> holidays_queries(std::vector<std::string> ids);

}  // namespace cairn::eval
