// Embeddings that stay in their file: the system reads rows when they are looked at, and needs no
// memory of its own for them.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/embed/embedding_set.h"

namespace cairn::embed {

// As an EmbeddingSet; cheap to copy but for the ids.
struct MappedEmbeddings {
  size_t dim = 0;
  std::span<const float> values;  // live as long as `file`
  std::vector<std::string> ids;
  std::string meta;
  std::shared_ptr<const void> file;

  size_t size() const { return ids.size(); }
};

// Checks and throws as load_embeddings.
MappedEmbeddings map_embeddings(const std::filesystem::path& folder);

}  // namespace cairn::embed
