// The nearest rows of rows, found once and kept in a file beside the embeddings
// (docs/formats.md, "Neighbour lists").
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "cairn/search/exact_index.h"

namespace cairn::search {

// Of rows of a folder among the rows of that folder, and among those of another one.
inline constexpr const char* kNeighboursFile = "neighbours.cairn";
inline constexpr const char* kNearestFile = "nearest.cairn";

// The options.top rows of `index` nearest to each of some rows `which` of `from`, as search_exact
// orders them. Lists that the file has are taken from it, others are searched for and added to it.
//
// The file belongs to the values that it was made of: where these, the index's ids or their order
// have changed, it is made anew; so it is, with a warning, where it is damaged. Lists that are too
// short are replaced. Floors of options are those of `which`. Where it cannot be written, a warning
// says so. Runs at the same time see each other's lists or find them again. An empty path keeps
// nothing. Throws Error as search_exact.
std::vector<std::vector<uint32_t>> kept_neighbours(const std::filesystem::path& file,
                                                   const Rows& from, std::span<const size_t> which,
                                                   const ExactIndex& index,
                                                   const SearchOptions& options);

}  // namespace cairn::search
