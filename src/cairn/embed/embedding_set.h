// The embedding folder on disk: embeddings.npy (N × D float32, rows of length 1), ids.txt,
// skipped.csv (id,reason), meta.json. NumPy reads it; docs/formats.md describes it.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
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

// A photo without an embedding, and why.
struct Skipped {
  std::string id;
  std::string reason;
};

// Throws Error where files are missing, disagree (rows against ids), hold NaN, infinity or rows
// that are not of length 1, or where ids repeat.
EmbeddingSet load_embeddings(const std::filesystem::path& folder);

// Throws Error where two sets cannot be compared: another dimension, another model checksum or
// another output of the model in meta.json. A meta.json without these keys says nothing against it.
void require_comparable(const EmbeddingSet& a, const EmbeddingSet& b);

// Writes a complete folder: all files beside it first, then renamed into place, meta.json last (a
// folder without it is incomplete). Where writing fails, nothing stands under the final names.
// Throws Error where ids repeat or hold a line break.
void save_embeddings(const EmbeddingSet& set, const std::filesystem::path& folder);

// As save_embeddings, for rows that are not in memory: write_rows puts ids.size() × dim floats into
// the stream.
void write_embedding_folder(const std::filesystem::path& folder, size_t dim,
                            const std::vector<std::string>& ids,
                            const std::vector<Skipped>& skipped, const std::string& meta,
                            const std::function<void(std::ostream&)>& write_rows);

// True where the folder holds a meta.json: a finished set.
bool is_embedding_folder(const std::filesystem::path& folder);

}  // namespace cairn::embed
