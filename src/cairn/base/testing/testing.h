// What the tests share: golden vectors, temporary folders, and where the shared data lies.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/npy.h"

namespace cairn::testing {

namespace fs = std::filesystem;

// The folder of golden vectors, photos and models (CAIRN_SHARED_DIR in the environment or at
// configure time).
fs::path shared_dir();

// A folder that is deleted at the end of the test.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

// One golden case: its folder, its case.json and its arrays.
struct GoldenCase {
  fs::path folder;
  nlohmann::json spec;  // case.json
  NpyArray<float> f32(const std::string& file) const { return read_npy_f32(folder / file); }
  NpyArray<int64_t> i64(const std::string& file) const { return read_npy_i64(folder / file); }
  nlohmann::json json(const std::string& file) const;
};

// Loads "losses/wz_cosface". Use CAIRN_REQUIRE_SHARED first.
GoldenCase golden_case(const std::string& name);

// The deterministic number u(key, i) in [-1, 1) of shared/golden/README.md.
double golden_u(std::string_view key, uint64_t index);

// max |a-b| / std(reference); sizes must agree (infinity where they do not, or where a value is not
// finite).
double max_error_over_std(const std::vector<float>& values, const std::vector<float>& reference);
// max |a-b| / max |reference|.
double max_error_over_max(const std::vector<float>& values, const std::vector<float>& reference);

}  // namespace cairn::testing

// Skips the test, saying so, where the shared folder has no such entry ("golden", "data/landmarks",
// "models").
#define CAIRN_REQUIRE_SHARED(entry)                                                  \
  if (!std::filesystem::exists(::cairn::testing::shared_dir() / (entry)))            \
  GTEST_SKIP() << "skipped: " << (::cairn::testing::shared_dir() / (entry)).string() \
               << " is not there (set CAIRN_SHARED_DIR)"
