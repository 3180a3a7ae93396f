#include "cairn/embed/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/base/random.h"

namespace cairn::embed {
namespace {

// A key record: the photo's SHA-256, then the checksum of digest and row, little-endian.
constexpr size_t kDigestBytes = sizeof(Sha256Digest);
constexpr size_t kKeyBytes = kDigestBytes + sizeof(uint64_t);
constexpr const char* kKeys = ".keys";
constexpr const char* kRows = ".rows";
constexpr uint64_t kLargestSegment = uint64_t{1} << 30;
constexpr uint64_t kSegmentsALimit = 16;  // so that what is dropped is a small part

uint64_t prefix_of(const uint8_t* digest) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, digest, sizeof(prefix));
  return prefix;
}

fs::path with_ending(fs::path segment, const char* ending) { return segment += ending; }

uint64_t size_or_0(const fs::path& path) {
  std::error_code failed;
  const uint64_t size = fs::file_size(path, failed);
  return failed ? 0 : size;
}

bool write_all(int file, const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(file, at, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    bytes -= static_cast<size_t>(written);
  }
  return true;
}

// Reads from a place of a file; false where it is gone or shorter.
bool read_at(const fs::path& path, uint64_t offset, void* out, size_t bytes) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t got = ::pread(file, out, bytes, static_cast<off_t>(offset));
  ::close(file);
  return got == static_cast<ssize_t>(bytes);
}

// The file says for people what the folder holds. Others may write the same at the same time.
void write_settings(const fs::path& path, const std::string& settings) {
  if (fs::exists(path)) return;
  try {
    write_text_atomically(path, settings);
  } catch (const Error&) {
    if (!fs::exists(path)) throw;
  }
}

// Removes a segment unless a process writes to it.
bool remove_idle(const fs::path& segment) {
  const fs::path rows = with_ending(segment, kRows);
  const int file = ::open(rows.c_str(), O_RDONLY | O_CLOEXEC);
  if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    return false;
  }
  std::error_code ignored;
  fs::remove(with_ending(segment, kKeys), ignored);
  fs::remove(rows, ignored);
  if (file >= 0) ::close(file);
  return true;
}

}  // namespace

EmbeddingCache::EmbeddingCache(const fs::path& folder, const std::string& settings, size_t dim,
                               uint64_t limit)
    : root_(folder),
      folder_(folder /
              sha256_hex({reinterpret_cast<const uint8_t*>(settings.data()), settings.size()})
                  .substr(0, 32)),
      dim_(dim),
      limit_(limit) {
  make_folder(folder_);
  write_settings(folder_ / "settings.json", settings);
  make_room();
  for (const fs::directory_entry& file : fs::directory_iterator(folder_)) {
    if (file.path().extension() == kKeys) read_segment(file.path());
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.prefix < b.prefix; });
}

EmbeddingCache::~EmbeddingCache() { close_segment(); }

// What a killed process left half-written stands at the end of either file, and is not counted.
void EmbeddingCache::read_segment(const fs::path& keys) {
  Result<std::vector<uint8_t>> bytes = try_read_file(keys);
  if (!bytes) return;  // another process dropped it
  fs::path segment = keys;
  segment.replace_extension();
  const uint64_t rows = size_or_0(with_ending(segment, kRows)) / (dim_ * sizeof(float));
  const size_t count = std::min<uint64_t>({bytes.value().size() / kKeyBytes, rows, UINT32_MAX});
  for (size_t i = 0; i < count; ++i) {
    entries_.push_back({prefix_of(bytes.value().data() + i * kKeyBytes),
                        static_cast<uint32_t>(segments_.size()), static_cast<uint32_t>(i)});
  }
  segments_.push_back(std::move(segment));
}

bool EmbeddingCache::find(const Sha256Digest& photo, std::vector<float>& row) {
  const uint64_t prefix = prefix_of(photo.data());
  auto at = std::lower_bound(entries_.begin(), entries_.end(), prefix,
                             [](const Entry& entry, uint64_t p) { return entry.prefix < p; });
  for (; at != entries_.end() && at->prefix == prefix; ++at) {
    if (read_entry(*at, photo, row)) {
      ++hits_;
      return true;
    }
  }
  row.clear();
  return false;
}

