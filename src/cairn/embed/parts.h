// What an unfinished embedding run keeps: finished chunks of photos, each one file.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace cairn::embed {

// The outcome of consecutive photos of the list.
struct Part {
  std::vector<std::string> reasons;  // one a photo: "" where it was embedded, else why not
  std::vector<float> rows;           // the embedded ones × dim
};

// The folder OUT/.parts. Part k holds the photos [k × chunk, (k + 1) × chunk) of the list. Which
// run they belong to stands in manifest.json.
class PartFolder {
 public:
  PartFolder(std::filesystem::path folder, size_t dim);

  // The manifest of the run that left its parts here, if one did.
  std::optional<std::string> manifest() const;
  // Empties the folder for a run of its own.
  void start(const std::string& manifest);
  // Removes what a killed run left half-written.
  void tidy() const;
  void remove() const;

  bool has(size_t k) const;
  void write(size_t k, const Part& part) const;  // atomically; thread-safe for different k
  // Throws Error where the file is not a whole part of this many photos.
  Part read(size_t k, size_t photos) const;

 private:
  std::filesystem::path file(size_t k) const;

  std::filesystem::path folder_;
  size_t dim_;
};

}  // namespace cairn::embed
