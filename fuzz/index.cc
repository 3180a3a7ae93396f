// The files beside embeddings (cairn index): as they are, and with checksums made right, so that
// what they guard is reached.
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/search/graph_format.h"
#include "cairn/search/graph_index.h"
#include "cairn/search/neighbour_file.h"
#include "cairn/search/stored_index.h"
#include "cairn/search/stored_index_format.h"
#include "cairn/search/testing/folders.h"
#include "cairn/search/testing/reseal.h"
#include "target.h"

namespace {

using namespace cairn;

constexpr size_t kRows = 100;
constexpr size_t kDim = 9;

// A folder of embeddings, until the program ends.
struct Folder {
  Folder() : path(fs::temp_directory_path() / ("cairn_fuzz_" + std::to_string(::getpid()))) {
    search::testing::write_set(set, path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }

  search::testing::Set set = search::testing::random_set("i", kRows, kDim, 1);
  fs::path path;
};

const Folder& folder() {
  static const Folder its;
  return its;
}

void write(const fs::path& file, std::span<const uint8_t> bytes) {
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

// Opens and searches the file, which may be refused by an Error that names it.
template <typename Index, typename Search>
void try_index(const std::string& name, std::span<const uint8_t> bytes, const Search& search) {
  const fs::path file = folder().path / name;
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  try {
    const auto opened = Index::open(folder().path);
    if (!opened.ok()) return;
    for (const auto& hits : search(*opened.value()))
      for (const search::Hit& hit : hits) fuzz::require(hit.row < kRows);
    fuzz::require(opened.value()->size() == kRows);
    for (size_t i = 0; i < kRows; ++i) static_cast<void>(opened.value()->id(i));
  } catch (const Error& error) {
    fuzz::require(std::string(error.what()).starts_with(file.string() + ": "), error.what());
  }
}

void try_neighbours(std::span<const uint8_t> bytes) {
  const fs::path file = folder().path / "neighbours.cairn";
  write(file, bytes);
  const auto lists = search::NeighbourLists::read(file);
  if (!lists.ok()) return;
  for (size_t row = 0; row < kRows; ++row) {
    for (const uint32_t near : lists.value().find(row))
      fuzz::require(near < lists.value().key().index_rows);
  }
}

void try_both(const std::vector<uint8_t>& bytes) {
  const search::Rows rows = folder().set.rows();
  const search::SearchOptions options{.top = 5, .threads = 1};
  try_index<search::StoredIndex>(search::kIndexFile, bytes,
                                 [&](const auto& its) { return its.search(rows, options); });
  try_index<search::GraphIndex>(search::kGraphFile, bytes,
                                [&](const auto& its) { return its.search(rows, options, 20); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes(data, data + size);
  try_both(bytes);
  try_neighbours(bytes);
  for (const bool graph : {false, true}) {
    std::vector<uint8_t> sealed = bytes;
    if (graph)
      search::testing::reseal<search::graph::Header>(sealed);
    else
      search::testing::reseal<search::stored::Header>(sealed);
    try_both(sealed);
  }
  return 0;
}

namespace cairn::fuzz {

std::vector<Seed> seeds() {
  std::vector<Seed> all;
  search::write_stored_index(folder().path, 1);
  all.push_back({search::kIndexFile, read_file(folder().path / search::kIndexFile)});
  for (const search::Store store :
       {search::Store::kInt8, search::Store::kBfloat16, search::Store::kFloat32}) {
    search::write_graph_index(folder().path, {.m = 4, .store = store, .threads = 1});
    all.push_back({"graph" + std::to_string(static_cast<int>(store)),
                   read_file(folder().path / search::kGraphFile)});
  }
  search::NeighbourLists lists({kRows, kRows, kDim, 1, 2});
  lists.append(2, std::array{2U, 0U, 7U});
  lists.append(99, std::array{99U});
  lists.write(folder().path / "neighbours.cairn");
  all.push_back({"neighbours.cairn", read_file(folder().path / "neighbours.cairn")});
  return all;
}

}  // namespace cairn::fuzz
