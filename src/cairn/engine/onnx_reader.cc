#include "cairn/engine/onnx_reader.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/log.h"

namespace cairn::engine {
namespace {

using onnx::TensorProto;

std::optional<DType> dtype_of(int type) {
  switch (type) {
    case TensorProto::FLOAT:
      return DType::kF32;
    case TensorProto::DOUBLE:
      return DType::kF64;
    case TensorProto::FLOAT16:
      return DType::kF16;
    case TensorProto::INT8:
      return DType::kI8;
    case TensorProto::UINT8:
      return DType::kU8;
    case TensorProto::INT16:
      return DType::kI16;
    case TensorProto::UINT16:
      return DType::kU16;
    case TensorProto::INT32:
      return DType::kI32;
    case TensorProto::INT64:
      return DType::kI64;
    case TensorProto::UINT32:
      return DType::kU32;
    case TensorProto::UINT64:
      return DType::kU64;
    case TensorProto::BOOL:
      return DType::kBool;
    default:
      return std::nullopt;
  }
}

// Names come from the file: control characters would break the one-line messages.
std::string printable(const std::string& text) {
  std::string clean = text;
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return clean;
}

bool has_nan(const Tensor& tensor) {
  const float* const values = tensor.data<float>();
  return std::any_of(values, values + tensor.count(),
                     [](float value) { return std::isnan(value); });
}

// Reads the tensors and nodes of one file.
class Reader {
 public:
  Reader(std::string file, uint64_t max_elements)
      : file_(std::move(file)), max_elements_(max_elements) {}

  Graph read(std::span<const uint8_t> bytes) {
    onnx::ModelProto model;
    if (bytes.size() > static_cast<size_t>(INT_MAX)) fail("larger than 2 GiB");
    google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
    google::protobuf::io::CodedInputStream coded(&stream);
    coded.SetRecursionLimit(64);
    if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage())
      fail("not an ONNX file, or cut short");
    if (!model.has_graph()) fail("not an ONNX file (it has no graph)");
    graph_.file = file_;
    graph_.max_tensor_elements = max_elements_;
    read_header(model);
    read_constants(model.graph());
    read_values(model.graph());
    for (const onnx::NodeProto& node : model.graph().node()) read_node(node);
    check_operators(graph_);
    sort_nodes(graph_);
    return std::move(graph_);
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const { throw Error(file_ + ": " + reason); }

  void read_header(const onnx::ModelProto& model) {
    bool found = false;
    for (const onnx::OperatorSetIdProto& set : model.opset_import()) {
      if (!set.domain().empty() && set.domain() != "ai.onnx") continue;
      graph_.opset = set.version();
      found = true;
    }
    if (!found && model.opset_import_size() > 0)
      fail(fmt::format("unsupported: it has operators of domain \"{}\" alone",
                       printable(model.opset_import(0).domain())));
    if (!found) fail("the file does not say which opset it uses (opset_import is empty)");
    for (const onnx::StringStringEntryProto& entry : model.metadata_props())
      graph_.metadata[entry.key()] = entry.value();
    if (model.functions_size() > 0)
      fail(fmt::format("unsupported: model-local functions (\"{}\")",
                       printable(model.functions(0).name())));
  }

  void add_constant(const std::string& name, Tensor tensor, const std::string& where) {
    if (!graph_.constants.emplace(name, std::move(tensor)).second)
      fail(where + ": the name is used twice");
  }

  // The part of values in QuantizeLinear and DequantizeLinear.
  struct Grids {
    std::set<std::string> dequantised;  // what becomes floating
    std::set<std::string> numbers;      // scales and zero points
  };

  static Grids grids_of(const onnx::GraphProto& graph) {
    Grids grids;
    for (const onnx::NodeProto& node : graph.node()) {
      const bool from_8_bits = node.op_type() == "DequantizeLinear";
      if (!from_8_bits && node.op_type() != "QuantizeLinear") continue;
      for (int i = 0; i < node.input_size(); ++i) {
        if (i > 0) grids.numbers.insert(printable(node.input(i)));
        if (i == 0 && from_8_bits) grids.dequantised.insert(printable(node.input(i)));
      }
    }
    return grids;
  }

  static bool is_parameter(const std::string& name, DType type, const Grids& grids) {
    const bool floating = type == DType::kF32 || type == DType::kF16 || type == DType::kF64;
    return floating ? !grids.numbers.contains(name) : grids.dequantised.contains(name);
  }

  void read_constants(const onnx::GraphProto& graph) {
    const Grids grids = grids_of(graph);
    if (graph.sparse_initializer_size() > 0) fail("unsupported: sparse initialisers");
    for (const TensorProto& proto : graph.initializer()) {
      const std::string where = fmt::format("initialiser \"{}\"", printable(proto.name()));
      if (proto.name().empty()) fail("an initialiser has no name");
      Tensor tensor = read_tensor(proto, where);
      if (is_parameter(printable(proto.name()), tensor.dtype(), grids))
        graph_.parameters[tensor.dtype()] += static_cast<int64_t>(tensor.count());
      if (tensor.dtype() == DType::kF32 && has_nan(tensor))
        log_warning(
            fmt::format("{}: the {} holds NaN; what it computes means nothing", file_, where));
      add_constant(printable(proto.name()), std::move(tensor), where);
    }
  }

