// Convolutions in chunks of channels that stay in the second-level cache: for SiLU, which is
// applied to each chunk by our own kernel, and for the widening convolution and the depthwise one
// after it (inverted residuals: Sandler et al., "MobileNetV2", 2018), whose wide values then never
// go to memory.
#include <algorithm>

#include "cairn/engine/kernels/silu.h"
#include "cairn/engine/plan/conv_problem.h"

namespace cairn::engine {
namespace {

using dnnl::convolution_forward;

constexpr size_t kChunkBytes = 768 << 10;      // what a chunk should have at most
constexpr size_t kMaxChunkBytes = 1280 << 10;  // and what it must not exceed

// One convolution of a chunk: one image, `channels` of its output channels.
struct Stage {
  Stage(const dnnl::engine& engine, const convolution_forward::primitive_desc& description,
        bool has_bias)
      : primitive(description),
        source(description.src_desc(), engine, nullptr),
        weights(description.weights_desc(), engine, nullptr),
        target(description.dst_desc(), engine, nullptr),
        scratchpad(description.scratchpad_desc(), engine, nullptr),
        output(description.dst_desc()),
        count(output.get_size() / dnnl::memory::data_type_size(output.data_type())) {
    if (has_bias) bias = dnnl::memory(description.bias_desc(), engine, nullptr);
    arguments = {{DNNL_ARG_SRC, source.get()},
                 {DNNL_ARG_WEIGHTS, weights.get()},
                 {DNNL_ARG_DST, target.get()},
                 {DNNL_ARG_SCRATCHPAD, scratchpad.get()}};
    if (has_bias) arguments.push_back({DNNL_ARG_BIAS, bias.get()});
  }

  void run(const RunState& state, char* from, char* to, size_t chunk) {
    char* made = staging ? state.at<char>(*staging) : to;
    source.set_data_handle(from);
    weights.set_data_handle(state.at<char>(weights_buffer) + chunk * weights_bytes);
    target.set_data_handle(made);
    scratchpad.set_data_handle(state.scratchpad);
    if (bias) bias.set_data_handle(state.at<char>(bias_buffer) + chunk * bias_bytes);
    dnnl::error::wrap_c_api(
        dnnl_primitive_execute(primitive.get(), state.stream->get(),
                               static_cast<int>(arguments.size()), arguments.data()),
        "a primitive failed");
    auto* const numbers = reinterpret_cast<float*>(made);
    if (staging && silu)
      kernels::silu(numbers, reinterpret_cast<kernels::Bf16*>(to), count);
    else if (staging)
      kernels::round(numbers, reinterpret_cast<kernels::Bf16*>(to), count);
    else if (silu)
      kernels::silu(numbers, count);
  }

  convolution_forward primitive;
  dnnl::memory source;
  dnnl::memory weights;
  dnnl::memory target;
  dnnl::memory scratchpad;
  dnnl::memory bias;
  std::vector<dnnl_exec_arg_t> arguments;
  Layout output;
  size_t count;  // of the output's numbers, padding included
  bool silu = false;
  std::optional<BufferId>
      staging{};  // float32, where the output is bfloat16 but the primitive's not
  BufferId weights_buffer = 0;
  BufferId bias_buffer = 0;
  size_t weights_bytes = 0;  // of a chunk
  size_t bias_bytes = 0;
};

class ChunkStep : public Step {
 public:
  // Where image n and chunk c begin: n * image + c * chunk.
  struct Pace {
    BufferId buffer = 0;
    size_t image = 0;
    size_t chunk = 0;
  };

  ChunkStep(std::vector<Stage> stages, size_t images, size_t chunks, Pace from, Pace to,
            std::optional<BufferId> between)
      : stages_(std::move(stages)),
        images_(images),
        chunks_(chunks),
        from_(from),
        to_(to),
        between_(between) {
    label = stages_.size() == 1 ? "Conv" : "Conv+Conv";
    reads = {from.buffer};
    writes = {to.buffer};
    if (between) writes.push_back(*between);
    for (const Stage& stage : stages_)
      if (stage.staging) writes.push_back(*stage.staging);
  }

  void run(RunState& state) override {
    for (size_t n = 0; n < images_; ++n) {
      for (size_t c = 0; c < chunks_; ++c) {
        char* from = state.at<char>(from_.buffer) + n * from_.image + c * from_.chunk;
        char* to = state.at<char>(to_.buffer) + n * to_.image + c * to_.chunk;
        if (!between_) {
          stages_[0].run(state, from, to, c);
        } else {
          char* wide = state.at<char>(*between_);
          stages_[0].run(state, from, wide, c);
          stages_[1].run(state, wide, to, c);
        }
      }
    }
  }

