#include <gtest/gtest.h>

#include "cairn/engine/testing/int8_graphs.h"
#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::engine {
namespace {

using testing::drawn;
using testing::OnnxBuilder;

TEST(executor, computes_only_what_the_wanted_outputs_need) {
  OnnxBuilder builder;
  builder.input("x", {-1}).input("z", {-1}).output("good").output("bad");
  builder.node("Relu", {"x"}, {"good"});
  builder.node("Add", {"x", "z"}, {"bad"});
  Executor executor(builder.model());
  const TensorMap inputs = {{"x", drawn("x", {2})}, {"z", drawn("z", {3})}};
  EXPECT_EQ(executor.run(inputs, {"good"}).size(), 1u);
  EXPECT_ANY_THROW(executor.run(inputs));
}

TEST(executor, graph_outputs_may_be_inputs_or_constants) {
  OnnxBuilder builder;
  builder.input("x", {2}).output("x").output("c").weights("c", {3});
  builder.node("Relu", {"x"}, {"unused"});
  Executor executor(builder.model());
  const Tensor x = drawn("x", {2});
  const TensorMap outputs = executor.run({{"x", x}});
  EXPECT_EQ(testing::relative_error(outputs.at("x"), x), 0);
  EXPECT_EQ(outputs.at("c").shape(), Shape{3});
}

TEST(model, tells_its_inputs_outputs_operators_and_parameters) {
  OnnxBuilder builder;
  builder.input("x", {-1, 3, 8, 8}).output("y").weights("w", {4, 3, 1, 1});
  builder.node("Abs", {"x"}, {"a"});
  builder.node("Relu", {"a"}, {"y"});
  const auto model = builder.model();
  ASSERT_EQ(model->inputs().size(), 1u);
  EXPECT_EQ(model->inputs()[0].shape, (Shape{-1, 3, 8, 8}));
  EXPECT_EQ(model->outputs()[0].name, "y");
  EXPECT_EQ(model->opset(), 13);
  EXPECT_EQ(model->parameters(), (std::map<DType, int64_t>{{DType::kF32, 12}}));
  EXPECT_EQ(model->operator_counts().at("Relu"), 1);
  EXPECT_EQ(model->checksum().size(), 64u);
}

TEST(model, counts_8_bit_weights_as_parameters_but_not_their_scales) {
  OnnxBuilder builder;
  builder.input("x", {1, 3, 8, 8}).output("y");
  testing::add_grid(builder, "x", "x8", testing::kSigned);
  testing::add_int8_conv(builder, "x8", "c", 3, 4);
  testing::add_grid(builder, "c", "y", testing::kSigned);
  EXPECT_EQ(builder.model()->parameters(),
            (std::map<DType, int64_t>{{DType::kF32, 4}, {DType::kI8, 4 * 3 * 3 * 3}}));
}

}  // namespace
}  // namespace cairn::engine