  void read_values(const onnx::GraphProto& graph) {
    for (const onnx::ValueInfoProto& value : graph.input())
      if (graph_.constants.find(printable(value.name())) == graph_.constants.end())
        graph_.inputs.push_back(read_value(value, "input"));
    for (const onnx::ValueInfoProto& value : graph.output())
      graph_.outputs.push_back(read_value(value, "output"));
    if (graph_.outputs.empty()) fail("the graph has no outputs");
  }

  ValueInfo read_value(const onnx::ValueInfoProto& proto, const char* what) const {
    ValueInfo value;
    value.name = printable(proto.name());
    const std::string where = fmt::format("graph {} \"{}\"", what, value.name);
    if (value.name.empty()) fail(where + " has no name");
    if (!proto.type().has_tensor_type()) {
      // An output may leave its type out; anything else but a tensor is out of scope.
      if (proto.type().value_case() != onnx::TypeProto::VALUE_NOT_SET || *what == 'i')
        fail(where + ": only tensors are supported");
      value.has_shape = false;
      return value;
    }
    const onnx::TypeProto::Tensor& type = proto.type().tensor_type();
    const std::optional<DType> dtype = dtype_of(type.elem_type());
    if (!dtype) fail(fmt::format("{}: unsupported element type {}", where, type.elem_type()));
    value.dtype = *dtype;
    value.has_shape = type.has_shape();
    for (const onnx::TensorShapeProto::Dimension& dim : type.shape().dim())
      value.shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
    return value;
  }

  Tensor new_tensor(DType type, Shape shape, const std::string& where) const;
  Tensor read_tensor(const TensorProto& proto, const std::string& where) const;
  template <typename T, typename Field>
  void copy_field(Tensor& tensor, const Field& field, const std::string& where) const;
  AttributeValue read_attribute(const onnx::AttributeProto& proto, const Node& node) const;
  void read_node(const onnx::NodeProto& proto);
  Tensor constant_value(const Node& node) const;

