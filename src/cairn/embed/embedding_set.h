// The embedding folder on disk: embeddings.npy (N × D float32, rows of length 1), ids.txt,
// skipped.csv (id,reason), meta.json. NumPy reads it; docs/formats.md describes it.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace cairn::embed {

// meta.json first: without it the folder is no set any more.
inline constexpr std::array<const char*, 4> kSetFiles = {"meta.json", "embeddings.npy", "ids.txt",
                                                         "skipped.csv"};

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

// The photos of skipped.csv, in its order; none where there is no such file.
std::vector<Skipped> read_skipped(const std::filesystem::path& folder);

// A complete folder, its rows read piece by piece: for sets that do not fit into memory.
class EmbeddingReader {
 public:
  // Throws as load_embeddings does, but for the rows.
  explicit EmbeddingReader(const std::filesystem::path& folder);

  size_t dim() const { return dim_; }
  size_t size() const { return size_; }
  const std::string& meta() const { return meta_; }
  size_t data_offset() const { return data_offset_; }  // of the first row in embeddings.npy, bytes
  std::vector<std::string> take_ids() { return std::move(ids_); }
  // Rows [first, first + count) into out. Throws Error where they hold NaN, infinity or are not of
  // length 1.
  void read(size_t first, size_t count, float* out);

 private:
  std::filesystem::path path_;  // embeddings.npy
  std::ifstream rows_;
  std::string meta_;
  std::vector<std::string> ids_;
  size_t size_ = 0;
  size_t dim_ = 0;
  size_t data_offset_ = 0;
};

// Throws Error where two sets cannot be compared: another dimension, another model checksum or
// another output of the model in meta.json. A meta.json without these keys says nothing against it.
void require_comparable(const EmbeddingSet& a, const EmbeddingSet& b);
void require_comparable(size_t dim_a, const std::string& meta_a, size_t dim_b,
                        const std::string& meta_b);
// In what the photos of two comparable sets were prepared differently ("size (224 and 256), …"), as
// far as both meta.json say; "": in nothing.
std::string other_preparation(const std::string& meta_a, const std::string& meta_b);

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

// Throws Error where the folder holds a file of a set, which writing would replace.
void require_no_embeddings(const std::filesystem::path& folder);
// Removes the files of a set, meta.json first.
void remove_embeddings(const std::filesystem::path& folder);

// True where the folder holds a meta.json: a finished set.
bool is_embedding_folder(const std::filesystem::path& folder);

}  // namespace cairn::embed
