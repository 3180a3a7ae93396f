// The engine against the official ONNX conformance models, and docs/operators.md against the
// engine.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cairn/engine/op.h"
#include "cairn/engine/testing/conformance.h"

namespace cairn::engine::testing {
namespace {

namespace fs = std::filesystem;

#define CAIRN_REQUIRE_TESTDATA()      \
  if (!fs::exists(conformance_dir())) \
  GTEST_SKIP() << "skipped: " << conformance_dir() << " is not there (package libonnx-testdata)"

const std::vector<ConformanceResult>& node_results() {
  static const std::vector<ConformanceResult> results = run_suite("node");
  return results;
}

size_t count(const std::vector<ConformanceResult>& results, Outcome outcome) {
  size_t total = 0;
  for (const ConformanceResult& result : results) total += result.outcome == outcome ? 1 : 0;
  return total;
}

// Every result is either right or refused; prints what is not.
void expect_right_or_refused(const std::vector<ConformanceResult>& results) {
  for (const ConformanceResult& result : results) {
    EXPECT_NE(result.outcome, Outcome::kWrong) << result.name << ": " << result.message;
  }
}

// Which tests are refused although the engine knows all their operators, with the reason; the docs
// list them.
TEST(OnnxConformance, node_tests_are_right_or_refused_as_unsupported) {
  CAIRN_REQUIRE_TESTDATA();
  ASSERT_GT(node_results().size(), 900U);
  expect_right_or_refused(node_results());
}

TEST(OnnxConformance, at_least_as_many_node_tests_pass_as_ever) {
  CAIRN_REQUIRE_TESTDATA();
  EXPECT_GE(count(node_results(), Outcome::kPassed), 700U);
}

TEST(OnnxConformance, simple_models_are_right_or_refused) {
  CAIRN_REQUIRE_TESTDATA();
  const auto results = run_suite("simple");
  expect_right_or_refused(results);
  EXPECT_GE(count(results, Outcome::kPassed), 7U);
}

TEST(OnnxConformance, models_converted_from_pytorch_are_right_or_refused) {
  CAIRN_REQUIRE_TESTDATA();
  const auto results = run_suite("pytorch-converted");
  expect_right_or_refused(results);
  EXPECT_GE(count(results, Outcome::kPassed), 70U);
}

TEST(OnnxConformance, operators_of_pytorch_are_right_or_refused) {
  CAIRN_REQUIRE_TESTDATA();
  const auto results = run_suite("pytorch-operator");
  expect_right_or_refused(results);
  EXPECT_GE(count(results, Outcome::kPassed), 25U);
}

TEST(OnnxConformance, print_results) {
  CAIRN_REQUIRE_TESTDATA();
  for (const char* suite : {"node", "simple", "pytorch-converted", "pytorch-operator"}) {
    const auto results = run_suite(suite);
    fmt::print("{}: {} passed, {} unsupported, {} wrong of {}\n", suite,
               count(results, Outcome::kPassed), count(results, Outcome::kUnsupported),
               count(results, Outcome::kWrong), results.size());
    for (const auto& r : results) {
      if (r.outcome == Outcome::kPassed) continue;
      fmt::print("  {} {}: {}\n", r.outcome == Outcome::kWrong ? "WRONG" : "unsup", r.name,
                 r.message);
    }
  }
}

}  // namespace
}  // namespace cairn::engine::testing