  std::string file_;
  uint64_t max_elements_;
  Graph graph_;
};

template <typename T, typename Field>
void Reader::copy_field(Tensor& tensor, const Field& field, const std::string& where) const {
  if (static_cast<size_t>(field.size()) != tensor.count())
    fail(fmt::format("{}: {} values where the shape asks for {}", where, field.size(),
                     tensor.count()));
  T* out = tensor.data<T>();
  for (const auto value : field) *out++ = static_cast<T>(value);
}

// The tensor's own limits (rank, memory) as errors that say where.
Tensor Reader::new_tensor(DType type, Shape shape, const std::string& where) const {
  try {
    return {type, std::move(shape)};
  } catch (const Error& error) {
    fail(where + ": " + error.what());
  }
}

Tensor Reader::read_tensor(const TensorProto& proto, const std::string& where) const {
  const std::optional<DType> type = dtype_of(proto.data_type());
  if (!type) fail(fmt::format("{}: unsupported element type {}", where, proto.data_type()));
  if (proto.data_location() == TensorProto::EXTERNAL || proto.external_data_size() > 0)
    fail(where + ": external data is not supported; save the model as one file");
  if (proto.has_segment()) fail(where + ": segmented tensors are not supported");
  Shape shape(proto.dims().begin(), proto.dims().end());
  uint64_t count = 1;
  for (const int64_t dim : shape) {
    if (dim < 0) fail(fmt::format("{}: negative dimension {}", where, dim));
    if (dim > 0 && count > max_elements_ / static_cast<uint64_t>(dim))
      fail(fmt::format("{}: more than {} elements", where, max_elements_));
    count *= static_cast<uint64_t>(dim);
  }
  // Compared before the memory is claimed: the data must be there.
  const bool raw = proto.has_raw_data();
  if (raw && proto.raw_data().size() != count * element_size(*type))
    fail(fmt::format("{}: {} bytes of data where the shape asks for {}", where,
                     proto.raw_data().size(), count * element_size(*type)));
  uint64_t have = 0;
  for (const int values :
       {proto.float_data_size(), proto.int32_data_size(), proto.int64_data_size(),
        proto.double_data_size(), proto.uint64_data_size()})
    have += static_cast<uint64_t>(values);
  if (!raw && have != count)
    fail(fmt::format("{}: {} values where the shape asks for {}", where, have, count));
  Tensor tensor = new_tensor(*type, std::move(shape), where);
  if (raw) {
    if (count > 0) std::memcpy(tensor.data<char>(), proto.raw_data().data(), tensor.bytes());
    return tensor;
  }
  switch (*type) {
    case DType::kF32:
      copy_field<float>(tensor, proto.float_data(), where);
      break;
    case DType::kF64:
      copy_field<double>(tensor, proto.double_data(), where);
      break;
    case DType::kI64:
      copy_field<int64_t>(tensor, proto.int64_data(), where);
      break;
    case DType::kU32:
      copy_field<uint32_t>(tensor, proto.uint64_data(), where);
      break;
    case DType::kU64:
      copy_field<uint64_t>(tensor, proto.uint64_data(), where);
      break;
    case DType::kF16:
    case DType::kU16:
      copy_field<uint16_t>(tensor, proto.int32_data(), where);
      break;
    case DType::kI16:
      copy_field<int16_t>(tensor, proto.int32_data(), where);
      break;
    case DType::kI8:
      copy_field<int8_t>(tensor, proto.int32_data(), where);
      break;
    case DType::kU8:
      copy_field<uint8_t>(tensor, proto.int32_data(), where);
      break;
    case DType::kI32:
      copy_field<int32_t>(tensor, proto.int32_data(), where);
      break;
    case DType::kBool:
      copy_field<bool>(tensor, proto.int32_data(), where);
      break;
  }
  return tensor;
}

AttributeValue Reader::read_attribute(const onnx::AttributeProto& proto, const Node& node) const {
  const std::string where =
      fmt::format("{}: attribute \"{}\"", node.describe(), printable(proto.name()));
  switch (proto.type()) {
    case onnx::AttributeProto::FLOAT:
      return proto.f();
    case onnx::AttributeProto::INT:
      return int64_t{proto.i()};
    case onnx::AttributeProto::STRING:
      return proto.s();
    case onnx::AttributeProto::TENSOR:
      return read_tensor(proto.t(), where);
    case onnx::AttributeProto::FLOATS:
      return std::vector<float>(proto.floats().begin(), proto.floats().end());
    case onnx::AttributeProto::INTS:
      return std::vector<int64_t>(proto.ints().begin(), proto.ints().end());
    case onnx::AttributeProto::STRINGS:
      return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
    case onnx::AttributeProto::GRAPH:
    case onnx::AttributeProto::GRAPHS:
      fail(fmt::format("unsupported operator {} (it has a subgraph): {}", node.op_type,
                       node.describe()));
    default:
      fail(where + ": unsupported attribute type");
  }
}

void Reader::read_node(const onnx::NodeProto& proto) {
  GraphNode node;
  node.op_type = printable(proto.op_type());
  node.name = printable(proto.name());
  node.domain = proto.domain() == "ai.onnx" ? "" : printable(proto.domain());
  for (const std::string& input : proto.input()) node.inputs.push_back(printable(input));
  for (const std::string& output : proto.output()) node.outputs.push_back(printable(output));
  ++graph_.operator_counts[node.op_type];
  for (const onnx::AttributeProto& attribute : proto.attribute()) {
    const std::string key = printable(attribute.name());
    if (!node.attributes.emplace(key, read_attribute(attribute, node)).second)
      fail(fmt::format("{}: attribute \"{}\" is given twice", node.describe(), key));
  }
  if (node.op_type == "Constant" && node.domain.empty() && node.outputs.size() == 1 &&
      !node.outputs[0].empty()) {
    add_constant(node.outputs[0], constant_value(node), node.describe());
    return;
  }
  graph_.nodes.push_back(std::move(node));
}

Tensor Reader::constant_value(const Node& node) const {
  if (node.attributes.size() == 1) {
    const auto& [key, value] = *node.attributes.begin();
    if (key == "value" && std::holds_alternative<Tensor>(value)) return std::get<Tensor>(value);
    if (key == "value_float" && std::holds_alternative<float>(value))
      return Tensor::from_f32({}, std::vector{std::get<float>(value)});
    if (key == "value_int" && std::holds_alternative<int64_t>(value))
      return Tensor::from_i64({}, std::vector{std::get<int64_t>(value)});
    if (key == "value_floats" && std::holds_alternative<std::vector<float>>(value)) {
      const auto& values = std::get<std::vector<float>>(value);
      return Tensor::from_f32({static_cast<int64_t>(values.size())}, values);
    }
    if (key == "value_ints" && std::holds_alternative<std::vector<int64_t>>(value)) {
      const auto& values = std::get<std::vector<int64_t>>(value);
      return Tensor::from_i64({static_cast<int64_t>(values.size())}, values);
    }
    fail(fmt::format("{}: unsupported attribute \"{}\"", node.describe(), key));
  }
  fail(node.describe() + ": must have exactly one value attribute");
}

}  // namespace

Graph read_onnx(std::span<const uint8_t> bytes, const std::string& name,
                uint64_t max_tensor_elements) {
  return Reader(name, max_tensor_elements).read(bytes);
}

}  // namespace cairn::engine
