#include "cairn/base/testing/testing.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/random.h"

namespace cairn::testing {

fs::path shared_dir() {
  const char* from_environment = std::getenv("CAIRN_SHARED_DIR");
  return from_environment != nullptr ? from_environment : CAIRN_SHARED_DIR;
}

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "cairn-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw Error(pattern + ": cannot create a temporary folder");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

nlohmann::json GoldenCase::json(const std::string& file) const {
  return nlohmann::json::parse(read_text(folder / file));
}

GoldenCase golden_case(const std::string& name) {
  GoldenCase found{shared_dir() / "golden" / name, {}};
  found.spec = found.json("case.json");
  return found;
}

double golden_u(std::string_view key, uint64_t index) {
  // Rng adds its increment before mixing: state h + i * increment gives the (i+1)-th number of the
  // README.
  Rng rng(fnv1a(key) + index * 0x9E3779B97F4A7C15ULL);
  return rng.uniform() * 2.0 - 1.0;
}

namespace {

double max_difference(const std::vector<float>& values, const std::vector<float>& reference) {
  if (values.size() != reference.size() || values.empty()) {
    return std::numeric_limits<double>::infinity();
  }
  double largest = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double difference = std::abs(static_cast<double>(values[i]) - reference[i]);
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

}  // namespace

double max_error_over_std(const std::vector<float>& values, const std::vector<float>& reference) {
  double sum = 0;
  double squares = 0;
  for (const float value : reference) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double n = static_cast<double>(reference.size());
  return max_difference(values, reference) / std::sqrt(squares / n - sum / n * (sum / n));
}

double max_error_over_max(const std::vector<float>& values, const std::vector<float>& reference) {
  double largest = 0;
  for (const float value : reference)
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  return max_difference(values, reference) / largest;
}

}  // namespace cairn::testing
