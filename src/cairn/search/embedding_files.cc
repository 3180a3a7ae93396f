#include "cairn/search/embedding_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "cairn/base/checksum.h"
#include "cairn/base/error.h"
#include "cairn/base/npy.h"

namespace cairn::search {

InputFile::InputFile(const std::filesystem::path& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) throw Error(path.string() + ": cannot open: " + std::strerror(errno));
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw Error(path.string() + ": not a regular file");
  }
  bytes_ = static_cast<uint64_t>(status.st_size);
  modified_ = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read(uint64_t offset, std::span<uint8_t> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      throw Error(path_.string() + ": cannot read its byte " + std::to_string(offset) +
                  (got < 0 ? std::string(": ") + std::strerror(errno) : ": the file is shorter"));
    out = out.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
}

uint64_t InputFile::checksum() const {
  Checksum sum;
  std::vector<uint8_t> piece(1 << 20);
  for (uint64_t at = 0; at < bytes_; at += piece.size()) {
    const auto now = std::span(piece).first(std::min<uint64_t>(piece.size(), bytes_ - at));
    read(at, now);
    sum.update(now);
  }
  return sum.value();
}

RowFile::RowFile(const std::filesystem::path& path) : file_(path) {
  std::vector<uint8_t> start(std::min<uint64_t>(file_.bytes(), 1 << 16));
  file_.read(0, start);
  const NpyHeader header = parse_npy_header(start, file_.bytes(), path.string());
  if (header.descr != "<f4" || header.shape.size() != 2)
    throw Error(path.string() + ": not a matrix of float32");
  rows_ = static_cast<size_t>(header.shape[0]);
  dim_ = static_cast<size_t>(header.shape[1]);
  data_offset_ = header.data_offset;
  if (dim_ == 0 && rows_ > 0) throw Error(path.string() + ": rows without values");
}

void RowFile::read(size_t first, size_t count, float* out) const {
  file_.read(data_offset_ + first * dim_ * sizeof(float),
             {reinterpret_cast<uint8_t*>(out), count * dim_ * sizeof(float)});
}

}  // namespace cairn::search
