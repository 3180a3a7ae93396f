// The engine against the official ONNX conformance models, and docs/operators.md against the
// engine.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
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

// Prints what is neither right nor refused.
void expect_right_or_refused(const std::vector<ConformanceResult>& results) {
  for (const ConformanceResult& result : results) {
    EXPECT_NE(result.outcome, Outcome::kWrong) << result.name << ": " << result.message;
  }
}

// Why a test may be refused: what no operator of the engine is for.
bool is_out_of_scope(const ConformanceResult& result) {
  const auto says = [&](const char* text) {
    return result.message.find(text) != std::string::npos;
  };
  const size_t name = result.message.find("unsupported operator ");
  if (name != std::string::npos) {
    std::istringstream words(result.message.substr(name));
    std::string op_type;
    words >> op_type >> op_type >> op_type;
    while (!op_type.empty() && op_type.back() == ':') op_type.pop_back();
    return find_op(op_type) == nullptr;
  }
  return says("unsupported element type 8") ||   // string
         says("unsupported element type 16") ||  // bfloat16
         says("only tensors are supported") ||   // sequences and optionals
         says("training mode is unsupported") || says("unsupported: it has operators of domain");
}

TEST(OnnxConformance, node_tests_are_right_or_refused) {
  CAIRN_REQUIRE_TESTDATA();
  ASSERT_GT(node_results().size(), 900U);
  expect_right_or_refused(node_results());
}

TEST(OnnxConformance, node_tests_are_refused_only_for_what_is_out_of_scope) {
  CAIRN_REQUIRE_TESTDATA();
  for (const ConformanceResult& result : node_results()) {
    if (result.outcome != Outcome::kUnsupported) continue;
    EXPECT_TRUE(is_out_of_scope(result)) << result.name << ": " << result.message;
  }
}

TEST(OnnxConformance, at_least_as_many_node_tests_pass_as_ever) {
  CAIRN_REQUIRE_TESTDATA();
  const size_t passed = count(node_results(), Outcome::kPassed);
  RecordProperty("passed", static_cast<int>(passed));
  EXPECT_GE(passed, 746U);
}

TEST(OnnxConformance, simple_models_are_right_or_refused) {
  CAIRN_REQUIRE_TESTDATA();
  const auto results = run_suite("simple");
  expect_right_or_refused(results);
  EXPECT_GE(count(results, Outcome::kPassed), 7U);
}

TEST(OnnxConformance, every_model_converted_from_pytorch_is_right) {
  CAIRN_REQUIRE_TESTDATA();
  for (const char* suite : {"pytorch-converted", "pytorch-operator"}) {
    const auto results = run_suite(suite);
    ASSERT_FALSE(results.empty());
    for (const ConformanceResult& result : results) {
      EXPECT_EQ(result.outcome, Outcome::kPassed) << result.name << ": " << result.message;
    }
  }
}

// --- docs/operators.md ---

// A row of its table: | operator | opsets | node tests | notes |.
struct DocumentedOperator {
  std::string opsets;
  std::string tests;
};

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  const size_t last = text.find_last_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::map<std::string, DocumentedOperator> documented_operators() {
  std::ifstream file(CAIRN_SOURCE_DIR "/docs/operators.md");
  std::map<std::string, DocumentedOperator> rows;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::string name, opsets, tests;
    std::getline(cells, name, '|');
    std::getline(cells, opsets, '|');
    std::getline(cells, tests, '|');
    name = trimmed(name);
    rows[name.substr(1, name.size() - 2)] = {trimmed(opsets), trimmed(tests)};
  }
  return rows;
}

TEST(OperatorsPage, lists_exactly_the_known_operators_and_their_opsets) {
  const auto rows = documented_operators();
  std::vector<std::string> names;
  for (const auto& [name, row] : rows) names.push_back(name);
  EXPECT_EQ(names, known_ops());
  for (const auto& [name, row] : rows) {
    const OpInfo* info = find_op(name);
    ASSERT_NE(info, nullptr) << name;
    EXPECT_EQ(row.opsets, fmt::format("{}–{}", info->min_opset, info->max_opset)) << name;
  }
}

TEST(OperatorsPage, states_how_many_node_tests_cover_each_operator) {
  CAIRN_REQUIRE_TESTDATA();
  std::map<std::string, int> covered;
  for (const ConformanceResult& result : node_results()) {
    if (result.outcome != Outcome::kPassed) continue;
    for (const auto& [op_type, uses] : result.op_types) ++covered[op_type];
  }
  for (const auto& [name, row] : documented_operators()) {
    EXPECT_EQ(row.tests, std::to_string(covered[name])) << name;
  }
}

}  // namespace
}  // namespace cairn::engine::testing
