// The embedding folder on disk: embeddings.npy (N × D float32, rows of length 1), ids.txt,
// meta.json, skipped.csv.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cairn::embed {

struct EmbeddingSet {
  size_t dim = 0;
  std::vector<float> values;     // ids.size() × dim, row-major, rows of length 1
  std::vector<std::string> ids;  // one a row, no two alike
  std::string meta;              // meta.json as text

  size_t size() const { return ids.size(); }
  const float* row(size_t i) const { return values.data() + i * dim; }
};

// Throws Error where files are missing, disagree (rows against ids), hold NaN or infinity, or ids
// repeat.
EmbeddingSet load_embeddings(const std::filesystem::path& folder);

// Throws Error where two sets cannot be compared: another dimension, another model checksum in
// meta.json.
void require_comparable(const EmbeddingSet& a, const EmbeddingSet& b);

// Writes a complete folder, each file atomically, meta.json last.
void save_embeddings(const EmbeddingSet& set, const std::filesystem::path& folder);

}  // namespace cairn::embed
