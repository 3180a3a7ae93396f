// The first hits of fast k-reciprocal lists, without the whole lists.
#pragma once

#include <cstddef>
#include <vector>

#include "cairn/rank/k_reciprocal.h"

namespace cairn::rank {

// The first `top` hits of each list of fast_k_reciprocal.
//
// Where a query's landmark has enough photos, these hits and all that their scores depend on are
// photos near the query, and the neighbours of these photos are photos near the query too. Then the
// k1 + 2 nearest of some of them are enough, and that they are so good is known before they are
// searched for; other photos' scores are bounded by what they can have in common with the query.
// Queries for which that does not show go through fast_k_reciprocal.
std::vector<std::vector<search::Hit>> first_of_fast_k_reciprocal(
    const search::Rows& queries, const search::ExactIndex& photos, size_t top,
    const FastKReciprocalOptions& options);

}  // namespace cairn::rank
