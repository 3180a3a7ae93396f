#include "cairn/base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cairn/base/error.h"

namespace cairn {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const auto fail = [&](const char* what) {
    throw Error(fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) fail("cannot open");
  struct stat status {};
  const bool known = ::fstat(file, &status) == 0;
  if (known && S_ISREG(status.st_mode) && status.st_size > 0) {
    size_ = static_cast<size_t>(status.st_size);
    void* data = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file,
                        /*offset=*/0);
    data_ = data == MAP_FAILED ? nullptr : static_cast<uint8_t*>(data);
  }
  const int reason = errno;
  ::close(file);
  errno = reason;
  if (!known || (size_ > 0 && data_ == nullptr)) fail("cannot read");
  if (!S_ISREG(status.st_mode)) throw Error(path.string() + ": not a regular file");
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace cairn
