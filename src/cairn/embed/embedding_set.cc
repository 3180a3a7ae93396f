#include "cairn/embed/embedding_set.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>
#include <unordered_set>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/npy.h"

namespace cairn::embed {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMeta = kSetFiles[0];
constexpr const char* kRows = kSetFiles[1];
constexpr const char* kIds = kSetFiles[2];
constexpr const char* kSkipped = kSetFiles[3];
// How far the length of a row may be from 1: what rounding to 16 bits does, and no more.
constexpr double kLengthTolerance = 1e-2;

void throw_repeated(const std::string& id, const fs::path& where) {
  throw Error(where.string() + ": the id " + id + " is there twice");
}

void require_unique(const std::vector<std::string>& ids, const fs::path& where) {
  if (std::is_sorted(ids.begin(), ids.end())) {  // no need of a table of millions
    const auto twice = std::adjacent_find(ids.begin(), ids.end());
    if (twice != ids.end()) throw_repeated(*twice, where);
    return;
  }
  std::unordered_set<std::string_view> seen;
  seen.reserve(ids.size());
  for (const std::string& id : ids) {
    if (!seen.insert(id).second) throw_repeated(id, where);
  }
}

std::vector<std::string> read_ids(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(path.string() + ": cannot open; an embedding folder needs it");
  std::vector<std::string> ids;
  std::string line;
  while (std::getline(in, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) {
      throw Error(path.string() + ":" + std::to_string(ids.size() + 1) + ": an empty line, no id");
    }
    ids.push_back(line);
  }
  require_unique(ids, path);
  return ids;
}

// Throws where a row is not of length 1. name: of row i, for the message.
void check_rows(const float* rows, size_t count, size_t dim,
                const std::function<std::string(size_t)>& name) {
  for (size_t i = 0; i < count; ++i) {
    double squares = 0;
    for (size_t k = 0; k < dim; ++k) {
      squares += static_cast<double>(rows[i * dim + k]) * rows[i * dim + k];
    }
    if (!std::isfinite(squares)) throw Error(name(i) + " holds NaN or infinity");
    if (std::abs(std::sqrt(squares) - 1.0) > kLengthTolerance) {
      throw Error(name(i) + " has length " + std::to_string(std::sqrt(squares)) +
                  "; divide each row by its length");
    }
  }
}

// A folder inside the embedding folder for files that are not complete yet.
class Staging {
 public:
  explicit Staging(const fs::path& folder) : path_(folder / ".staging") {
    fs::remove_all(path_);  // of a run that was killed
    make_folder(path_);
  }
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

nlohmann::json parse_meta(const std::string& text, const std::string& where) {
  nlohmann::json meta = nlohmann::json::parse(text, nullptr, false);
  if (!meta.is_object()) throw Error(where + ": not a JSON object");
  return meta;
}

// The text under a key, or "" where there is none.
std::string meta_text(const nlohmann::json& meta, const char* key) {
  const auto found = meta.find(key);
  return found != meta.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

EmbeddingReader::EmbeddingReader(const fs::path& folder) : path_(folder / kRows) {
  if (!fs::is_directory(folder)) throw Error(folder.string() + ": no such embedding folder");
  if (!is_embedding_folder(folder)) {
    throw Error(folder.string() + ": not a complete embedding folder (meta.json is missing); " +
                "let cairn embed finish it");
  }
  meta_ = read_text(folder / kMeta);
  parse_meta(meta_, (folder / kMeta).string());
  ids_ = read_ids(folder / kIds);
  size_ = ids_.size();
  rows_.open(path_, std::ios::binary);
  if (!rows_) throw Error(path_.string() + ": cannot open; an embedding folder needs it");
  std::error_code failed;
  const uint64_t bytes = fs::file_size(path_, failed);
  if (failed) throw Error(path_.string() + ": cannot read: " + failed.message());
  std::vector<uint8_t> start(std::min<uint64_t>(bytes, 1 << 16));
  rows_.read(reinterpret_cast<char*>(start.data()), static_cast<std::streamsize>(start.size()));
  const NpyHeader header = parse_npy_header(start, bytes, path_.string());
  if (header.descr != "<f4" || header.shape.size() != 2) {
    throw Error(path_.string() + ": not a matrix of float32 (it holds " + header.descr + " in " +
                std::to_string(header.shape.size()) + " dimensions)");
  }
  dim_ = static_cast<size_t>(header.shape[1]);
  data_offset_ = header.data_offset;
  if (static_cast<size_t>(header.shape[0]) != size_) {
    throw Error(path_.string() + ": " + std::to_string(header.shape[0]) +
                " rows, but ids.txt has " + std::to_string(size_) + " ids; embed again");
  }
  if (dim_ == 0 && size_ > 0) throw Error(path_.string() + ": rows without values");
}

void EmbeddingReader::read(size_t first, size_t count, float* out) {
  CAIRN_ASSERT(first + count <= size_);
  const size_t row_bytes = dim_ * sizeof(float);
  rows_.clear();
  rows_.seekg(static_cast<std::streamoff>(data_offset_ + first * row_bytes));
  rows_.read(reinterpret_cast<char*>(out), static_cast<std::streamsize>(count * row_bytes));
  if (!rows_) throw Error(path_.string() + ": cannot read its rows");
  check_rows(out, count, dim_, [&](size_t i) {
    const std::string row = path_.string() + ": row " + std::to_string(first + i);
    return ids_.empty() ? row : row + " (" + ids_[first + i] + ")";
  });
}

// Straight from the file to the set's memory: a set of millions of rows is never held twice.
EmbeddingSet load_embeddings(const fs::path& folder) {
  EmbeddingReader reader(folder);
  EmbeddingSet set;
  set.dim = reader.dim();
  set.meta = reader.meta();
  set.values.resize(reader.size() * set.dim);
  reader.read(0, reader.size(), set.values.data());
  set.ids = reader.take_ids();
  return set;
}

std::vector<Skipped> read_skipped(const fs::path& folder) {
  std::vector<Skipped> skipped;
  if (!fs::exists(folder / kSkipped)) return skipped;
  CsvReader table(folder / kSkipped);
  const size_t id = table.column("id");
  const size_t reason = table.column("reason");
  for (std::vector<std::string> row; table.next(row);) skipped.push_back({row[id], row[reason]});
  return skipped;
}

void require_comparable(const EmbeddingSet& a, const EmbeddingSet& b) {
  require_comparable(a.dim, a.meta, b.dim, b.meta);
}

void require_comparable(size_t dim_a, const std::string& text_a, size_t dim_b,
                        const std::string& text_b) {
  if (dim_a != dim_b) {
    throw Error("the embeddings have " + std::to_string(dim_a) + " and " + std::to_string(dim_b) +
                " dimensions; embed both sides with one model");
  }
  const nlohmann::json meta_a = parse_meta(text_a.empty() ? "{}" : text_a, "meta.json");
  const nlohmann::json meta_b = parse_meta(text_b.empty() ? "{}" : text_b, "meta.json");
  constexpr std::array<std::pair<const char*, const char*>, 2> kKeys = {
      {{"model_sha256", "models"}, {"output", "outputs of the model"}}};
  for (const auto& [key, what] : kKeys) {
    const std::string of_a = meta_text(meta_a, key);
    const std::string of_b = meta_text(meta_b, key);
    if (of_a.empty() || of_b.empty() || of_a == of_b) continue;
    throw Error(std::string("the embeddings come from different ") + what + " (" +
                of_a.substr(0, 16) + " and " + of_b.substr(0, 16) +
                " in meta.json); embed both sides with one model");
  }
}

std::string other_preparation(const std::string& text_a, const std::string& text_b) {
  const nlohmann::json a = parse_meta(text_a.empty() ? "{}" : text_a, "meta.json");
  const nlohmann::json b = parse_meta(text_b.empty() ? "{}" : text_b, "meta.json");
  std::string result;
  for (const char* key : {"size", "scales", "mean", "std", "resize"}) {
    if (!a.contains(key) || !b.contains(key) || a[key] == b[key]) continue;
    if (!result.empty()) result += ", ";
    result += std::string(key) + " (" + a[key].dump() + " and " + b[key].dump() + ")";
  }
  return result;
}

void save_embeddings(const EmbeddingSet& set, const fs::path& folder) {
  CAIRN_ASSERT(set.values.size() == set.ids.size() * set.dim);
  write_embedding_folder(folder, set.dim, set.ids, {}, set.meta, [&](std::ostream& out) {
    out.write(reinterpret_cast<const char*>(set.values.data()),
              static_cast<std::streamsize>(set.values.size() * sizeof(float)));
  });
}

void write_embedding_folder(const fs::path& folder, size_t dim, const std::vector<std::string>& ids,
                            const std::vector<Skipped>& skipped, const std::string& meta,
                            const std::function<void(std::ostream&)>& write_rows) {
  require_unique(ids, folder);
  for (const std::string& id : ids) {
    if (id.empty() || id.find_first_of("\r\n") != std::string::npos) {
      throw Error(folder.string() + ": an id that is empty or holds a line break: " + id);
    }
  }
  parse_meta(meta, (folder / kMeta).string());
  make_folder(folder);
  const Staging staging(folder);
  write_stream_atomically(staging.path() / kRows, [&](std::ostream& out) {
    const std::array<int64_t, 2> shape = {static_cast<int64_t>(ids.size()),
                                          static_cast<int64_t>(dim)};
    out << npy_f32_header(shape);
    write_rows(out);
  });
  write_stream_atomically(staging.path() / kIds, [&](std::ostream& out) {
    for (const std::string& id : ids) out << id << '\n';
  });
  write_stream_atomically(staging.path() / kSkipped, [&](std::ostream& out) {
    out << "id,reason\n";
    for (const Skipped& photo : skipped) out << csv_line({photo.id, photo.reason});
  });
  write_text_atomically(staging.path() / kMeta, meta);
  // Between here and the last rename the folder is marked incomplete.
  fs::remove(folder / kMeta);
  for (const char* name : {kRows, kIds, kSkipped, kMeta}) {
    fs::rename(staging.path() / name, folder / name);
  }
}

void require_no_embeddings(const fs::path& folder) {
  for (const char* name : kSetFiles) {
    if (!fs::exists(folder / name)) continue;
    throw Error(folder.string() + ": has " + name + " already; choose another folder, or replace " +
                "what is there with --force");
  }
}

void remove_embeddings(const fs::path& folder) {
  for (const char* name : kSetFiles) {
    std::error_code failed;
    fs::remove(folder / name, failed);
    if (failed) throw Error((folder / name).string() + ": cannot replace: " + failed.message());
  }
}

bool is_embedding_folder(const fs::path& folder) { return fs::exists(folder / kMeta); }

}  // namespace cairn::embed
