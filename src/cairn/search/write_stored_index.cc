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

using stored::BlockWriter;
using stored::bytes_of;

// The numbers of all rows; their values are in the file already.
struct Written {
  std::vector<float> numbers;
  double longest = 0;
  uint64_t checksum = 0;  // of embeddings.npy
};

Written write_values(const RowFile& rows, int threads, const std::function<void(size_t)>& on_done,
                     BlockWriter& out) {
  constexpr size_t kPiecePanels = 128;
  const PanelLayout layout(rows.dim());
  const size_t panels = PanelLayout::panels(rows.rows());
  Written written;
  written.numbers.resize(panels * kPanelRows * RowNumbers<float>::kArrays);
  const auto numbers = RowNumbers<float>::in(written.numbers.data(), panels * kPanelRows);
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
                        &values[p * layout.bytes()], numbers.from(row + in_piece));
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
  const stored::IdText ids = stored::read_id_text(folder, rows);
  write_stream_atomically(folder / kIndexFile, [&](std::ostream& out) {
    const std::vector<char> room(stored::kHeaderBytes, 0);
    out.write(room.data(), static_cast<std::streamsize>(room.size()));
    BlockWriter blocks(out);
    const Written written = write_values(rows, resolve_threads(threads), on_done, blocks);
    blocks.write_section(bytes_of(std::span<const float>(written.numbers)));
    blocks.write_section(bytes_of(std::span<const uint64_t>(ids.starts)));
    stored::Header header{};
    std::memcpy(header.magic, stored::kMagic.data(), sizeof(header.magic));
    header.version = stored::kVersion;
    header.rows = rows.rows();
    header.dim = rows.dim();
    header.panel_rows = kPanelRows;
    header.group = kernels::kGroup;
    header.longest = written.longest;
    header.data_offset = rows.data_offset();
    header.embeddings = stored::source_of(rows.file(), written.checksum);
    header.ids = ids.source;
    header.checksum_of_checksums = blocks.finish();
    header.checksum = stored::header_checksum(header);
    out.seekp(0);
    out.write(reinterpret_cast<const char*>(&header), sizeof(header));
  });
}

}  // namespace cairn::search
