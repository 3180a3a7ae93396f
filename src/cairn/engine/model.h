// ONNX models and their execution on the CPU.
//
//   auto model = engine::Model::load("model.onnx");
//   engine::Executor executor(model);            // one per thread
//   auto outputs = executor.run({{"input", photos}}, {"embedding"});
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/engine/precision.h"
#include "cairn/engine/tensor.h"

namespace cairn::engine {

// A graph input or output. A dimension of -1 is dynamic.
struct ValueInfo {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  bool has_shape = true;
};

struct LoadOptions {
  bool optimise = true;  // constant folding, batch-norm folding, activation fusion, oneDNN;
                         // false: the functions of ops/ as they are, the reference
  // A model that asks for a tensor of more elements is refused when it is loaded or run: a file of
  // a few bytes must not be able to claim all memory.
  uint64_t max_tensor_elements = uint64_t{1} << 31;
  // The same for all intermediate values that live at one time, in bytes.
  uint64_t max_memory = uint64_t{1} << 35;
};

// An immutable graph with its weights, shared by any number of executors and threads.
class Model {
 public:
  // Throws cairn::Error naming the file and, where it has one, the node: malformed files, unknown
  // operators or attributes ("unsupported operator …"), external data.
  static std::shared_ptr<const Model> load(const std::filesystem::path& path,
                                           const LoadOptions& options = {});
  static std::shared_ptr<const Model> parse(std::span<const uint8_t> bytes, const std::string& name,
                                            const LoadOptions& options = {});
  ~Model();

  const std::vector<ValueInfo>& inputs() const;  // without initialisers
  const std::vector<ValueInfo>& outputs() const;
  const std::map<std::string, std::string>& metadata() const;  // metadata_props
  int64_t opset() const;
  // Of the file, by type: floating initialisers, and those that DequantizeLinear makes floating,
  // but not its scales.
  const std::map<DType, int64_t>& parameters() const;
  size_t node_count() const;                           // after the passes
  std::map<std::string, int> operator_counts() const;  // of the file, by operator type
  const std::string& name() const;                     // the file's name
  const std::string& checksum() const;                 // SHA-256 of the file's bytes

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  Model();
  std::unique_ptr<Impl> impl_;
};

using TensorMap = std::map<std::string, Tensor>;

// Runs a model on the calling thread alone (oneDNN is held to one thread, so executors on several
// cores never wait for each other). Plans (shapes, primitives, memory) are cached per input shape.
// Not thread-safe: one executor a thread; copies are cheap and share the model and its weights.
class Executor {
 public:
  explicit Executor(std::shared_ptr<const Model> model, Precision precision = Precision::kF32);
  ~Executor();
  Executor(const Executor& other);
  Executor& operator=(const Executor&) = delete;

  // inputs: every graph input by name. outputs: the wanted graph outputs (all where empty); only
  // what they need is computed. Throws cairn::Error for a missing or unknown name, a wrong type or
  // an impossible shape.
  TensorMap run(const TensorMap& inputs, const std::vector<std::string>& outputs = {});

  const Model& model() const;
  // What each step costs in one run, in order. Without optimise there are no steps.
  struct StepCost {
    std::string label;   // the kind of step
    std::string detail;  // shapes of convolutions; else empty
    double flops = 0;    // of convolutions and products
    bool int8 = false;   // which are of 8-bit numbers
    double bytes = 0;    // of what it reads and writes, weights included
    double seconds = 0;
  };
  std::vector<StepCost> measure(const TensorMap& inputs,
                                const std::vector<std::string>& outputs = {});

  // What the plan for these inputs looks like. Without optimise there is none: all zero.
  struct PlanSummary {
    size_t steps = 0;
    size_t reorders = 0;                // between layouts
    size_t peak_bytes = 0;              // of all intermediate values together
    std::map<std::string, int> labels;  // steps by kind
  };
  PlanSummary summarise(const TensorMap& inputs, const std::vector<std::string>& outputs = {});

  // Plans that are kept, the ones used last.
  static constexpr size_t kMaxPlans = 8;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::engine
