#include "cairn/embed/embedding_set.h"

#include <algorithm>
#include <array>
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

constexpr const char* kRows = "embeddings.npy";
constexpr const char* kIds = "ids.txt";
constexpr const char* kSkipped = "skipped.csv";
constexpr const char* kMeta = "meta.json";
// How far the length of a row may be from 1: what rounding to 16 bits does, and no more.
constexpr double kLengthTolerance = 1e-2;

void require_unique(const std::vector<std::string>& ids, const fs::path& where) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(ids.size());
  for (const std::string& id : ids) {
    if (!seen.insert(id).second) throw Error(where.string() + ": the id " + id + " is there twice");
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

// Straight from the file to the set's memory: a set of millions of rows is never held twice.
void read_rows(const fs::path& path, EmbeddingSet& set) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(path.string() + ": cannot open; an embedding folder needs it");
  std::error_code failed;
  const uint64_t bytes = fs::file_size(path, failed);
  if (failed) throw Error(path.string() + ": cannot read: " + failed.message());
  std::vector<uint8_t> start(std::min<uint64_t>(bytes, 1 << 16));
  in.read(reinterpret_cast<char*>(start.data()), static_cast<std::streamsize>(start.size()));
  const NpyHeader header = parse_npy_header(start, bytes, path.string());
  if (header.descr != "<f4" || header.shape.size() != 2) {
    throw Error(path.string() + ": not a matrix of float32 (it holds " + header.descr + " in " +
                std::to_string(header.shape.size()) + " dimensions)");
  }
  set.dim = static_cast<size_t>(header.shape[1]);
  if (static_cast<size_t>(header.shape[0]) != set.ids.size()) {
    throw Error(path.string() + ": " + std::to_string(header.shape[0]) + " rows, but ids.txt has " +
                std::to_string(set.ids.size()) + " ids; embed again");
  }
  if (set.dim == 0 && !set.ids.empty()) throw Error(path.string() + ": rows without values");
  set.values.resize(set.ids.size() * set.dim);
  in.clear();
  in.seekg(static_cast<std::streamoff>(header.data_offset));
  in.read(reinterpret_cast<char*>(set.values.data()),
          static_cast<std::streamsize>(set.values.size() * sizeof(float)));
  if (!in) throw Error(path.string() + ": cannot read its rows");
}

void check_rows(const EmbeddingSet& set, const fs::path& path) {
  for (size_t i = 0; i < set.size(); ++i) {
    double squares = 0;
    for (size_t k = 0; k < set.dim; ++k) {
      squares += static_cast<double>(set.row(i)[k]) * set.row(i)[k];
    }
    const std::string row = path.string() + ": row " + std::to_string(i) + " (" + set.ids[i] + ")";
    if (!std::isfinite(squares)) throw Error(row + " holds NaN or infinity");
    if (std::abs(std::sqrt(squares) - 1.0) > kLengthTolerance) {
      throw Error(row + " has length " + std::to_string(std::sqrt(squares)) +
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

EmbeddingSet load_embeddings(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw Error(folder.string() + ": no such embedding folder");
  if (!is_embedding_folder(folder)) {
    throw Error(folder.string() + ": not a complete embedding folder (meta.json is missing); " +
                "let cairn embed finish it");
  }
  EmbeddingSet set;
  set.meta = read_text(folder / kMeta);
  parse_meta(set.meta, (folder / kMeta).string());
  set.ids = read_ids(folder / kIds);
  read_rows(folder / kRows, set);
  check_rows(set, folder / kRows);
  return set;
}

void require_comparable(const EmbeddingSet& a, const EmbeddingSet& b) {
  if (a.dim != b.dim) {
    throw Error("the embeddings have " + std::to_string(a.dim) + " and " + std::to_string(b.dim) +
                " dimensions; embed both sides with one model");
  }
  const nlohmann::json meta_a = parse_meta(a.meta.empty() ? "{}" : a.meta, "meta.json");
  const nlohmann::json meta_b = parse_meta(b.meta.empty() ? "{}" : b.meta, "meta.json");
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

bool is_embedding_folder(const fs::path& folder) { return fs::exists(folder / kMeta); }

}  // namespace cairn::embed
