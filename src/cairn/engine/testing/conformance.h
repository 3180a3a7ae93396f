// The official ONNX conformance models (Debian's libonnx-testdata): folders with model.onnx and
// test_data_set_N/{input,output}_M.pb.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cairn/engine/tensor.h"

namespace cairn::engine::testing {

// Where the package puts them, or $CAIRN_ONNX_TESTDATA.
std::filesystem::path conformance_dir();

enum class Outcome {
  kPassed,       // every output of every data set is right
  kUnsupported,  // refused by an Error that says what is unsupported
  kWrong,        // an output differs, or an Error that says something else
};

struct ConformanceResult {
  std::string name;  // of the folder
  Outcome outcome = Outcome::kWrong;
  std::string message;                  // why it did not pass
  std::map<std::string, int> op_types;  // operators of the graph; empty where it was not read
};

// Runs one folder through the engine.
ConformanceResult run_conformance(const std::filesystem::path& folder);

// Runs every folder of a suite ("node", "simple", …), sorted by name.
std::vector<ConformanceResult> run_suite(const std::string& suite);

// Why the values differ ("" where they do not): type, shape, or a difference over 1e-4 (relative
// above 1); integers and bools must be equal.
std::string difference(const Tensor& value, const Tensor& expected);

}  // namespace cairn::engine::testing
