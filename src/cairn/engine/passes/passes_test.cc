#include <gtest/gtest.h>

#include "cairn/engine/testing/compare.h"

namespace cairn::engine {
namespace {

using testing::drawn;
using testing::expect_same_as_reference;
using testing::OnnxBuilder;

Tensor number(float value) { return Tensor::from_f32({}, std::vector{value}); }
Tensor positive(const std::string& key, const Shape& shape) {
  Tensor tensor = drawn(key, shape, 0.4f);
  for (float& x : std::span(tensor.data<float>(), tensor.count())) x += 1;
  return tensor;
}

// x (1x6x9x8) → Conv of 6 to 20 channels → "c".
OnnxBuilder conv_to_c(int64_t opset = 14) {
  OnnxBuilder builder(opset);
  builder.input("x", {-1, 6, -1, -1}).output("y").weights("w", {20, 6, 3, 3}).weights("b", {20});
  builder.node("Conv", {"x", "w", "b"}, {"c"}).ints("pads", {1, 1, 1, 1});
  return builder;
}

const TensorMap& photo() {
  static const TensorMap kInputs = {{"x", drawn("x", {2, 6, 9, 8})}};
  return kInputs;
}

// Expects that the model has become this many nodes and still computes the same.
void expect_nodes(const OnnxBuilder& builder, size_t nodes, const TensorMap& inputs = photo()) {
  EXPECT_EQ(builder.model()->node_count(), nodes);
  expect_same_as_reference(builder, inputs);
}

void add_batch_norm(OnnxBuilder& builder, const std::string& from, const std::string& to,
                    int64_t channels) {
  builder.constant(to + "_s", positive(to + "_s", {channels})).weights(to + "_b", {channels});
  builder.weights(to + "_m", {channels}).constant(to + "_v", positive(to + "_v", {channels}));
  builder.node("BatchNormalization", {from, to + "_s", to + "_b", to + "_m", to + "_v"}, {to})
      .real("epsilon", 1e-3f);
}

TEST(fold_affine, batch_norm_goes_into_the_conv) {
  OnnxBuilder builder = conv_to_c();
  add_batch_norm(builder, "c", "y", 20);
  expect_nodes(builder, 1);
}

TEST(fold_affine, batch_norm_goes_into_a_gemm_of_either_orientation) {
  for (const int64_t transposed : {0, 1}) {
    OnnxBuilder builder;
    builder.input("x", {-1, 7}).output("y").weights("b", {5});
    builder.weights("w", transposed ? Shape{5, 7} : Shape{7, 5});
    builder.node("Gemm", {"x", "w", "b"}, {"g"})
        .number("transB", transposed)
        .real("alpha", 0.5f)
        .real("beta", 2);
    add_batch_norm(builder, "g", "y", 5);
    expect_nodes(builder, 1, {{"x", drawn("x", {3, 7})}});
  }
}

TEST(fold_affine, constants_per_channel_and_scalars_go_into_the_conv) {
  OnnxBuilder builder = conv_to_c();
  builder.constant("m", positive("m", {20, 1, 1})).constant("d", positive("d", {1, 20, 1, 1}));
  builder.constant("s", number(0.3f)).weights("a", {20, 1, 1});
  builder.node("Mul", {"m", "c"}, {"c1"});
  builder.node("Add", {"c1", "a"}, {"c2"});
  builder.node("Sub", {"s", "c2"}, {"c3"});
  builder.node("Div", {"c3", "d"}, {"c4"});
  builder.node("Sub", {"c4", "s"}, {"y"});
  expect_nodes(builder, 1);
}

TEST(fold_affine, weights_that_another_conv_uses_stay_as_they_are) {
  OnnxBuilder builder = conv_to_c();
  add_batch_norm(builder, "c", "n", 20);
  builder.node("Conv", {"x", "w", "b"}, {"other"}).ints("pads", {1, 1, 1, 1});
  builder.node("Mul", {"n", "other"}, {"y"});
  expect_nodes(builder, 3);
}

TEST(fold_affine, a_conv_whose_result_others_need_is_left_alone) {
  OnnxBuilder builder = conv_to_c();
  add_batch_norm(builder, "c", "n", 20);
  builder.node("Mul", {"n", "c"}, {"y"});
  expect_nodes(builder, 3);
  OnnxBuilder output = conv_to_c();
  output.output("c");
  add_batch_norm(output, "c", "y", 20);
  expect_nodes(output, 2);
}

TEST(fold_affine, constants_along_the_width_are_not_taken_for_channels) {
  OnnxBuilder builder = conv_to_c();
  builder.weights("row", {20});  // broadcasts along the last axis
  builder.node("Mul", {"c", "row"}, {"y"});
  expect_nodes(builder, 2, {{"x", drawn("x", {1, 6, 4, 20})}});
}

TEST(fold_pads, zero_pads_become_the_pads_of_the_conv) {
  OnnxBuilder builder(13);
  builder.input("x", {-1, 6, -1, -1}).output("y").weights("w", {4, 6, 3, 3});
  builder.constant("p", Tensor::from_i64({8}, std::vector<int64_t>{0, 0, 0, 1, 0, 0, 2, 1}));
  builder.node("Pad", {"x", "p"}, {"padded"});
  builder.node("Conv", {"padded", "w"}, {"y"}).ints("pads", {1, 0, 0, 0}).ints("strides", {2, 2});
  expect_nodes(builder, 1);
}

TEST(fold_pads, other_values_and_modes_stay) {
  OnnxBuilder ones(13);
  ones.input("x", {-1, 6, -1, -1}).output("y").weights("w", {4, 6, 3, 3});
  ones.constant("p", Tensor::from_i64({8}, std::vector<int64_t>{0, 0, 1, 1, 0, 0, 1, 1}));
  ones.constant("one", number(1));
  ones.node("Pad", {"x", "p", "one"}, {"padded"});
  ones.node("Conv", {"padded", "w"}, {"y"});
  expect_nodes(ones, 2);
  OnnxBuilder channels(13);
  channels.input("x", {-1, 6, -1, -1}).output("y").weights("w", {4, 7, 3, 3});
  channels.constant("p", Tensor::from_i64({8}, std::vector<int64_t>{0, 1, 0, 0, 0, 0, 0, 0}));
  channels.node("Pad", {"x", "p"}, {"padded"});
  channels.node("Conv", {"padded", "w"}, {"y"});
  expect_nodes(channels, 2);
}

TEST(remove_identities, identity_and_dropout_vanish) {
  OnnxBuilder builder = conv_to_c();
  builder.node("Identity", {"c"}, {"i"});
  builder.node("Dropout", {"i"}, {"d"});
  builder.node("Relu", {"d"}, {"y"});
  expect_nodes(builder, 1);
}

TEST(fold_constants, what_depends_on_constants_alone_is_computed_at_load) {
  OnnxBuilder builder;
  builder.input("x", {-1, 6, -1, -1}).output("y").weights("a", {6, 1, 1}).weights("b", {6, 1, 1});
  builder.node("Add", {"a", "b"}, {"ab"});
  builder.node("Exp", {"ab"}, {"e"});
  builder.node("Mul", {"x", "e"}, {"y"});
  expect_nodes(builder, 1);
}

TEST(fuse_post_ops, every_activation_goes_into_the_conv) {
  const auto check = [](const std::string& op, const std::vector<std::string>& more, auto adorn) {
    SCOPED_TRACE(op);
    OnnxBuilder builder = conv_to_c();
    builder.constant("zero", number(0)).constant("six", number(6)).weights("slopes", {20, 1, 1});
    std::vector<std::string> inputs = {"c"};
    inputs.insert(inputs.end(), more.begin(), more.end());
    auto node = builder.node(op, inputs, {"y"});
    adorn(node);
    expect_nodes(builder, 1);
  };
  const auto plain = [](auto&) {};
  check("Relu", {}, plain);
  check("LeakyRelu", {}, [](auto& node) { node.real("alpha", 0.2f); });
  check("Clip", {"zero", "six"}, plain);
  check("Clip", {"", "six"}, plain);
  check("Clip", {"zero"}, plain);
  check("Sigmoid", {}, plain);
  check("Tanh", {}, plain);
  check("Elu", {}, [](auto& node) { node.real("alpha", 0.7f); });
  check("HardSigmoid", {}, [](auto& node) { node.real("alpha", 0.3f).real("beta", 0.4f); });
  check("HardSwish", {}, plain);
  check("PRelu", {"slopes"}, plain);
}

TEST(fuse_post_ops, clip_by_attributes_is_understood_up_to_opset_10) {
  OnnxBuilder builder = conv_to_c(10);
  builder.node("Clip", {"c"}, {"y"}).real("min", -0.1f).real("max", 0.2f);
  expect_nodes(builder, 1);
}

TEST(fuse_post_ops, x_times_sigmoid_of_x_is_one_activation) {
  OnnxBuilder builder = conv_to_c();
  builder.node("Sigmoid", {"c"}, {"s"});
  builder.node("Mul", {"s", "c"}, {"y"});
  expect_nodes(builder, 1);
  OnnxBuilder hard = conv_to_c();
  hard.node("HardSigmoid", {"c"}, {"s"}).real("alpha", 1.f / 6).real("beta", 0.5f);
  hard.node("Mul", {"c", "s"}, {"y"});
  expect_nodes(hard, 1);
}

TEST(fuse_post_ops, x_times_sigmoid_of_x_stays_where_either_is_needed_elsewhere) {
  OnnxBuilder gate = conv_to_c();
  gate.output("s");
  gate.node("Sigmoid", {"c"}, {"s"});
  gate.node("Mul", {"s", "c"}, {"y"});
  expect_nodes(gate, 3);
  OnnxBuilder value = conv_to_c();
  value.output("t");
  value.node("Sigmoid", {"c"}, {"s"});
  value.node("Mul", {"s", "c"}, {"y"});
  value.node("Tanh", {"c"}, {"t"});
  expect_nodes(value, 4);
}

TEST(fuse_post_ops, activations_go_into_a_gemm) {
  OnnxBuilder builder;
  builder.input("x", {-1, 7}).output("y").weights("w", {7, 5}).weights("slopes", {5});
  builder.node("Gemm", {"x", "w"}, {"g"});
  builder.node("PRelu", {"g", "slopes"}, {"p"});
  builder.node("Sigmoid", {"p"}, {"y"});
  expect_nodes(builder, 1, {{"x", drawn("x", {3, 7})}});
}

TEST(remove_dead, unused_nodes_and_constants_vanish) {
  OnnxBuilder builder = conv_to_c();
  builder.node("Relu", {"c"}, {"y"});
  builder.weights("unused", {1000});
  builder.node("Exp", {"x"}, {"nobody"});
  expect_nodes(builder, 1);
  EXPECT_EQ(builder.model()->parameters().at(DType::kF32), 20 * 6 * 9 + 20 + 1000);  // of the file
}

}  // namespace
}  // namespace cairn::engine
