// Gemm and MatMul with constant weights as oneDNN's inner product.
#include <string_view>

#include "cairn/engine/plan/builder.h"

namespace cairn::engine {
namespace {

using dnnl::inner_product_forward;

struct Product {
  const Tensor* weights = nullptr;
  const Tensor* bias = nullptr;  // one a column
  bool transposed = false;       // weights are columns × depth
  int64_t rows = 1;
  int64_t depth = 0;
  int64_t columns = 0;
};

std::optional<Product> product_of(PlanBuilder& builder, const GraphNode& node, const Shape& in) {
  const bool gemm = node.op_type == "Gemm";
  if ((!gemm && node.op_type != "MatMul") || in.empty()) return std::nullopt;
  Product product;
  product.weights = builder.constant_f32(node, 1);
  if (product.weights == nullptr || product.weights->shape().size() != 2 ||
      builder.graph().constant(node.inputs[1]) == nullptr || !fits_dnnl(product.weights->shape()))
    return std::nullopt;
  if (gemm && (in.size() != 2 || node.get_int("transA", 0) != 0 || node.get_float("alpha", 1) != 1))
    return std::nullopt;
  product.transposed = gemm && node.get_int("transB", 0) != 0;
  product.columns = product.weights->dim(product.transposed ? 0 : 1);
  product.depth = product.weights->dim(product.transposed ? 1 : 0);
  if (in.back() != product.depth) return std::nullopt;
  for (size_t i = 0; i + 1 < in.size(); ++i) product.rows *= in[i];
  if (!gemm || node.inputs.size() < 3 || node.inputs[2].empty()) return product;
  product.bias = builder.constant_f32(node, 2);
  if (product.bias == nullptr || node.get_float("beta", 1) != 1 ||
      static_cast<int64_t>(product.bias->count()) != product.columns ||
      product.bias->shape().empty() || product.bias->shape().back() != product.columns)
    return std::nullopt;
  return product;
}

Layout columns_by_depth(const Product& product) {
  const dnnl::memory::dims strides = product.transposed ? dnnl::memory::dims{product.depth, 1}
                                                        : dnnl::memory::dims{1, product.columns};
  return {{product.columns, product.depth}, dnnl::memory::data_type::f32, strides};
}

}  // namespace

bool lower_gemm(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.inputs.size() < 2 || node.inputs[0].empty() || !builder.is_planned_f32(node.inputs[0]))
    return false;
  const auto product = product_of(builder, node, builder.value(node.inputs[0]).shape);
  if (!product) return false;
  dnnl::post_ops ops;
  for (const PostOp& post_op : node.post_ops) {
    if (post_op.kind != PostOp::Kind::kActivation) return false;
    for (const Eltwise& e : eltwise_of(post_op))
      ops.append_eltwise(1, e.algorithm, e.alpha, e.beta);
  }
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_post_ops(ops);
  const Layout source = plain_layout({product->rows, product->depth});
  const Layout target = plain_layout({product->rows, product->columns});
  const Layout bias = product->bias != nullptr ? plain_layout({product->columns}) : Layout();
  std::optional<inner_product_forward::primitive_desc> primitive;
  try {
    const inner_product_forward::desc description(dnnl::prop_kind::forward_inference, source,
                                                  any_layout({product->columns, product->depth}),
                                                  bias, target);
    primitive.emplace(description, attributes, builder.dnnl_engine());
  } catch (const dnnl::error&) {
    return false;
  }
  if (std::string_view(primitive->impl_info_str()).starts_with("ref")) return false;
  const BufferId from = builder.plain(node.inputs[0]);
  const BufferId buffer = builder.new_buffer(target.get_size());
  std::vector<PlanBuilder::Argument> reads = {
      {DNNL_ARG_SRC, source, from},
      {DNNL_ARG_WEIGHTS, primitive->weights_desc(),
       builder.constant_buffer(builder.weights().packed(node.inputs[1], *product->weights,
                                                        columns_by_depth(*product),
                                                        primitive->weights_desc()))}};
  if (product->bias != nullptr)
    reads.push_back({DNNL_ARG_BIAS, bias, builder.constant_buffer(product->bias->memory())});
  Step& step =
      builder.add_primitive(node.op_type, inner_product_forward(*primitive),
                            primitive->scratchpad_desc(), reads, {{DNNL_ARG_DST, target, buffer}});
  step.flops = 2 * static_cast<double>(product->rows) * static_cast<double>(product->depth) *
               static_cast<double>(product->columns);
  builder.define(node.outputs[0], DType::kF32, out, {plain_layout(out), buffer});
  return true;
}

}  // namespace cairn::engine
