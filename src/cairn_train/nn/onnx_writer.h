// Builds an ONNX graph node by node and writes it as a file (opset 13, IR version 7).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cairn::nn {

using OnnxAttribute = std::variant<int64_t, float, std::string, std::vector<int64_t>>;
using OnnxAttributes = std::map<std::string, OnnxAttribute>;
// A dimension of a graph input or output: a number, or a name where it is dynamic.
using OnnxDim = std::variant<int64_t, std::string>;

class OnnxWriter {
 public:
  static constexpr int kOpset = 13;

  OnnxWriter();
  ~OnnxWriter();
  OnnxWriter(const OnnxWriter&) = delete;
  OnnxWriter& operator=(const OnnxWriter&) = delete;

  // Tensors of this list that become initialisers get their key as name ("blocks.0.0.bn1.weight").
  void name_tensors(const std::vector<std::pair<std::string, torch::Tensor>>& keys);

  // The key of a tensor of that list, or else `otherwise`.
  std::string key_of(const torch::Tensor& tensor, const std::string& otherwise) const;

  // A float32 graph input; returns its name.
  std::string add_input(const std::string& name, const std::vector<OnnxDim>& shape);
  // A node with one output; returns the name of its output value. Inputs are value names. `name`
  // (made unique) is what messages about the node show; empty: the operator and a number.
  std::string add_node(const std::string& op, const std::vector<std::string>& inputs,
                       const OnnxAttributes& attributes = {}, const std::string& name = "");
  // A constant: float32 (other floating types are converted) or int64. Returns its name: the key
  // given by name_tensors, or else `name`; made unique where it is taken. A tensor that was added
  // before is shared. `shape` is another shape for the same elements; empty: the tensor's own.
  std::string add_initializer(const std::string& name, const torch::Tensor& tensor,
                              const std::vector<int64_t>& shape = {});
  // Makes the value of a node a graph output under this name.
  void add_output(const std::string& value, const std::string& name,
                  const std::vector<OnnxDim>& shape);
  // Folds each BatchNormalization into the Conv or Gemm whose value it alone uses: the same numbers
  // up to rounding, fewer nodes.
  void fold_batch_norms();
  void set_metadata(const std::string& key, const std::string& value);

  // The model as ONNX protobuf bytes. Throws Error above protobuf's limit of 2 GB.
  std::string serialize() const;
  // Writes atomically; throws Error.
  void save(const std::filesystem::path& path) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::nn
