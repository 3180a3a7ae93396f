#include "cairn/search/stored_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cairn/base/checksum.h"
#include "cairn/search/embedding_files.h"
#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/quantise.h"
#include "cairn/search/stored_index_format.h"

namespace cairn::search {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void damaged(const fs::path& path, const std::string& how) {
  throw Error(path.string() + ": " + how + "; make it again with cairn index");
}

// The header of a file of these bytes, which then has room for all sections.
stored::Header read_header(std::span<const uint8_t> bytes, const fs::path& path) {
  stored::Header header{};
  if (bytes.size() < stored::kHeaderBytes ||
      std::memcmp(bytes.data(), stored::kMagic, sizeof(stored::kMagic)) != 0)
    damaged(path, "not a search index");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.version != stored::kVersion)
    damaged(path, "version " + std::to_string(header.version) +
                      " of the format, and this program "
                      "knows " +
                      std::to_string(stored::kVersion));
  if (header.checksum != checksum(bytes.first(offsetof(stored::Header, checksum))))
    damaged(path, "damaged (its header)");
  if (header.rows >= UINT32_MAX || header.dim > kMostDim ||
      header.panel_rows != kernels::kPanelRows || header.group != kernels::kGroup ||
      !std::isfinite(header.longest) || header.longest < 0)
    damaged(path, "damaged (its header)");
  const stored::Sections sections(header.rows, header.dim);
  if (bytes.size() != sections.end)
    damaged(path, "damaged: " + std::to_string(bytes.size()) + " bytes instead of " +
                      std::to_string(sections.end));
  if (header.checksum_of_checksums != checksum(bytes.subspan(sections.checksums)))
    damaged(path, "damaged (its checksums)");
  return header;
}

// A file that only looks changed (copied, say) is told by its checksum.
bool is_still(const stored::Source& source, const InputFile& file) {
  return file.bytes() == source.bytes &&
         (file.modified() == source.modified || file.checksum() == source.checksum);
}

}  // namespace

class StoredIndex::File : public Lines {
 public:
  explicit File(const fs::path& folder)
      : path_(folder / kIndexFile),
        index_(path_),
        header_(read_header(index_.bytes(), path_)),
        sections_(header_.rows, header_.dim),
        checked_(sections_.blocks),
        rows_(folder / "embeddings.npy"),
        ids_(folder / "ids.txt") {
    const uint8_t* bytes = index_.bytes().data();
    copies_.count = header_.rows;
    copies_.dim = header_.dim;
    copies_.values = bytes + sections_.values;
    copies_.scales = reinterpret_cast<const float*>(bytes + sections_.scales);
    copies_.residuals = reinterpret_cast<const float*>(bytes + sections_.residuals);
    copies_.longest = header_.longest;
    copies_.full_row = [this](size_t row, float* buffer) {
      rows_.read(row, 1, buffer);
      return buffer;
    };
    copies_.check = [this](size_t first, size_t count) { check_panels(first, count); };
  }

  // Which file the index does not belong to any more; "": it does.
  std::string changed(const fs::path& folder) const {
    if (rows_.rows() != header_.rows || rows_.dim() != header_.dim ||
        rows_.data_offset() != header_.data_offset || !is_still(header_.embeddings, rows_.file()))
      return "embeddings.npy";
    const InputFile ids(folder / "ids.txt");
    if (ids.bytes() != ids_.bytes().size() || !is_still(header_.ids, ids)) return "ids.txt";
    return "";
  }

  const RowCopies& copies() const { return copies_; }

  size_t size() const override { return header_.rows; }

  std::string_view line(size_t i) const override {
    const uint64_t at = sections_.lines + i * sizeof(uint64_t);
    check_bytes(at, 2 * sizeof(uint64_t));
    uint64_t bounds[2];
    std::memcpy(bounds, index_.bytes().data() + at, sizeof(bounds));
    if (bounds[0] > bounds[1] || bounds[1] > ids_.bytes().size())
      damaged(path_, "damaged (where ids begin)");
    std::string_view line(reinterpret_cast<const char*>(ids_.bytes().data()) + bounds[0],
                          bounds[1] - bounds[0]);
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  void check_bytes(uint64_t at, uint64_t bytes) const {
    if (bytes == 0) return;
    const uint64_t last = (at + bytes - 1 - sections_.values) / stored::kBlockBytes;
    for (uint64_t b = (at - sections_.values) / stored::kBlockBytes; b <= last; ++b) {
      if (checked_[b].load(std::memory_order_relaxed)) continue;
      const uint64_t begin = sections_.values + b * stored::kBlockBytes;
      const uint64_t size = std::min<uint64_t>(stored::kBlockBytes, sections_.checksums - begin);
      uint64_t expected = 0;
      std::memcpy(&expected, index_.bytes().data() + sections_.checksums + b * sizeof(expected),
                  sizeof(expected));
      if (checksum(index_.bytes().subspan(begin, size)) != expected)
        damaged(path_, "damaged (bytes " + std::to_string(begin) + " to " +
                           std::to_string(begin + size) + ")");
      checked_[b].store(true, std::memory_order_relaxed);
    }
  }

  void check_all() const { check_bytes(sections_.values, sections_.checksums - sections_.values); }

 private:
  void check_panels(size_t first, size_t count) const {
    const uint64_t bytes = PanelLayout(header_.dim).bytes();
    check_bytes(sections_.values + first * bytes, count * bytes);
    constexpr uint64_t kNumbers = kernels::kPanelRows * sizeof(float);
    check_bytes(sections_.scales + first * kNumbers, count * kNumbers);
    check_bytes(sections_.residuals + first * kNumbers, count * kNumbers);
  }

  fs::path path_;
  MappedFile index_;
  stored::Header header_;
  stored::Sections sections_;
  mutable std::vector<std::atomic<bool>> checked_;  // blocks
  RowFile rows_;
  MappedFile ids_;
  RowCopies copies_;
};

Result<std::unique_ptr<const StoredIndex>> StoredIndex::open(const fs::path& folder) {
  if (!fs::exists(folder / kIndexFile)) return Failure{"there is none"};
  auto file = std::make_unique<const File>(folder);
  if (const std::string changed = file->changed(folder); !changed.empty())
    return Failure{changed + " has changed since it was made"};
  return std::unique_ptr<const StoredIndex>(new StoredIndex(std::move(file)));
}

StoredIndex::StoredIndex(std::unique_ptr<const File> file) : file_(std::move(file)) {}

StoredIndex::~StoredIndex() = default;

size_t StoredIndex::size() const { return file_->copies().count; }

size_t StoredIndex::dim() const { return file_->copies().dim; }

std::string_view StoredIndex::id(size_t row) const { return file_->line(row); }

std::vector<std::vector<Hit>> StoredIndex::search(const Rows& queries,
                                                  const SearchOptions& options) const {
  return search_copies(file_->copies(), Ids(*file_), queries, options);
}

void StoredIndex::check() const { file_->check_all(); }

}  // namespace cairn::search
