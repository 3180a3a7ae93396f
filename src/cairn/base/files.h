// Files: whole reads, atomic writes, checksums.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/error.h"

namespace cairn {

namespace fs = std::filesystem;

// All bytes of a regular file, or why not (missing, unreadable, a folder, larger than max_bytes).
Result<std::vector<uint8_t>> try_read_file(const fs::path& path, uint64_t max_bytes = UINT64_MAX);

// As above; throws Error that names the file.
std::vector<uint8_t> read_file(const fs::path& path);
std::string read_text(const fs::path& path);

// Writes beside the target (name.tmp-PID), flushes to disk, then renames: the final name holds
// either the old or the complete new content, also after a kill or with a full disk. Throws Error.
// A link is followed; devices and pipes are written to as they are.
void write_file_atomically(const fs::path& path, std::span<const uint8_t> bytes);
void write_text_atomically(const fs::path& path, std::string_view text);
// The writer fills the stream; the file appears when it returns, and does not when it throws.
void write_stream_atomically(const fs::path& path,
                             const std::function<void(std::ostream&)>& writer);

using Sha256Digest = std::array<uint8_t, 32>;
Sha256Digest sha256(std::span<const uint8_t> bytes);

// SHA-256 as 64 lower-case hex digits.
std::string sha256_hex(std::span<const uint8_t> bytes);
std::string sha256_file(const fs::path& path);

// Whether two names lead to one file or folder, through links too; where there is none yet, whether
// they would.
bool same_file(const fs::path& a, const fs::path& b);

// Throws Error when the folder cannot be created.
void make_folder(const fs::path& path);

// Makes the folder that a file will be written to. Throws Error where that cannot be, the file is a
// folder, or the folder may not be written to: before long work, not after it. Removes what killed
// writers of that file left.
void make_room_for(const fs::path& file);

// An exclusive lock on a folder, held while the object lives; the constructor throws Error
// when another process has it ("… is in use by another cairn process").
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace cairn
