#include "cairn/search/stored_file.h"

#include <algorithm>
#include <cstring>
#include <ostream>

#include "cairn/base/error.h"
#include "cairn/search/graph_index.h"
#include "cairn/search/quantise.h"

namespace cairn::search::stored {

namespace fs = std::filesystem;

std::string command_for(const fs::path& path) {
  return path.filename() == kGraphFile ? "cairn index --hnsw" : "cairn index";
}

void damaged(const fs::path& path, const std::string& how) {
  throw Error(path.string() + ": " + how + "; make it again with " + command_for(path));
}

MappedFile map_file(const fs::path& path) {
  try {
    return MappedFile(path);
  } catch (const Error& error) {
    throw Error(std::string(error.what()) + "; make it readable or remove it, " +
                command_for(path) + " makes another");
  }
}

Source source_of(const InputFile& file, uint64_t checksum) {
  return {file.bytes(), file.modified(), checksum};
}

bool is_still(const Source& source, const InputFile& file) {
  return file.bytes() == source.bytes &&
         (file.modified() == source.modified || file.checksum() == source.checksum);
}

void read_header_bytes(std::span<const uint8_t> file, std::string_view magic, uint64_t version,
                       const fs::path& path, void* header, size_t bytes) {
  if (file.size() < kHeaderBytes || std::memcmp(file.data(), magic.data(), magic.size()) != 0)
    damaged(path, "not a search index");
  uint64_t found = 0;
  std::memcpy(&found, file.data() + magic.size(), sizeof(found));
  if (found != version)
    damaged(path, "version " + std::to_string(found) + " of the format, and this program knows " +
                      std::to_string(version));
  std::memcpy(header, file.data(), bytes);
}

std::vector<uint64_t> line_starts(std::span<const uint8_t> text) {
  std::vector<uint64_t> starts = {0};
  const uint8_t* at = text.data();
  const uint8_t* end = text.data() + text.size();
  while (at != end) {
    const auto* line_end =
        static_cast<const uint8_t*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    at = line_end == nullptr ? end : line_end + 1;
    starts.push_back(static_cast<uint64_t>(at - text.data()));
  }
  return starts;
}

void BlockWriter::write(std::span<const uint8_t> bytes) {
  out_.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(bytes.size(), kBlockBytes - in_block_));
    block_.update(now);
    in_block_ += now.size();
    if (in_block_ == kBlockBytes) end_block();
    bytes = bytes.subspan(now.size());
  }
}

void BlockWriter::pad_section(uint64_t bytes) {
  constexpr uint8_t kZeros[kAlignment] = {};
  write(std::span(kZeros).first(padded(bytes) - bytes));
}

uint64_t BlockWriter::finish() {
  if (in_block_ > 0) end_block();
  const auto checksums = bytes_of(std::span<const uint64_t>(checksums_));
  out_.write(reinterpret_cast<const char*>(checksums.data()),
             static_cast<std::streamsize>(checksums.size()));
  return checksum(checksums);
}

void BlockWriter::end_block() {
  checksums_.push_back(block_.value());
  block_.reset();
  in_block_ = 0;
}

CheckedBlocks::CheckedBlocks(const fs::path& path, std::span<const uint8_t> file,
                             uint64_t checksums, uint64_t checksum_of_checksums)
    : path_(path), file_(file), checksums_(checksums) {
  if (file.size() != end(checksums))
    damaged(path, "damaged: " + std::to_string(file.size()) + " bytes instead of " +
                      std::to_string(end(checksums)));
  if (checksum_of_checksums != checksum(file.subspan(checksums)))
    damaged(path, "damaged (its checksums)");
  checked_ = std::vector<std::atomic<bool>>(blocks(checksums));
}

void CheckedBlocks::check_block(uint64_t b) const {
  const uint64_t begin = kHeaderBytes + b * kBlockBytes;
  const uint64_t size = std::min<uint64_t>(kBlockBytes, checksums_ - begin);
  uint64_t expected = 0;
  std::memcpy(&expected, file_.data() + checksums_ + b * sizeof(expected), sizeof(expected));
  if (checksum(file_.subspan(begin, size)) != expected)
    damaged(path_, "damaged (bytes " + std::to_string(begin) + " to " +
                       std::to_string(begin + size) + ")");
  checked_[b].store(true, std::memory_order_relaxed);
}

StoredEmbeddings::StoredEmbeddings(const fs::path& folder, uint64_t rows,
                                   const CheckedBlocks& blocks, std::span<const uint8_t> file,
                                   uint64_t starts, fs::path path)
    : path_(std::move(path)),
      folder_(folder),
      count_(rows),
      blocks_(blocks),
      file_(file),
      starts_(starts),
      rows_(folder / "embeddings.npy"),
      ids_(folder / "ids.txt") {}

std::string StoredEmbeddings::changed(uint64_t dim, uint64_t data_offset, const Source& embeddings,
                                      const Source& ids) const {
  if (rows_.rows() != count_ || rows_.dim() != dim || rows_.data_offset() != data_offset ||
      !is_still(embeddings, rows_.file()))
    return "embeddings.npy";
  const InputFile file(folder_ / "ids.txt");
  if (file.bytes() != ids_.bytes().size() || !is_still(ids, file)) return "ids.txt";
  return "";
}

void StoredEmbeddings::check(const Source& embeddings, const Source& ids) const {
  if (rows_.file().checksum() != embeddings.checksum)
    damaged(path_, "made of another embeddings.npy");
  if (checksum(ids_.bytes()) != ids.checksum) damaged(path_, "made of another ids.txt");
}

std::string_view StoredEmbeddings::line(size_t i) const {
  const uint64_t at = starts_ + i * sizeof(uint64_t);
  uint64_t bounds[2];
  blocks_.check(at, sizeof(bounds));
  std::memcpy(bounds, file_.data() + at, sizeof(bounds));
  if (bounds[0] > bounds[1] || bounds[1] > ids_.bytes().size())
    damaged(path_, "damaged (where ids begin)");
  std::string_view line(reinterpret_cast<const char*>(ids_.bytes().data()) + bounds[0],
                        bounds[1] - bounds[0]);
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

IdText read_id_text(const fs::path& folder, const RowFile& rows) {
  if (rows.dim() > kMostDim || rows.rows() >= UINT32_MAX)
    throw Error(rows.file().path().string() + ": too large for an index (most: " +
                std::to_string(kMostDim) + " dimensions, " + std::to_string(UINT32_MAX) + " rows)");
  const InputFile ids(folder / "ids.txt");
  std::vector<uint8_t> text(ids.bytes());
  ids.read(0, text);
  IdText result{line_starts(text), source_of(ids, checksum(text))};
  if (result.starts.size() != rows.rows() + 1)
    throw Error(ids.path().string() + ": " + std::to_string(result.starts.size() - 1) +
                " ids, but " + std::to_string(rows.rows()) + " rows in embeddings.npy");
  return result;
}

}  // namespace cairn::search::stored
