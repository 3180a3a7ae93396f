#include "cairn/engine/model.h"

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/engine/model_impl.h"
#include "cairn/engine/onnx_reader.h"
#include "cairn/engine/passes/passes.h"

namespace cairn::engine {

Model::Model() : impl_(std::make_unique<Impl>()) {}
Model::~Model() = default;

std::shared_ptr<const Model> Model::load(const std::filesystem::path& path,
                                         const LoadOptions& options) {
  return parse(read_file(path), path.string(), options);
}

std::shared_ptr<const Model> Model::parse(std::span<const uint8_t> bytes, const std::string& name,
                                          const LoadOptions& options) {
  const std::shared_ptr<Model> model(new Model());
  Impl& impl = *model->impl_;
  impl.graph = read_onnx(bytes, name, options.max_tensor_elements);
  impl.graph.max_memory = options.max_memory;
  if (options.optimise) {
    try {
      optimise(impl.graph);
    } catch (const Error& error) {  // an attribute of the wrong type
      const std::string message = error.what();
      throw Error(message.starts_with(name) ? message : name + ": " + message);
    }
  }
  impl.checksum = sha256_hex(bytes);
  impl.optimise = options.optimise;
  return model;
}

const std::vector<ValueInfo>& Model::inputs() const { return impl_->graph.inputs; }
const std::vector<ValueInfo>& Model::outputs() const { return impl_->graph.outputs; }
const std::map<std::string, std::string>& Model::metadata() const { return impl_->graph.metadata; }
int64_t Model::opset() const { return impl_->graph.opset; }
const std::map<DType, int64_t>& Model::parameters() const { return impl_->graph.parameters; }
size_t Model::node_count() const { return impl_->graph.nodes.size(); }
std::map<std::string, int> Model::operator_counts() const { return impl_->graph.operator_counts; }
const std::string& Model::name() const { return impl_->graph.file; }
const std::string& Model::checksum() const { return impl_->checksum; }

}  // namespace cairn::engine