bool EmbeddingCache::read_entry(const Entry& entry, const Sha256Digest& photo,
                                std::vector<float>& row) {
  const fs::path& segment = segments_[entry.segment];
  std::array<uint8_t, kKeyBytes> key;
  const size_t row_bytes = dim_ * sizeof(float);
  row.resize(dim_);
  if (!read_at(with_ending(segment, kKeys), entry.number * kKeyBytes, key.data(), kKeyBytes) ||
      !read_at(with_ending(segment, kRows), entry.number * row_bytes, row.data(), row_bytes)) {
    return false;
  }
  uint64_t expected = 0;
  std::memcpy(&expected, key.data() + kDigestBytes, sizeof(expected));
  const bool whole =
      std::equal(photo.begin(), photo.end(), key.begin()) && checksum(photo, row) == expected;
  if (!whole) ++damaged_;
  return whole;
}

uint64_t EmbeddingCache::checksum(const Sha256Digest& photo, std::span<const float> row) const {
  std::string all(reinterpret_cast<const char*>(photo.data()), photo.size());
  all.append(reinterpret_cast<const char*>(row.data()), row.size_bytes());
  return fnv1a(all);
}

void EmbeddingCache::add(const Sha256Digest& photo, const std::vector<float>& row) {
  CAIRN_ASSERT(row.size() == dim_);
  std::array<uint8_t, kKeyBytes> key;
  std::copy(photo.begin(), photo.end(), key.begin());
  const uint64_t sum = checksum(photo, row);
  std::memcpy(key.data() + kDigestBytes, &sum, sizeof(sum));
  const size_t row_bytes = dim_ * sizeof(float);

  const std::lock_guard lock(writing_);
  if (failed_) return;
  if (written_ >= std::min(kLargestSegment, limit_ / kSegmentsALimit)) {
    close_segment();
    make_room();
  }
  if (rows_file_ < 0) open_segment();
  // The row first: a key never stands without its row.
  if (rows_file_ < 0 || !write_all(rows_file_, row.data(), row_bytes) ||
      !write_all(keys_file_, key.data(), kKeyBytes)) {
    log_warning(folder_.string() + ": cannot write (" + std::strerror(errno) +
                "); the rest of this run is not cached");
    failed_ = true;
    return;
  }
  written_ += row_bytes + kKeyBytes;
}

void EmbeddingCache::open_segment() {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC;
  std::array<char, 64> host = {};
  ::gethostname(host.data(), host.size() - 1);
  written_ = 0;
  for (int number = 0;; ++number) {
    const fs::path segment = folder_ / (std::string(host.data()) + "-" +
                                        std::to_string(::getpid()) + "-" + std::to_string(number));
    rows_file_ = ::open(with_ending(segment, kRows).c_str(), kFlags, 0644);
    if (rows_file_ < 0 && errno == EEXIST) continue;
    if (rows_file_ < 0) return;
    ::flock(rows_file_, LOCK_EX | LOCK_NB);  // for remove_idle
    keys_file_ = ::open(with_ending(segment, kKeys).c_str(), kFlags, 0644);
    if (keys_file_ < 0) {
      ::close(rows_file_);
      rows_file_ = -1;
    }
    return;
  }
}

void EmbeddingCache::close_segment() {
  for (int* file : {&keys_file_, &rows_file_}) {
    if (*file >= 0) ::close(*file);
    *file = -1;
  }
  written_ = 0;
}

void EmbeddingCache::make_room() const {
  struct Segment {
    fs::file_time_type written;
    fs::path path;
    uint64_t bytes = 0;
  };
  std::vector<Segment> segments;
  uint64_t total = 0;
  std::error_code failed;
  for (const fs::directory_entry& settings : fs::directory_iterator(root_)) {
    if (!fs::exists(settings.path() / "settings.json", failed)) continue;
    for (const fs::directory_entry& file : fs::directory_iterator(settings.path(), failed)) {
      if (file.path().extension() != kRows) continue;
      fs::path segment = file.path();
      segment.replace_extension();
      const uint64_t bytes = size_or_0(file.path()) + size_or_0(with_ending(segment, kKeys));
      total += bytes;
      segments.push_back({fs::last_write_time(file.path(), failed), segment, bytes});
    }
  }
  std::sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) {
    return std::tie(a.written, a.path) < std::tie(b.written, b.path);
  });
  for (const Segment& segment : segments) {
    if (total <= limit_) return;
    if (remove_idle(segment.path)) total -= segment.bytes;
  }
}

}  // namespace cairn::embed
