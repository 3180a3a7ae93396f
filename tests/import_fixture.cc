// What import_checkpoints.sh needs of the library.
//   import_fixture keys                       networks' keys, shapes and types, as JSON
//   import_fixture check ARCH EXPECTED FILE…  each checkpoint loads whole, with the expected
//   numbers import_fixture golden CASE MODEL.onnx     the engine computes the golden output
#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/engine/model.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/run/import.h"

namespace cairn {
namespace {

using nlohmann::json;

constexpr int64_t kStep = 7919;  // from one compared element to the next
constexpr int64_t kCompared = 16;

// The backbones alone (the models hold the same ones), and one model of each reference.
std::vector<std::string> networks() {
  std::vector<std::string> names;
  for (const std::string& name : nn::arch_names()) {
    if (!name.starts_with("models/") || name == "models/vt_net" || name == "models/wz_resnet50")
      names.push_back(name);
  }
  return names;
}

void print_keys() {
  json all;
  for (const std::string& name : networks()) {
    for (const auto& [key, tensor] : nn::state_dict(*nn::make_arch(name).net))
      all[name].push_back({key, tensor.sizes().vec(), !tensor.is_floating_point()});
  }
  fmt::print("{}\n", all.dump());
}

void check(const std::string& arch, const json& expected, const std::string& file) {
  const run::Imported imported = run::import_checkpoint({arch, file, "", 0, {}, {}});
  run::require_complete(imported);
  for (const auto& [key, tensor] : nn::state_dict(*imported.arch.net)) {
    const torch::Tensor flat = tensor.to(torch::kFloat64).flatten();
    const json& values = expected.at(key);
    if (static_cast<int64_t>(values.size()) != kCompared) throw Error("bad expectation");
    for (int64_t i = 0; i < kCompared; ++i) {
      const double value = flat[i * kStep % flat.numel()].item<double>();
      if (value != values[static_cast<size_t>(i)].get<double>())
        throw Error(fmt::format("{}: {} of {} is {}, not {}", file, key, arch, value,
                                values[static_cast<size_t>(i)].get<double>()));
    }
  }
}

void check_golden(const std::string& name, const std::string& model) {
  const testing::GoldenCase golden = testing::golden_case(name);
  const bool whole = golden.spec["outputs"].contains("embedding.npy");
  const std::string file = whole ? "embedding.npy" : "output.npy";
  const json& output = golden.spec["outputs"][file];
  const auto shape = output["input_shape_NCHW"].get<std::vector<int64_t>>();
  engine::Shape dims(shape.begin(), shape.end());
  size_t count = 1;
  for (const int64_t dim : shape) count *= static_cast<size_t>(dim);
  std::vector<float> images(count);
  for (size_t i = 0; i < count; ++i) images[i] = static_cast<float>(testing::golden_u("input", i));
  engine::Executor executor(engine::Model::load(model));
  const std::string wanted = whole ? "embedding" : "features";
  const auto outputs = executor.run({{"input", engine::Tensor::from_f32(dims, images)}}, {wanted});
  const auto values = outputs.at(wanted).values<float>();
  const double error =
      testing::max_error_over_std({values.begin(), values.end()}, golden.f32(file).values);
  const double limit = golden.spec["tolerance"]["max"].get<double>();
  fmt::print("{}: {:.2g} of {:.2g}\n", name, error, limit);
  if (!(error < limit)) throw Error(name + ": too far from the golden output");
}

void run_fixture(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  if (command == "keys") return print_keys();
  if (command == "golden") return check_golden(arguments.at(1), arguments.at(2));
  if (command != "check") throw Error("keys, check or golden");
  const json expected = json::parse(read_text(arguments.at(2)));
  for (size_t i = 3; i < arguments.size(); ++i) check(arguments[1], expected, arguments[i]);
}

}  // namespace
}  // namespace cairn

int main(int argc, char** argv) {
  try {
    cairn::run_fixture({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
