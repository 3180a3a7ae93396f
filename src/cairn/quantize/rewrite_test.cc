#include "cairn/quantize/rewrite.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/engine/onnx_writer.h"
#include "cairn/engine/testing/small_graphs.h"
#include "cairn/quantize/layers.h"
#include "cairn/quantize/opset.h"

namespace cairn::quantize {
namespace {

using engine::DType;
using engine::Executor;
using engine::Graph;
using engine::GraphNode;
using engine::Model;
using engine::Shape;
using engine::Tensor;
using engine::TensorMap;
using engine::testing::add_conv;
using engine::testing::image;
using engine::testing::OnnxBuilder;
using engine::testing::relative_error;
using engine::testing::with_channels;

using Names = std::set<std::string>;

Graph graph_of(const OnnxBuilder& builder) {
  return read_for_quantisation(builder.bytes(), "test.onnx");
}

std::shared_ptr<const Model> model_of(const Graph& graph, const OnnxBuilder& original,
                                      bool optimise = true) {
  const std::string bytes = engine::write_onnx(graph, original.bytes());
  return Model::parse({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "made.onnx",
                      {.optimise = optimise});
}

Choice all_layers(const Graph& graph) {
  Choice choice;
  for (const Layer& layer : find_layers(graph)) choice.layers.insert(layer.output);
  for (const auto& [value, owner] : values_on_grids(graph, choice.layers))
    choice.grids[owner] = {DType::kU8, 0.04F, 128};
  return choice;
}

Names values_of(const Graph& graph) {
  Names names;
  for (const auto& [value, owner] : values_on_grids(graph, all_layers(graph).layers))
    names.insert(value);
  return names;
}

std::vector<const GraphNode*> nodes_of(const Graph& graph, const std::string& op) {
  std::vector<const GraphNode*> nodes;
  for (const GraphNode& node : graph.nodes)
    if (node.op_type == op) nodes.push_back(&node);
  return nodes;
}

const GraphNode& maker_of(const Graph& graph, const std::string& value) {
  for (const GraphNode& node : graph.nodes)
    if (std::count(node.outputs.begin(), node.outputs.end(), value) > 0) return node;
  throw Error("nothing makes " + value);
}

// The quantised graph computes nearly the same, and its plan what its operators one by one do.
void expect_sound(const OnnxBuilder& builder, double tolerance) {
  const Graph graph = graph_of(builder);
  const Graph quantised = quantise_graph(graph, all_layers(graph));
  const int64_t channels = builder.model()->inputs()[0].shape[1];
  const TensorMap inputs = image(channels);
  const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
  const Tensor reference = Executor(model_of(quantised, builder, false)).run(inputs).at("y");
  const Tensor planned = Executor(model_of(quantised, builder)).run(inputs).at("y");
  EXPECT_LE(relative_error(reference, expected), tolerance);
  EXPECT_GT(relative_error(reference, expected), 1e-6);
  EXPECT_LE(relative_error(planned, reference), tolerance / 2);
}

OnnxBuilder residual_net() {
  OnnxBuilder builder = with_channels(8);
  add_conv(builder, "x", "c1", 8, 8);
  builder.node("Relu", {"c1"}, {"r1"});
  add_conv(builder, "r1", "c2", 8, 8);
  builder.node("Relu", {"c2"}, {"r2"});
  add_conv(builder, "r2", "c3", 8, 8);
  builder.node("Add", {"c3", "r1"}, {"sum"});
  builder.node("Relu", {"sum"}, {"r3"});
  add_conv(builder, "r3", "c4", 8, 16);
  add_conv(builder, "r3", "shortcut", 8, 16);
  builder.node("Add", {"c4", "shortcut"}, {"sum2"});
  builder.node("Relu", {"sum2"}, {"r4"});
  add_conv(builder, "r4", "y", 16, 8);
  return builder;
}

TEST(rewrite, every_value_that_convolutions_read_has_one_grid_that_all_readers_share) {
  const OnnxBuilder builder = residual_net();
  const Graph graph = graph_of(builder);
  EXPECT_EQ(values_of(graph), (Names{"x", "r1", "r2", "r3", "r4", "shortcut"}));
  const Graph quantised = quantise_graph(graph, all_layers(graph));
  EXPECT_EQ(nodes_of(quantised, "QuantizeLinear").size(), 6U);
  EXPECT_EQ(nodes_of(quantised, "DequantizeLinear").size(), 6U + 6U);
  EXPECT_EQ(maker_of(quantised, "sum").inputs, (std::vector<std::string>{"c3", "r1/dequantized"}));
  EXPECT_EQ(maker_of(quantised, "sum2").inputs,
            (std::vector<std::string>{"c4", "shortcut/dequantized"}));
  EXPECT_EQ(maker_of(quantised, "c4").inputs[0], maker_of(quantised, "shortcut").inputs[0]);
  expect_sound(builder, 0.2);
}

TEST(rewrite, weights_are_int8_with_scales_along_the_first_axis) {
  const Graph graph = graph_of(residual_net());
  const Graph quantised = quantise_graph(graph, all_layers(graph));
  const GraphNode& conv = maker_of(quantised, "c4");
  const GraphNode& weights = maker_of(quantised, conv.inputs[1]);
  EXPECT_EQ(weights.op_type, "DequantizeLinear");
  EXPECT_EQ(weights.get_int("axis", 1), 0);
  EXPECT_EQ(quantised.constant(weights.inputs[0])->dtype(), DType::kI8);
  EXPECT_EQ(quantised.constant(weights.inputs[0])->shape(), (Shape{16, 8, 3, 3}));
  EXPECT_EQ(quantised.constant(weights.inputs[1])->shape(), (Shape{16}));
  for (const int8_t zero : quantised.constant(weights.inputs[2])->values<int8_t>())
    EXPECT_EQ(zero, 0);
  EXPECT_EQ(quantised.constant(conv.inputs[2])->dtype(), DType::kF32);
  EXPECT_EQ(quantised.constant("c4_w"), nullptr);
}

TEST(rewrite, convolutions_that_are_not_chosen_read_the_value_itself) {
  const OnnxBuilder builder = residual_net();
  const Graph graph = graph_of(builder);
  Choice choice = all_layers(graph);
  choice.layers = {"c2", "c4"};
  const Graph quantised = quantise_graph(graph, choice);
  EXPECT_EQ(nodes_of(quantised, "QuantizeLinear").size(), 2U);
  EXPECT_EQ(maker_of(quantised, "shortcut").inputs[0], "r3");
  EXPECT_EQ(maker_of(quantised, "c4").inputs[0], "r3/dequantized");
  EXPECT_EQ(maker_of(quantised, "sum2").inputs, (std::vector<std::string>{"c4", "shortcut"}));
}

TEST(rewrite, a_max_pool_stays_on_the_grid_of_what_it_reads) {
  OnnxBuilder builder = with_channels(8);
  add_conv(builder, "x", "c", 8, 8);
  builder.node("Relu", {"c"}, {"r"});
  builder.node("MaxPool", {"r"}, {"p"}).ints("kernel_shape", {2, 2});
  add_conv(builder, "p", "y", 8, 8);
  const Graph graph = graph_of(builder);
  EXPECT_EQ(values_on_grids(graph, {"y"}),
            (std::map<std::string, std::string>{{"p", "r"}, {"r", "r"}}));
  expect_sound(builder, 0.2);
}

TEST(rewrite, gates_concatenations_and_norms_read_what_lies_on_the_grid) {
  OnnxBuilder builder = with_channels(8);
  add_conv(builder, "x", "c1", 8, 16);
  builder.node("Relu", {"c1"}, {"r1"});
  add_conv(builder, "r1", "c2", 16, 16);
  // Squeeze and excitation.
  builder.node("GlobalAveragePool", {"r1"}, {"mean"});
  builder.weights("gate_w", {16, 16, 1, 1});
  builder.node("Conv", {"mean", "gate_w"}, {"gate_c"});
  builder.node("Sigmoid", {"gate_c"}, {"gate"});
  builder.node("Mul", {"r1", "gate"}, {"gated"});
  // IBN: the first half is normalised by itself.
  builder.constant("half", Tensor::from_i64({2}, std::vector<int64_t>{8, 8}));
  builder.node("Split", {"c2", "half"}, {"left", "right"}).number("axis", 1);
  builder.weights("norm_scale", {8}, 2).weights("norm_bias", {8});
  builder.node("InstanceNormalization", {"left", "norm_scale", "norm_bias"}, {"normed"});
  builder.node("Concat", {"normed", "right"}, {"ibn"}).number("axis", 1);
  builder.node("Relu", {"ibn"}, {"r2"});
  builder.node("Concat", {"r2", "gated"}, {"both"}).number("axis", 1);
  add_conv(builder, "both", "c3", 32, 8);
  add_conv(builder, "r2", "c4", 16, 8);
  builder.node("Add", {"c3", "c4"}, {"y"});
  const Graph graph = graph_of(builder);
  Choice choice = all_layers(graph);
  choice.layers.erase("gate_c");
  Names values;
  for (const auto& [value, owner] : values_on_grids(graph, choice.layers)) values.insert(value);
  EXPECT_EQ(values, (Names{"x", "r1", "both", "r2"}));
  const Graph quantised = quantise_graph(graph, choice);
  EXPECT_EQ(maker_of(quantised, "gated").inputs[0], "r1/dequantized");
  EXPECT_EQ(maker_of(quantised, "mean").inputs[0], "r1/dequantized");
  EXPECT_EQ(maker_of(quantised, "both").inputs[0], "r2/dequantized");
  expect_sound(builder, 0.3);
}

TEST(rewrite, graph_outputs_keep_their_names_and_stay_float) {
  OnnxBuilder builder = with_channels(8);
  builder.output("r");
  add_conv(builder, "x", "c", 8, 8);
  builder.node("Relu", {"c"}, {"r"});
  add_conv(builder, "r", "y", 8, 8);
  const Graph graph = graph_of(builder);
  const Graph quantised = quantise_graph(graph, all_layers(graph));
  ASSERT_EQ(quantised.outputs.size(), 2U);
  EXPECT_EQ(maker_of(quantised, "r").op_type, "Relu");
  EXPECT_EQ(maker_of(quantised, "y").inputs[0], "r/dequantized");
  expect_sound(builder, 0.2);
}

TEST(rewrite, batch_norms_are_folded_and_change_nothing) {
  OnnxBuilder builder = with_channels(3);
  builder.weights("w", {8, 3, 3, 3});
  builder.node("Conv", {"x", "w"}, {"c"}).ints("pads", {1, 1, 1, 1});
  builder.weights("s", {8}, 2).weights("b", {8}).weights("m", {8});
  builder.constant("v", Tensor::from_f32({8}, std::vector<float>{1, 2, 3, .5F, .1F, 1, 4, .02F}));
  builder.node("BatchNormalization", {"c", "s", "b", "m", "v"}, {"n"});
  builder.node("Relu", {"n"}, {"y"});
  const Graph graph = graph_of(builder);
  EXPECT_TRUE(nodes_of(graph, "BatchNormalization").empty());
  EXPECT_EQ(find_layers(graph).size(), 1U);
  const TensorMap inputs = image(3);
  EXPECT_LE(relative_error(Executor(model_of(graph, builder, false)).run(inputs).at("y"),
                           Executor(builder.model(false)).run(inputs).at("y")),
            1e-5);
}

TEST(rewrite, shifts_are_added_to_the_bias_or_become_it) {
  for (const bool with_bias : {true, false}) {
    OnnxBuilder builder = with_channels(4);
    builder.weights("w", {2, 4, 1, 1});
    builder.constant("b", Tensor::from_f32({2}, std::vector<float>{10, 20}));
    std::vector<std::string> inputs = {"x", "w"};
    if (with_bias) inputs.push_back("b");
    builder.node("Conv", inputs, {"y"});
    const Graph graph = graph_of(builder);
    Choice choice = all_layers(graph);
    choice.bias_shifts["y"] = {1, -2};
    const Graph quantised = quantise_graph(graph, choice);
    const Tensor& bias = *quantised.constant(maker_of(quantised, "y").inputs[2]);
    EXPECT_EQ(bias.values<float>()[0], with_bias ? 11 : 1);
    EXPECT_EQ(bias.values<float>()[1], with_bias ? 18 : -2);
  }
}

TEST(rewrite, error_graphs_compare_each_convolution_on_the_same_input) {
  const OnnxBuilder builder = residual_net();
  const Graph graph = graph_of(builder);
  const Choice choice = all_layers(graph);
  const ErrorGraph errors = error_graph(graph, choice);
  ASSERT_EQ(errors.outputs.size(), 6U);
  const TensorMap inputs = image(8, 7, 9, 1);
  const TensorMap measured = Executor(model_of(errors.graph, builder)).run(inputs);
  // The first convolution's input is the same in the quantised graph.
  Graph with_first = quantise_graph(graph, choice);
  with_first.outputs.push_back({"c1", DType::kF32, {}, false});
  Graph plain = graph;
  plain.outputs.push_back({"c1", DType::kF32, {}, false});
  const Tensor in_8_bits = Executor(model_of(with_first, builder, false)).run(inputs).at("c1");
  const Tensor exact = Executor(model_of(plain, builder, false)).run(inputs).at("c1");
  const size_t plane = exact.count() / 8;
  for (size_t c = 0; c < 8; ++c) {
    double error = 0;
    double squared_error = 0;
    double squared_value = 0;
    for (size_t i = c * plane; i < (c + 1) * plane; ++i) {
      const double value = exact.data<float>()[i];
      const double difference = in_8_bits.data<float>()[i] - value;
      error += difference / static_cast<double>(plane);
      squared_error += difference * difference / static_cast<double>(plane);
      squared_value += value * value / static_cast<double>(plane);
    }
    const ErrorNames& names = errors.outputs.at("c1");
    EXPECT_NEAR(measured.at(names.error).data<float>()[c], error, 1e-5);
    EXPECT_NEAR(measured.at(names.squared_error).data<float>()[c], squared_error, 1e-6);
    EXPECT_NEAR(measured.at(names.squared_value).data<float>()[c], squared_value, 1e-4);
  }
}

TEST(rewrite, older_opsets_are_raised_where_nothing_changes) {
  OnnxBuilder builder(11);
  builder.input("x", {-1, 4, -1, -1}).output("y");
  builder.weights("w", {4, 4, 1, 1});
  builder.node("Conv", {"x", "w"}, {"c"});
  builder.node("Unsqueeze", {"c"}, {"u"}).ints("axes", {0});
  builder.node("ReduceSum", {"u"}, {"r"}).ints("axes", {2}).number("keepdims", 0);
  builder.node("Split", {"r"}, {"a", "b"}).number("axis", 1).ints("split", {1, 1});
  builder.node("Squeeze", {"b"}, {"y"}).ints("axes", {0, 1});
  const Graph graph = graph_of(builder);
  EXPECT_EQ(graph.opset, 13);
  const TensorMap inputs = image(4);
  EXPECT_LE(relative_error(Executor(model_of(graph, builder)).run(inputs).at("y"),
                           Executor(builder.model(false)).run(inputs).at("y")),
            1e-6);
  const Graph quantised = quantise_graph(graph, all_layers(graph));
  EXPECT_EQ(model_of(quantised, builder)->opset(), 13);
}

TEST(rewrite, opsets_whose_operators_mean_something_else_are_refused) {
  OnnxBuilder softmax(12);
  softmax.input("x", {-1, 4, -1, -1}).output("y");
  softmax.node("Softmax", {"x"}, {"y"}).number("axis", 1);
  EXPECT_THROW(graph_of(softmax), Error);
  OnnxBuilder old(9);
  old.input("x", {-1, 4, -1, -1}).output("y");
  old.node("Relu", {"x"}, {"y"});
  EXPECT_THROW(graph_of(old), Error);
}

TEST(rewrite, quantised_models_are_refused) {
  const OnnxBuilder builder = residual_net();
  const Graph graph = graph_of(builder);
  const std::string bytes =
      engine::write_onnx(quantise_graph(graph, all_layers(graph)), builder.bytes());
  EXPECT_THROW(read_for_quantisation({bytes.begin(), bytes.end()}, "q.onnx"), Error);
}

}  // namespace
}  // namespace cairn::quantize
