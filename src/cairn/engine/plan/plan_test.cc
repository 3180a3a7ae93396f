// Planned execution against the reference: layouts, memory shared in place, shapes.
#include <gtest/gtest.h>

#include <thread>

#include "cairn/base/random.h"
#include "cairn/engine/testing/compare.h"
#include "cairn/engine/testing/small_graphs.h"

namespace cairn::engine {
namespace {

using testing::add_conv;
using testing::drawn;
using testing::expect_same_as_reference;
using testing::image;
using testing::OnnxBuilder;
using testing::relative_error;
using testing::summary;
using testing::with_channels;

TEST(residual, is_added_in_place_of_a_value_that_nobody_needs_any_more) {
  OnnxBuilder builder = with_channels(32);
  add_conv(builder, "x", "a", 32, 32);
  add_conv(builder, "a", "b", 32, 32);
  builder.node("Add", {"b", "a"}, {"s"});
  builder.node("Relu", {"s"}, {"y"});
  expect_same_as_reference(builder, image(32));
}

TEST(residual, may_be_the_convs_own_input) {
  OnnxBuilder builder = with_channels(32);
  add_conv(builder, "x", "a", 32, 32);
  builder.weights("w", {32, 32, 1, 1});
  builder.node("Conv", {"a", "w"}, {"b"});
  builder.node("Add", {"a", "b"}, {"s"});
  add_conv(builder, "s", "y", 32, 16);
  expect_same_as_reference(builder, image(32));
}

TEST(residual, does_not_destroy_a_value_that_is_used_later_or_is_an_output) {
  OnnxBuilder later = with_channels(32);
  add_conv(later, "x", "a", 32, 32);
  add_conv(later, "x", "b", 32, 32);
  later.node("Add", {"a", "b"}, {"s"});
  add_conv(later, "s", "c", 32, 32);
  later.node("Mul", {"c", "a"}, {"y"});
  expect_same_as_reference(later, image(32));
  OnnxBuilder output = with_channels(32);
  output.output("a");
  add_conv(output, "x", "a", 32, 32);
  add_conv(output, "x", "b", 32, 32);
  output.node("Add", {"a", "b"}, {"y"});
  expect_same_as_reference(output, image(32));
}

TEST(residual, may_be_the_graph_input_or_broadcast_or_come_after_the_activation) {
  OnnxBuilder input = with_channels(32);
  add_conv(input, "x", "a", 32, 32);
  input.node("Add", {"a", "x"}, {"y"});
  expect_same_as_reference(input, image(32));
  OnnxBuilder broadcast = with_channels(32);
  add_conv(broadcast, "x", "a", 32, 32);
  broadcast.node("GlobalAveragePool", {"x"}, {"g"});
  broadcast.node("Add", {"g", "a"}, {"s"});
  broadcast.node("Relu", {"s"}, {"y"});
  expect_same_as_reference(broadcast, image(32));
  OnnxBuilder wider = with_channels(32);  // the conv's own result is what broadcasts
  add_conv(wider, "x", "a", 32, 1);
  wider.node("Add", {"x", "a"}, {"y"});
  expect_same_as_reference(wider, image(32));
  OnnxBuilder after = with_channels(32);
  add_conv(after, "x", "a", 32, 32);
  add_conv(after, "a", "b", 32, 32);
  after.node("Sigmoid", {"b"}, {"s"});
  after.node("Mul", {"b", "s"}, {"m"});
  after.node("Add", {"a", "m"}, {"y"});
  EXPECT_EQ(after.model()->node_count(), 2u);
  expect_same_as_reference(after, image(32));
}

TEST(residual, of_a_value_and_itself) {
  OnnxBuilder builder = with_channels(16);
  add_conv(builder, "x", "a", 16, 16);
  builder.node("Add", {"a", "a"}, {"y"});
  expect_same_as_reference(builder, image(16));
}

TEST(layouts, no_reorder_lies_between_the_convolutions_of_a_gated_block) {
  OnnxBuilder builder = with_channels(3);
  add_conv(builder, "x", "stem", 3, 32);
  builder.weights("dw_w", {32, 1, 5, 5})
      .weights("r_w", {8, 32, 1, 1})
      .weights("e_w", {32, 8, 1, 1});
  builder.node("Conv", {"stem", "dw_w"}, {"dw"}).ints("pads", {2, 2, 2, 2}).number("group", 32);
  builder.node("Sigmoid", {"dw"}, {"dws"});
  builder.node("Mul", {"dw", "dws"}, {"dwa"});
  builder.node("GlobalAveragePool", {"dwa"}, {"pool"});
  builder.node("Conv", {"pool", "r_w"}, {"reduce"});
  builder.node("Relu", {"reduce"}, {"reduced"});
  builder.node("Conv", {"reduced", "e_w"}, {"expand"});
  builder.node("Sigmoid", {"expand"}, {"gate"});
  builder.node("Mul", {"gate", "dwa"}, {"gated"});
  add_conv(builder, "gated", "last", 32, 48);
  builder.node("GlobalAveragePool", {"last"}, {"y"});
  expect_same_as_reference(builder, image(3, 16, 18));
  const auto plan = summary(builder, image(3, 16, 18));
  EXPECT_EQ(plan.reorders, 0u);
  EXPECT_EQ(plan.steps, 8u);
}

TEST(layouts, channels_that_do_not_fill_a_block_are_padded_with_zeros) {
  for (const int64_t channels : {1, 5, 10, 24}) {
    OnnxBuilder builder = with_channels(channels);
    add_conv(builder, "x", "a", channels, channels + 3);
    builder.node("Exp", {"a"}, {"e"});  // not zero at zero
    add_conv(builder, "e", "b", channels + 3, channels);
    builder.weights("s", {channels, 1, 1});
    builder.node("Sigmoid", {"b"}, {"g"});
    builder.node("Add", {"g", "s"}, {"h"});
    builder.node("GlobalAveragePool", {"h"}, {"p"});
    builder.node("Mul", {"h", "p"}, {"i"});
    add_conv(builder, "i", "y", channels, 7);
    expect_same_as_reference(builder, image(channels));
  }
}

TEST(layouts, concatenation_and_splits_of_channels) {
  for (const int64_t channels : {16, 24}) {
    OnnxBuilder builder = with_channels(channels);
    add_conv(builder, "x", "a", channels, 32);
    add_conv(builder, "x", "b", channels, 16);
    builder.node("Concat", {"a", "b", "x"}, {"cat"}).number("axis", 1);
    add_conv(builder, "cat", "y", 48 + channels, 8);
    expect_same_as_reference(builder, image(channels));
  }
}

TEST(shapes, computed_by_the_graph_from_input_shapes_are_planned) {
  OnnxBuilder builder = with_channels(8);
  add_conv(builder, "x", "c", 8, 8);
  builder.constant("zero", Tensor::from_i64({1}, std::vector<int64_t>{0}));
  builder.constant("rest", Tensor::from_i64({1}, std::vector<int64_t>{-1}));
  builder.node("Shape", {"x"}, {"shape"});
  builder.node("Gather", {"shape", "zero"}, {"n"});
  builder.node("Concat", {"n", "rest"}, {"target"}).number("axis", 0);
  builder.node("Reshape", {"c", "target"}, {"flat"});
  builder.node("Tanh", {"flat"}, {"y"});
  expect_same_as_reference(builder, image(8));
  EXPECT_EQ(summary(builder, image(8)).labels.count("Reshape (dynamic)"), 0u);
}

TEST(shapes, that_only_the_data_tells_are_followed) {
  OnnxBuilder builder(13);
  builder.input("x", {-1, -1}).input("target", {-1}, DType::kI64).output("y");
  builder.node("Relu", {"x"}, {"r"});
  builder.node("Reshape", {"r", "target"}, {"t"});
  builder.node("Tanh", {"t"}, {"y"});
  Executor executor(builder.model());
  const Tensor x = drawn("x", {4, 6});
  for (const auto& target : {std::vector<int64_t>{3, 8}, {24, 1}, {2, 12}})
    EXPECT_EQ(executor.run({{"x", x}, {"target", Tensor::from_i64({2}, target)}}).at("y").shape(),
              Shape(target.begin(), target.end()));
}

TEST(shapes, views_keep_their_memory_alive_and_unchanged) {
  OnnxBuilder builder = with_channels(16);
  builder.constant("target", Tensor::from_i64({2}, std::vector<int64_t>{2, -1}));
  add_conv(builder, "x", "a", 16, 16);
  builder.node("Reshape", {"a", "target"}, {"view"});
  builder.node("Exp", {"view"}, {"e"});
  builder.node("Tanh", {"a"}, {"t"});
  builder.node("Flatten", {"t"}, {"f"});
  builder.node("Add", {"e", "f"}, {"s"});
  builder.node("Add", {"s", "view"}, {"y"});
  expect_same_as_reference(builder, image(16));
}

TEST(shapes, empty_and_scalar_values_are_no_trouble) {
  OnnxBuilder builder(13);
  builder.input("x", {-1, 3}).output("y").output("z").weights("w", {3, 2});
  builder.node("MatMul", {"x", "w"}, {"m"});
  builder.node("Relu", {"m"}, {"y"});
  builder.node("ReduceMax", {"x"}, {"s"}).number("keepdims", 0);
  builder.node("Sqrt", {"s"}, {"z"});
  Executor executor(builder.model());
  EXPECT_EQ(executor.run({{"x", drawn("x", {0, 3})}}, {"y"}).at("y").shape(), (Shape{0, 2}));
  EXPECT_EQ(executor.run({{"x", drawn("x", {5, 3})}}).at("z").shape(), Shape{});
}

TEST(plans, are_kept_per_shape_and_give_the_same_results_in_any_order) {
  OnnxBuilder builder = with_channels(3);
  add_conv(builder, "x", "a", 3, 16);
  add_conv(builder, "a", "b", 16, 16);
  builder.node("Add", {"a", "b"}, {"s"});
  builder.node("GlobalAveragePool", {"s"}, {"y"});
  Executor reference(builder.model(false));
  Executor executor(builder.model());
  std::vector<TensorMap> inputs;
  for (int64_t i = 0; i < static_cast<int64_t>(Executor::kMaxPlans) + 3; ++i)
    inputs.push_back(image(3, 5 + i, 20 - i, 1 + i % 3));
  for (int round = 0; round < 2; ++round)
    for (const TensorMap& input : inputs)
      EXPECT_LE(relative_error(executor.run(input).at("y"), reference.run(input).at("y")), 1e-5);
}

TEST(plans, results_of_earlier_runs_are_not_overwritten) {
  OnnxBuilder builder = with_channels(16);
  add_conv(builder, "x", "y", 16, 16);
  Executor executor(builder.model());
  const Tensor first = executor.run(image(16)).at("y");
  const Tensor kept = Tensor::from_f32(first.shape(), first.values<float>());
  executor.run({{"x", drawn("other", {2, 16, 7, 9})}});
  EXPECT_EQ(relative_error(first, kept), 0);
}

TEST(plans, executors_on_several_threads_share_one_model) {
  OnnxBuilder builder = with_channels(3);
  add_conv(builder, "x", "a", 3, 32);
  add_conv(builder, "a", "y", 32, 24);
  const auto model = builder.model();
  const Tensor expected = Executor(builder.model(false)).run(image(3)).at("y");
  const Executor prototype(model);
  std::vector<double> errors(4);
  std::vector<std::thread> threads;
  for (double& error : errors) {
    threads.emplace_back([&] {
      Executor executor(prototype);
      for (int run = 0; run < 5; ++run)
        error = std::max(error, relative_error(executor.run(image(3)).at("y"), expected));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const double error : errors) EXPECT_LE(error, 1e-5);
}

TEST(plans, memory_is_shared_by_values_that_do_not_live_together) {
  OnnxBuilder builder = with_channels(16);
  std::string last = "x";
  for (int i = 0; i < 10; ++i) {
    const std::string next = i == 9 ? "y" : "v" + std::to_string(i);
    add_conv(builder, last, next, 16, 16);
    last = next;
  }
  const size_t one = 16 * 32 * 32 * sizeof(float);
  EXPECT_LE(summary(builder, image(16, 32, 32, 1)).peak_bytes, 4 * one);
}

// Random graphs of operators that share memory, branch and join.
TEST(plans, random_graphs_equal_the_reference) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng random(seed);
    const auto pick = [&](size_t n) { return static_cast<size_t>(random.below(n)); };
    const int64_t channels = pick(2) == 0 ? 16 : 20;
    OnnxBuilder builder = with_channels(channels);
    std::vector<std::string> values = {"x"};
    std::vector<std::string> gates;
    for (int i = 0; i < 14; ++i) {
      const std::string out = "v" + std::to_string(i);
      const std::string a = values[pick(values.size())];
      const std::string b = values[values.size() - 1 - pick(std::min<size_t>(values.size(), 3))];
      switch (pick(10)) {
        case 0:
        case 1:
        case 2:
          add_conv(builder, b, out, channels, channels);
          break;
        case 3:
          builder.node("Add", {a, b}, {out});
          break;
        case 4:
          builder.node("Mul", {b, a}, {out});
          break;
        case 5:
          builder.node("Relu", {b}, {out});
          break;
        case 6:
          builder.node("Sigmoid", {b}, {out});
          break;
        case 7:
          builder.node("Concat", {a, b}, {out + "_c"}).number("axis", 1);
          add_conv(builder, out + "_c", out, 2 * channels, channels);
          break;
        case 8:
          builder.node("GlobalAveragePool", {a}, {out + "_g"});
          builder.node(pick(2) == 0 ? "Mul" : "Add", {b, out + "_g"}, {out});
          break;
        default:
          builder.node("MaxPool", {b}, {out})
              .ints("kernel_shape", {3, 3})
              .ints("pads", {1, 1, 1, 1});
      }
      values.push_back(out);
    }
    builder.node("Tanh", {values.back()}, {"y"});
    builder.output(values[1 + pick(values.size() - 1)]);
    expect_same_as_reference(builder, image(channels, 6, 5));
  }
}

}  // namespace
}  // namespace cairn::engine
