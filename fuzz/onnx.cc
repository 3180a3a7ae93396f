// ONNX files: loaded, and run on small inputs, operator by operator and optimised.
#include <optional>

#include "cairn/base/error.h"
#include "cairn/engine/model.h"
#include "cairn/engine/testing/sample_models.h"
#include "target.h"

namespace {

using namespace cairn;

constexpr uint64_t kMaxElements = 1 << 12;  // keeps an input quick

// Inputs as the model declares them; nothing where they would be large.
std::optional<engine::TensorMap> inputs_of(const engine::Model& model) {
  engine::TensorMap inputs;
  for (const engine::ValueInfo& info : model.inputs()) {
    engine::Shape shape = info.shape;
    uint64_t count = 1;
    for (int64_t& dim : shape) {
      if (dim < 0) dim = 4;
      if (static_cast<uint64_t>(dim) > kMaxElements) return std::nullopt;
      count *= static_cast<uint64_t>(dim);
      if (count > kMaxElements) return std::nullopt;
    }
    if (shape.size() > engine::kMaxRank) return std::nullopt;
    engine::Tensor tensor(info.dtype, shape);
    for (size_t i = 0; i < tensor.bytes(); ++i)
      tensor.data<uint8_t>()[i] = static_cast<uint8_t>(i % 4 == 3 ? 0x3f : i % 2);
    inputs[info.name] = tensor;
  }
  return inputs;
}

// The outputs; nothing where load or run ended in an Error.
std::optional<engine::TensorMap> run(std::span<const uint8_t> bytes, bool optimise) {
  try {
    const auto model = engine::Model::parse(
        bytes, "input", {.optimise = optimise, .max_tensor_elements = kMaxElements});
    const auto inputs = inputs_of(*model);
    if (!inputs) return std::nullopt;
    return engine::Executor(model).run(*inputs);
  } catch (const Error& error) {
    fuzz::require(std::string(error.what()).starts_with("input: "), error.what());
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMaxTensorBytes = size_t{1} << 24;
  cairn::engine::set_tensor_limit(kMaxTensorBytes);
  const auto reference = run({data, size}, false);
  const auto optimised = run({data, size}, true);
  if (!reference || !optimised) return 0;
  fuzz::require(reference->size() == optimised->size());
  for (const auto& [name, tensor] : *reference) {
    fuzz::require(optimised->at(name).shape() == tensor.shape());
    fuzz::require(optimised->at(name).dtype() == tensor.dtype());
  }
  return 0;
}

namespace cairn::fuzz {

std::vector<Seed> seeds() {
  std::vector<Seed> all;
  for (auto& model : engine::testing::sample_models())
    all.push_back({model.name + ".onnx", std::move(model.bytes)});
  return all;
}

}  // namespace cairn::fuzz
