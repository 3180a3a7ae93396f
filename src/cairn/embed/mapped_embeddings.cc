#include "cairn/embed/mapped_embeddings.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cairn/base/error.h"

namespace cairn::embed {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<const void> map_file(const fs::path& path, size_t bytes) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw Error(path.string() + ": cannot open: " + std::strerror(errno));
  void* memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  const int failure = errno;
  ::close(descriptor);
  if (memory == MAP_FAILED) throw Error(path.string() + ": cannot map: " + std::strerror(failure));
  return {memory, [bytes](const void* mapped) { ::munmap(const_cast<void*>(mapped), bytes); }};
}

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
    set.file = map_file(folder / "embeddings.npy", reader.data_offset() + count * sizeof(float));
    const auto* bytes = static_cast<const char*>(set.file.get());
    set.values = {reinterpret_cast<const float*>(bytes + reader.data_offset()), count};
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