 private:
  std::vector<Stage> stages_;
  size_t images_;
  size_t chunks_;
  Pace from_;
  Pace to_;
  std::optional<BufferId> between_;
};

// A convolution that can go in chunks, before its size is chosen.
struct Chunkable {
  ConvProblem problem;
  const GraphNode* node = nullptr;
  bool silu = false;
};

std::optional<Chunkable> chunkable(PlanBuilder& builder, const GraphNode& node, const Shape& in,
                                   const Shape& out) {
  if (in.size() != 4 || out[1] % channel_block(blocked_layout(out)) != 0 ||
      is_channels_last(builder.map_layout(out, builder.map_type(out))))
    return std::nullopt;
  const auto problem = conv_problem(builder, node, in, out);
  if (!problem || (problem->groups != 1 && !problem->depthwise())) return std::nullopt;
  const bool activation =
      node.post_ops.size() == 1 && node.post_ops[0].kind == PostOp::Kind::kActivation;
  if (!node.post_ops.empty() && !activation) return std::nullopt;
  return Chunkable{*problem, &node, activation && node.post_ops[0].activation == Activation::kSilu};
}

// The most channels whose values in the widest layout fit the cache; 0 where none do.
int64_t channels_of_chunk(const Shape& wide) {
  const int64_t block = channel_block(blocked_layout(wide));
  const auto bytes = [&](int64_t channels) {
    return static_cast<size_t>(channels * wide[2] * wide[3]) * sizeof(float);
  };
  if (bytes(block) > kMaxChunkBytes) return 0;
  int64_t best = block;
  for (int64_t channels = block; channels <= wide[1]; channels += block)
    if (wide[1] % channels == 0 && bytes(channels) <= kChunkBytes) best = channels;
  return best;
}

// The same layout with another number of channels along its first axis.
Layout with_first_dim(const Layout& layout, int64_t size) {
  dnnl_memory_desc_t data = layout.data;
  data.dims[0] = size;
  data.padded_dims[0] = size;
  return Layout(data);
}

// The stage for chunks of so many channels; nothing where oneDNN has no blocked primitive or lays
// out the weights in a way that cannot be cut.
std::optional<Stage> make_stage(PlanBuilder& builder, const Chunkable& conv, int64_t channels,
                                const Layout& source, DataType out_type) {
  ConvProblem chunk = conv.problem;
  const int64_t chunks = chunk.out[1] / channels;
  Shape weights = chunk.weights_shape();
  weights[0] = channels;
  if (chunk.depthwise()) chunk.groups = channels;
  chunk.out[0] = 1;
  chunk.out[1] = channels;
  chunk.shape_of_weights = weights;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
  if (!conv.node->post_ops.empty() && !conv.silu)
    for (const Eltwise& e : eltwise_of(conv.node->post_ops[0]))
      ops.append_eltwise(1, e.algorithm, e.alpha, e.beta);
  attributes.set_post_ops(ops);
  const Layout output = blocked_layout(chunk.out, out_type);
  const bool through_f32 = conv.silu || source.data_type() == DataType::f32;
  const auto description =
      describe_conv(builder, chunk, source, through_f32 ? with_type(output, DataType::f32) : output,
                    attributes, "jit");
  if (!description) return std::nullopt;
  const Layout whole = with_first_dim(description->weights_desc(), weights[0] * chunks);
  const size_t bytes = description->weights_desc().get_size();
  if (whole.get_size() != bytes * static_cast<size_t>(chunks)) return std::nullopt;
  Stage stage(builder.dnnl_engine(), *description, chunk.bias != nullptr);
  stage.silu = conv.silu;
  stage.output = output;
  if (through_f32 && out_type == DataType::bf16)
    stage.staging = builder.new_buffer(stage.count * sizeof(float));
  stage.weights_bytes = bytes;
  stage.weights_buffer = builder.constant_buffer(builder.weights().packed(
      conv.node->inputs[1], *chunk.weights, plain_layout(conv.problem.weights_shape()), whole));
  if (chunk.bias != nullptr) {
    stage.bias_bytes = static_cast<size_t>(channels) * sizeof(float);
    stage.bias_buffer = builder.constant_buffer(chunk.bias->memory());
  }
  return stage;
}

Layout one_image(const Layout& layout) { return with_first_dim(layout, 1); }

// Adds the step of one or two convolutions.
bool add_chunks(PlanBuilder& builder, const std::vector<Chunkable>& convs, int64_t channels) {
  const Chunkable& first = convs.front();
  const Chunkable& last = convs.back();
  const std::string& input = first.node->inputs[0];
  const Shape& in = first.problem.in;
  const Shape& out = last.problem.out;
  const DataType type = first.problem.source_type(builder, first.node->outputs[0]);
  const Layout source = conv_source_layout(builder, input, first.problem.groups, type);
  const size_t image_bytes = source.get_size() / static_cast<size_t>(in[0]);
  Layout source_of_chunk = one_image(source);
  if (first.problem.depthwise())
    source_of_chunk = blocked_layout({1, channels, in[2], in[3]}, type);
  std::vector<Stage> stages;
  for (const Chunkable& conv : convs) {
    auto stage = make_stage(builder, conv, channels, source_of_chunk,
                            builder.map_type_of(conv.node->outputs[0], conv.problem.out));
    if (!stage) return false;
    source_of_chunk = stage->output;
    stages.push_back(std::move(*stage));
  }
  const auto chunks = static_cast<size_t>(out[1] / channels);
  const Layout target = blocked_layout(out, source_of_chunk.data_type());
  ChunkStep::Pace from{.buffer = builder.in_layout(input, source), .image = image_bytes};
  if (first.problem.depthwise()) from.chunk = image_bytes / chunks;
  ChunkStep::Pace to{.buffer = builder.new_buffer(target.get_size())};
  to.image = target.get_size() / static_cast<size_t>(out[0]);
  to.chunk = to.image / chunks;
  std::optional<BufferId> between;
  if (stages.size() == 2) between = builder.new_buffer(stages[0].output.get_size());
  size_t scratchpad = 0;
  size_t weight_bytes = 0;
  for (const Stage& stage : stages) {
    scratchpad = std::max(scratchpad, stage.scratchpad.get_desc().get_size());
    weight_bytes += (stage.weights_bytes + stage.bias_bytes) * chunks;
  }
  auto step = std::make_unique<ChunkStep>(std::move(stages), static_cast<size_t>(out[0]), chunks,
                                          from, to, between);
  step->scratchpad_bytes = scratchpad;
  step->weight_bytes = weight_bytes;
  for (const Chunkable& conv : convs) {
    step->detail += (step->detail.empty() ? "" : "; ") + conv.problem.text();
    step->flops += conv.problem.flops();
  }
  builder.add_step(std::move(step));
  builder.define(last.node->outputs[0], DType::kF32, out, {target, to.buffer});
  return true;
}

}  // namespace

bool lower_chunked_conv(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "Conv" || !builder.is_planned_f32(node.inputs[0])) return false;
  const Shape in = builder.value(node.inputs[0]).shape;
  const auto conv = chunkable(builder, node, in, out);
  if (!conv) return false;
  // A depthwise convolution of a bfloat16 plan rounds what it made while that is in the cache.
  const bool rounds = conv->problem.depthwise() && builder.map_type(out) == DataType::bf16;
  if (!conv->silu && !rounds) return false;
  const int64_t channels = channels_of_chunk(out);
  return channels > 0 && add_chunks(builder, {*conv}, channels);
}

bool lower_chunked_pair(PlanBuilder& builder, const GraphNode& first, const GraphNode& second,
                        const Shape& wide) {
  constexpr size_t kWorthwhile = 1536 << 10;  // smaller values stay in the cache anyway
  if (wide.size() != 4) return false;
  const bool bf16 = builder.map_type(wide) == DataType::bf16;
  if (!bf16 && static_cast<size_t>(wide[1] * wide[2] * wide[3]) * sizeof(float) < kWorthwhile)
    return false;
  const Tensor* weights = builder.constant_f32(second, 1);
  if (weights == nullptr || weights->shape().size() != 4) return false;
  const auto out = conv_output(second, {weights->dim(2), weights->dim(3)}, wide, weights->dim(0));
  if (!out || !fits_dnnl(*out)) return false;
  const auto widening = chunkable(builder, first, builder.value(first.inputs[0]).shape, wide);
  const auto depthwise = chunkable(builder, second, wide, *out);
  if (!widening || widening->problem.groups != 1 || !depthwise || !depthwise->problem.depthwise())
    return false;
  const int64_t channels = channels_of_chunk(wide);
  return channels > 0 && add_chunks(builder, {*widening, *depthwise}, channels);
}

}  // namespace cairn::engine
