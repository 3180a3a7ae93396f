#include "cairn/base/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

namespace cairn {
namespace {

std::string system_reason() { return std::strerror(errno); }

// Closes a file descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void flush_to_disk(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0) {
    throw Error(path.string() + ": cannot flush to disk: " + system_reason());
  }
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    CAIRN_ASSERT(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }

  void update(std::span<const uint8_t> bytes) {
    CAIRN_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }

  Sha256Digest digest() {
    Sha256Digest digest;
    CAIRN_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
    return digest;
  }

  std::string finish() {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (const uint8_t byte : digest()) {
      hex += kDigits[byte >> 4];
      hex += kDigits[byte & 15];
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

Result<std::vector<uint8_t>> try_read_file(const fs::path& path, uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return Failure{"cannot open: " + system_reason()};
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return Failure{"cannot read: " + system_reason()};
  if (!S_ISREG(status.st_mode)) return Failure{"not a regular file"};
  if (static_cast<uint64_t>(status.st_size) > max_bytes) {
    return Failure{"file of " + std::to_string(status.st_size) + " bytes is over the limit of " +
                   std::to_string(max_bytes)};
  }
  std::vector<uint8_t> bytes(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure{"cannot read: " + system_reason()};
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

std::vector<uint8_t> read_file(const fs::path& path) {
  return try_read_file(path).value_or_throw(path.string());
}

std::string read_text(const fs::path& path) {
  const std::vector<uint8_t> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

namespace {

void write_stream(const fs::path& to, const fs::path& name,
                  const std::function<void(std::ostream&)>& writer) {
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  if (!out) throw Error(name.string() + ": cannot create: " + system_reason());
  writer(out);
  out.close();
  if (!out) throw Error(name.string() + ": cannot write (disk full?): " + system_reason());
}

// A device, a pipe, a terminal: what a renamed file must not take the place of.
bool is_special(const fs::path& path) {
  std::error_code failed;
  const fs::file_status status = fs::status(path, failed);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

// The file that a link leads to.
fs::path followed(const fs::path& path) {
  std::error_code failed;
  if (!fs::is_symlink(path, failed)) return path;
  const fs::path target = fs::canonical(path, failed);
  return failed ? path : target;
}

constexpr const char* kTemporary = ".tmp-";

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

// Removes what killed writers of a file left beside it. A writer that lives holds the lock of its
// own.
void remove_leftovers(const fs::path& target) {
  const std::string prefix = target.filename().string() + kTemporary;
  std::error_code failed;
  for (fs::directory_iterator entry(folder_of(target), failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix) ||
        name.find_first_not_of("0123456789", prefix.size()) != std::string::npos)
      continue;
    const Descriptor file(
        ::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    std::error_code ignored;
    if (file.get() >= 0 && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
      fs::remove(entry->path(), ignored);
  }
}

}  // namespace

void write_stream_atomically(const fs::path& path,
                             const std::function<void(std::ostream&)>& writer) {
  if (is_special(path)) return write_stream(path, path, writer);
  const fs::path target = followed(path);
  const fs::path temporary = target.string() + kTemporary + std::to_string(::getpid());
  const Descriptor locked(::open(temporary.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (locked.get() >= 0) ::flock(locked.get(), LOCK_EX);
  try {
    write_stream(temporary, path, writer);
    flush_to_disk(temporary);
    std::error_code failed;
    fs::rename(temporary, target, failed);
    if (failed) throw Error(path.string() + ": cannot rename into place: " + failed.message());
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
}

void write_file_atomically(const fs::path& path, std::span<const uint8_t> bytes) {
  write_stream_atomically(path, [&](std::ostream& out) {
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  });
}

void write_text_atomically(const fs::path& path, std::string_view text) {
  write_file_atomically(path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

Sha256Digest sha256(std::span<const uint8_t> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.digest();
}

std::string sha256_hex(std::span<const uint8_t> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string sha256_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(path.string() + ": cannot open: " + system_reason());
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
    hash.update(
        {reinterpret_cast<const uint8_t*>(buffer.data()), static_cast<size_t>(in.gcount())});
  }
  return hash.finish();
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code failed;
  if (fs::equivalent(a, b, failed)) return true;
  const auto resolved = [&](const fs::path& path) {
    return fs::weakly_canonical(fs::absolute(path, failed), failed);
  };
  return resolved(a) == resolved(b);
}

void make_folder(const fs::path& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed || !fs::is_directory(path)) {
    throw Error(path.string() + ": cannot create the folder" +
                (failed ? ": " + failed.message() : std::string(": a file has that name")));
  }
}

void make_room_for(const fs::path& file) {
  const fs::path folder = folder_of(file);
  make_folder(folder);
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) throw Error(file.string() + ": is a folder, not a file");
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    throw Error(file.string() + ": cannot write in " + folder.string() + ": " +
                std::strerror(errno));
  remove_leftovers(followed(file));
}

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path file = folder / ".lock";
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw Error(file.string() + ": cannot create: " + system_reason());
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor_);
    throw Error(folder.string() +
                ": in use by another cairn process; wait for it or choose another folder");
  }
}

FolderLock::~FolderLock() {
  // The file stays: removing it would let a third process lock a file that has no name any more.
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace cairn
