#include "cairn/embed/mapped_embeddings.h"

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/base/mapped_file.h"

namespace cairn::embed {
namespace {

namespace fs = std::filesystem;

// Reading them is what checks rows.
void check_rows(EmbeddingReader& reader) {
  constexpr size_t kBlock = 1024;
  std::vector<float> block(kBlock * reader.dim());
  for (size_t first = 0; first < reader.size(); first += kBlock)
    reader.read(first, std::min(kBlock, reader.size() - first), block.data());
}

}  // namespace

MappedEmbeddings map_embeddings(const fs::path& folder) {
  EmbeddingReader reader(folder);
  MappedEmbeddings set;
  set.dim = reader.dim();
  set.meta = reader.meta();
  const size_t count = reader.size() * set.dim;
  if (reader.data_offset() % alignof(float) == 0 && count > 0) {
    check_rows(reader);
    const auto file = std::make_shared<const MappedFile>(folder / "embeddings.npy");
    if (file->bytes().size() < reader.data_offset() + count * sizeof(float))
      throw Error((folder / "embeddings.npy").string() + ": was replaced while it was read");
    const auto rows = file->bytes().subspan(reader.data_offset(), count * sizeof(float));
    set.values = {reinterpret_cast<const float*>(rows.data()), count};
    set.file = file;
  } else {
    const auto copy = std::make_shared<std::vector<float>>(count);
    reader.read(0, reader.size(), copy->data());
    set.values = *copy;
    set.file = copy;
  }
  set.ids = reader.take_ids();
  return set;
}

}  // namespace cairn::embed
