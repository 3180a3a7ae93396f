// Synthetic embeddings in clusters, at the size of Google Landmarks v2, kept in a folder.
#pragma once

#include <cstdint>
#include <string>

#include "cairn/embed/mapped_embeddings.h"

namespace cairn::bench {

inline constexpr uint64_t kLandmarks = 50'000;

// The landmark that a row of a set shows. Rows of one landmark have cosines of about 0.55, in all
// sets.
uint64_t landmark_of(uint64_t set, size_t row, uint64_t landmarks = kLandmarks);

// FOLDER/SET_COUNTxDIM.
std::string drawn_folder(const std::string& folder, uint64_t set, size_t count, size_t dim);

// The embeddings there, drawn where they are not.
embed::MappedEmbeddings drawn(const std::string& folder, uint64_t set, size_t count, size_t dim,
                              uint64_t landmarks = kLandmarks);

}  // namespace cairn::bench
