#include <algorithm>
#include <cstring>
#include <ostream>
#include <vector>

#include "cairn/base/checksum.h"
#include "cairn/base/files.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/embedding_files.h"
#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/quantise.h"
#include "cairn/search/stored_index.h"
#include "cairn/search/stored_index_format.h"

namespace cairn::search {
namespace {

using kernels::kPanelRows;

template <typename T>
std::span<const uint8_t> bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

// Writes, and takes the checksums of blocks.
class BlockWriter {
 public:
  explicit BlockWriter(std::ostream& out) : out_(out) {}

  void write(std::span<const uint8_t> bytes) {
    out_.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    while (!bytes.empty()) {
      const auto now = bytes.first(std::min(bytes.size(), stored::kBlockBytes - in_block_));
      block_.update(now);
      in_block_ += now.size();
      if (in_block_ == stored::kBlockBytes) end_block();
      bytes = bytes.subspan(now.size());
    }
  }
  void pad_section(uint64_t bytes) {
    constexpr uint8_t kZeros[64] = {};
    write(std::span(kZeros).first((64 - bytes % 64) % 64));
  }
  const std::vector<uint64_t>& finish() {
    if (in_block_ > 0) end_block();
    return checksums_;
  }

 private:
  void end_block() {
    checksums_.push_back(block_.value());
    block_.reset();
    in_block_ = 0;
  }

  std::ostream& out_;
  Checksum block_;
  size_t in_block_ = 0;
  std::vector<uint64_t> checksums_;
};

stored::Source source_of(const InputFile& file, uint64_t checksum) {
  return {file.bytes(), file.modified(), checksum};
}

// Where the lines of a text begin, and its end.
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

// The scales and residuals of all rows; their values are in the file already.
struct Written {
  std::vector<float> scales;
  std::vector<float> residuals;
  double longest = 0;
  uint64_t checksum = 0;  // of embeddings.npy
};

Written write_values(const RowFile& rows, int threads, const std::function<void(size_t)>& on_done,
                     BlockWriter& out) {
  constexpr size_t kPiecePanels = 128;
  const PanelLayout layout(rows.dim());
  const size_t panels = PanelLayout::panels(rows.rows());
  Written written;
  written.scales.resize(panels * kPanelRows);
  written.residuals.resize(panels * kPanelRows);
  Checksum source;
  std::vector<uint8_t> before(rows.data_offset());
  rows.file().read(0, before);
  source.update(before);
  std::vector<float> full(kPiecePanels * kPanelRows * rows.dim());
  std::vector<uint8_t> values(kPiecePanels * layout.bytes());
  std::vector<double> longest(kPiecePanels);
  for (size_t first = 0; first < panels; first += kPiecePanels) {
    const size_t count = std::min(kPiecePanels, panels - first);
    const size_t row = first * kPanelRows;
    const size_t piece_rows = std::min(count * kPanelRows, rows.rows() - row);
    rows.read(row, piece_rows, full.data());
    source.update(bytes_of(std::span<const float>(full).first(piece_rows * rows.dim())));
    parallel_for(count, threads, [&](size_t begin, size_t end) {
      for (size_t p = begin; p < end; ++p) {
        const size_t in_piece = p * kPanelRows;
        longest[p] =
            layout.fill(&full[in_piece * rows.dim()], std::min(kPanelRows, piece_rows - in_piece),
                        &values[p * layout.bytes()], &written.scales[row + in_piece],
                        &written.residuals[row + in_piece]);
      }
    });
    for (size_t p = 0; p < count; ++p) written.longest = std::max(written.longest, longest[p]);
    out.write(std::span<const uint8_t>(values).first(count * layout.bytes()));
    if (on_done) on_done(piece_rows);
  }
  out.pad_section(panels * layout.bytes());
  std::vector<uint8_t> after(rows.file().bytes() - rows.data_offset() -
                             rows.rows() * rows.dim() * sizeof(float));
  rows.file().read(rows.file().bytes() - after.size(), after);
  source.update(after);
  written.checksum = source.value();
  return written;
}

}  // namespace

void write_stored_index(const fs::path& folder, int threads,
                        const std::function<void(size_t)>& on_done) {
  const RowFile rows(folder / "embeddings.npy");
  const InputFile ids(folder / "ids.txt");
  if (rows.dim() > kMostDim || rows.rows() >= UINT32_MAX)
    throw Error(rows.file().path().string() + ": too large for an index (most: " +
                std::to_string(kMostDim) + " dimensions, " + std::to_string(UINT32_MAX) + " rows)");
  std::vector<uint8_t> text(ids.bytes());
  ids.read(0, text);
  const std::vector<uint64_t> lines = line_starts(text);
  if (lines.size() != rows.rows() + 1)
    throw Error(ids.path().string() + ": " + std::to_string(lines.size() - 1) + " ids, but " +
                std::to_string(rows.rows()) + " rows in embeddings.npy");
  write_stream_atomically(folder / kIndexFile, [&](std::ostream& out) {
    const std::vector<char> room(stored::kHeaderBytes, 0);
    out.write(room.data(), static_cast<std::streamsize>(room.size()));
    BlockWriter blocks(out);
    const Written written = write_values(rows, resolve_threads(threads), on_done, blocks);
    const auto write_section = [&](std::span<const uint8_t> bytes) {
      blocks.write(bytes);
      blocks.pad_section(bytes.size());
    };
    write_section(bytes_of(std::span<const float>(written.scales)));
    write_section(bytes_of(std::span<const float>(written.residuals)));
    write_section(bytes_of(std::span<const uint64_t>(lines)));
    const auto checksums = bytes_of(std::span<const uint64_t>(blocks.finish()));
    out.write(reinterpret_cast<const char*>(checksums.data()),
              static_cast<std::streamsize>(checksums.size()));
    stored::Header header{};
    std::memcpy(header.magic, stored::kMagic, sizeof(header.magic));
    header.version = stored::kVersion;
    header.rows = rows.rows();
    header.dim = rows.dim();
    header.panel_rows = kPanelRows;
    header.group = kernels::kGroup;
    header.longest = written.longest;
    header.data_offset = rows.data_offset();
    header.embeddings = source_of(rows.file(), written.checksum);
    header.ids = source_of(ids, checksum(text));
    header.checksum_of_checksums = checksum(checksums);
    header.checksum = checksum(bytes_of(std::span<const stored::Header>(&header, 1))
                                   .first(offsetof(stored::Header, checksum)));
    out.seekp(0);
    out.write(reinterpret_cast<const char*>(&header), sizeof(header));
  });
}

}  // namespace cairn::search
