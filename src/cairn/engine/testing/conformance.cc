#include "cairn/engine/testing/conformance.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/engine/model.h"
#include "cairn/engine/op.h"
#include "cairn/engine/ops/types.h"

namespace cairn::engine::testing {

namespace fs = std::filesystem;

namespace {

// A tensor of a file, read by the engine itself: as the only constant of a model.
Tensor read_tensor(const fs::path& path) {
  const auto bytes = read_file(path);
  onnx::TensorProto tensor;
  if (!tensor.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(path.string() + ": not a tensor: unsupported");
  }
  tensor.set_name("value");
  onnx::ModelProto model;
  model.add_opset_import()->set_version(13);
  *model.mutable_graph()->add_initializer() = tensor;
  model.mutable_graph()->add_output()->set_name("value");
  const std::string file = model.SerializeAsString();
  const auto* data = reinterpret_cast<const uint8_t*>(file.data());
  const std::vector<uint8_t> copy(data, data + file.size());
  return Executor(Model::parse(copy, path.string(), {})).run({}).at("value");
}

bool close(double value, double expected) {
  if (std::isnan(expected)) return std::isnan(value);
  if (std::isinf(expected) || std::isinf(value)) return value == expected;
  return std::abs(value - expected) <= 1e-4 * std::max(1.0, std::abs(expected));
}

template <typename T>
std::string first_difference(const Tensor& value, const Tensor& expected) {
  for (size_t i = 0; i < value.count(); ++i) {
    const T a = value.data<T>()[i];
    const T b = expected.data<T>()[i];
    bool same = false;
    if constexpr (std::is_floating_point_v<ops::Compute<T>>) {
      same = close(ops::convert<double>(a), ops::convert<double>(b));
    } else {
      same = a == b;
    }
    if (!same) {
      return fmt::format("element {}: {} instead of {}", i, ops::convert<double>(a),
                         ops::convert<double>(b));
    }
  }
  return "";
}

// Runs one test_data_set folder; throws what the engine throws.
std::string run_data_set(const Model& model, Executor& executor, const fs::path& folder) {
  TensorMap inputs;
  for (size_t i = 0; i < model.inputs().size(); ++i) {
    const fs::path path = folder / fmt::format("input_{}.pb", i);
    if (fs::exists(path)) inputs[model.inputs()[i].name] = read_tensor(path);
  }
  const TensorMap outputs = executor.run(inputs);
  for (size_t i = 0; i < model.outputs().size(); ++i) {
    const std::string& name = model.outputs()[i].name;
    const std::string why =
        difference(outputs.at(name), read_tensor(folder / fmt::format("output_{}.pb", i)));
    if (!why.empty()) return fmt::format("output \"{}\": {}", name, why);
  }
  return "";
}

bool says_unsupported(const std::string& message) {
  return message.find("unsupported") != std::string::npos ||
         message.find("supported") != std::string::npos;
}

}  // namespace

fs::path conformance_dir() {
  const char* dir = std::getenv("CAIRN_ONNX_TESTDATA");
  return dir ? dir : "/usr/share/libonnx-testdata/data";
}

std::string difference(const Tensor& value, const Tensor& expected) {
  if (value.dtype() != expected.dtype()) {
    return fmt::format("{} instead of {}", dtype_name(value.dtype()), dtype_name(expected.dtype()));
  }
  if (value.shape() != expected.shape()) {
    return "shape " + to_string(value.shape()) + " instead of " + to_string(expected.shape());
  }
  static const Node node;
  const OpContext ctx{node, 0, {}, {}, nullptr};
  std::string result;
  ops::dispatch(ctx, value.dtype(), ops::AnyType{},
                [&]<typename T>() { result = first_difference<T>(value, expected); });
  return result;
}

ConformanceResult run_conformance(const fs::path& folder) {
  ConformanceResult result;
  result.name = folder.filename().string();
  try {
    const auto model = Model::load(folder / "model.onnx");
    result.op_types = model->operator_counts();
    Executor executor(model);
    size_t sets = 0;
    for (; fs::exists(folder / fmt::format("test_data_set_{}", sets)); ++sets) {
      result.message =
          run_data_set(*model, executor, folder / fmt::format("test_data_set_{}", sets));
      if (!result.message.empty()) return result;
    }
    result.message = sets > 0 ? "" : "no data";
    if (sets > 0) result.outcome = Outcome::kPassed;
  } catch (const Error& error) {
    result.message = error.what();
    if (says_unsupported(result.message)) result.outcome = Outcome::kUnsupported;
  }
  return result;
}

std::vector<ConformanceResult> run_suite(const std::string& suite) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(conformance_dir() / suite)) {
    if (fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  std::vector<ConformanceResult> results;
  for (const fs::path& folder : folders) results.push_back(run_conformance(folder));
  return results;
}

}  // namespace cairn::engine::testing
