#include "cairn/search/stored_index.h"

#include <cmath>

#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/quantise.h"
#include "cairn/search/stored_index_format.h"

namespace cairn::search {
namespace {

namespace fs = std::filesystem;
using stored::damaged;

stored::Header read_header(std::span<const uint8_t> bytes, const fs::path& path) {
  stored::Header header{};
  stored::read_header_bytes(bytes, stored::kMagic, stored::kVersion, path, &header, sizeof(header));
  if (header.checksum != stored::header_checksum(header) || header.rows >= UINT32_MAX ||
      header.dim > kMostDim || header.panel_rows != kernels::kPanelRows ||
      header.group != kernels::kGroup || !std::isfinite(header.longest) || header.longest < 0)
    damaged(path, "damaged (its header)");
  return header;
}

}  // namespace

class StoredIndex::File {
 public:
  File(const fs::path& folder, uint64_t most_mapped)
      : path_(folder / kIndexFile),
        index_(stored::map_file(path_)),
        header_(read_header(index_.bytes(), path_)),
        sections_(header_.rows, header_.dim),
        blocks_(path_, index_.bytes(), sections_.checksums, header_.checksum_of_checksums),
        embeddings_(folder, header_.rows, blocks_, index_.bytes(), sections_.lines, path_) {
    const uint8_t* bytes = index_.bytes().data();
    copies_.count = header_.rows;
    copies_.dim = header_.dim;
    copies_.values = bytes + sections_.values;
    copies_.numbers = RowNumbers<const float>::in(
        reinterpret_cast<const float*>(bytes + sections_.numbers), padded_rows());
    copies_.longest = header_.longest;
    copies_.read_row = [this](size_t row, float* out) { embeddings_.rows().read(row, 1, out); };
    map_rows(folder / "embeddings.npy", most_mapped);
    copies_.check = [this](size_t first, size_t count) { check_panels(first, count); };
  }

  std::string changed() const {
    return embeddings_.changed(header_.dim, header_.data_offset, header_.embeddings, header_.ids);
  }
  const RowCopies& copies() const { return copies_; }
  const Lines& ids() const { return embeddings_; }
  void check_all() const {
    blocks_.check_all();
    embeddings_.check(header_.embeddings, header_.ids);
  }

 private:
  void map_rows(const fs::path& path, uint64_t most) {
    const uint64_t bytes = embeddings_.rows().file().bytes();
    if (bytes > most || header_.data_offset % alignof(float) != 0) return;
    mapped_rows_ = std::make_unique<const MappedFile>(path);
    if (mapped_rows_->bytes().size() != bytes) return;
    copies_.full_rows =
        reinterpret_cast<const float*>(mapped_rows_->bytes().data() + header_.data_offset);
  }

  void check_panels(size_t first, size_t count) const {
    const uint64_t bytes = PanelLayout(header_.dim).bytes();
    blocks_.check(sections_.values + first * bytes, count * bytes);
    constexpr uint64_t kNumbers = kernels::kPanelRows * sizeof(float);
    for (size_t array = 0; array < RowNumbers<float>::kArrays; ++array)
      blocks_.check(sections_.numbers + array * padded_rows() * sizeof(float) + first * kNumbers,
                    count * kNumbers);
  }
  size_t padded_rows() const { return PanelLayout::panels(header_.rows) * kernels::kPanelRows; }

  fs::path path_;
  MappedFile index_;
  stored::Header header_;
  stored::Sections sections_;
  stored::CheckedBlocks blocks_;
  stored::StoredEmbeddings embeddings_;
  std::unique_ptr<const MappedFile> mapped_rows_;
  RowCopies copies_;
};

Result<std::unique_ptr<const StoredIndex>> StoredIndex::open(const fs::path& folder,
                                                             uint64_t most_mapped) {
  if (!fs::exists(folder / kIndexFile)) return Failure{"there is none"};
  auto file = std::make_unique<const File>(folder, most_mapped);
  if (const std::string changed = file->changed(); !changed.empty())
    return Failure{changed + " has changed since it was made"};
  return std::unique_ptr<const StoredIndex>(new StoredIndex(std::move(file)));
}

StoredIndex::StoredIndex(std::unique_ptr<const File> file) : file_(std::move(file)) {}

StoredIndex::~StoredIndex() = default;

size_t StoredIndex::size() const { return file_->copies().count; }

size_t StoredIndex::dim() const { return file_->copies().dim; }

std::string_view StoredIndex::id(size_t row) const { return file_->ids().line(row); }

std::vector<std::vector<Hit>> StoredIndex::search(const Rows& queries,
                                                  const SearchOptions& options) const {
  return search_copies(file_->copies(), Ids(file_->ids()), queries, options);
}

void StoredIndex::check() const { file_->check_all(); }

}  // namespace cairn::search
