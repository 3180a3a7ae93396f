#include "cairn/base/testing/errors.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::engine {
namespace {

using cairn::testing::error_of;
using testing::drawn;
using testing::OnnxBuilder;

std::string load_error(const OnnxBuilder& builder) {
  return error_of([&] { builder.model(); });
}

OnnxBuilder relu() {
  OnnxBuilder builder;
  builder.input("x", {-1, 2}).output("y");
  builder.node("Relu", {"x"}, {"y"}).name("r");
  return builder;
}

#define EXPECT_SAYS(message, part) \
  EXPECT_NE((message).find(part), std::string::npos) << "it says: " << (message)

TEST(model_errors, bytes_that_are_no_model_are_an_error_with_the_file_name) {
  const std::vector<uint8_t> text = {'h', 'e', 'l', 'l', 'o'};
  EXPECT_SAYS(error_of([&] { Model::parse(text, "a.onnx"); }), "a.onnx: ");
  EXPECT_SAYS(error_of([&] { Model::parse({}, "b.onnx"); }), "b.onnx: not an ONNX file");
  EXPECT_SAYS(error_of([&] { Model::load("/nowhere/c.onnx"); }), "/nowhere/c.onnx");
}

TEST(model_errors, a_file_cut_at_any_byte_is_an_error_or_a_sound_model) {
  OnnxBuilder builder;
  builder.input("x", {1, 3, 5, 5}).output("y").weights("w", {4, 3, 3, 3});
  builder.node("Conv", {"x", "w"}, {"c"}).ints("pads", {1, 1, 1, 1});
  builder.node("Relu", {"c"}, {"y"});
  const std::vector<uint8_t> bytes = builder.bytes();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(error_of([&] { Model::parse(std::span(bytes).first(size), "cut.onnx"); }), "")
        << "cut at " << size << " of " << bytes.size();
}

TEST(model_errors, an_unknown_operator_is_named_with_its_node) {
  OnnxBuilder builder;
  builder.input("x", {1}).output("y");
  builder.node("Frobnicate", {"x"}, {"y"}).name("frob_1");
  EXPECT_SAYS(load_error(builder), "unsupported operator Frobnicate");
  EXPECT_SAYS(load_error(builder), "frob_1");
}

TEST(model_errors, another_domain_an_unknown_attribute_and_a_subgraph_are_unsupported) {
  OnnxBuilder domain;
  domain.input("x", {1}).output("y");
  domain.node("Relu", {"x"}, {"y"}).domain("com.example");
  EXPECT_SAYS(load_error(domain), "unsupported operator com.example.Relu");
  OnnxBuilder attribute;
  attribute.input("x", {1}).output("y");
  attribute.node("Relu", {"x"}, {"y"}).name("r").number("slope", 1);
  EXPECT_SAYS(load_error(attribute), "\"r\": unsupported attribute \"slope\"");
  OnnxBuilder branch;
  branch.input("x", {}, DType::kBool).output("y");
  branch.node("If", {"x"}, {"y"}).graph("then_branch");
  EXPECT_SAYS(load_error(branch), "unsupported operator If");
}

TEST(model_errors, opsets_outside_1_to_17_are_refused) {
  OnnxBuilder old(0);
  old.input("x", {1}).output("y").node("Relu", {"x"}, {"y"});
  EXPECT_SAYS(load_error(old), "opset 0 is not supported");
  OnnxBuilder young(18);
  young.input("x", {1}).output("y").node("Relu", {"x"}, {"y"});
  EXPECT_SAYS(load_error(young), "opset 18 is not supported");
}

TEST(model_errors, a_cycle_an_undefined_and_a_doubled_value_name_the_node) {
  OnnxBuilder cycle;
  cycle.input("x", {1}).output("y");
  cycle.node("Add", {"x", "b"}, {"a"}).name("first");
  cycle.node("Relu", {"a"}, {"b"}).name("second");
  cycle.node("Relu", {"a"}, {"y"}).name("third");
  EXPECT_SAYS(load_error(cycle), "\"first\": the graph has a cycle");
  OnnxBuilder undefined;
  undefined.input("x", {1}).output("y");
  undefined.node("Add", {"x", "ghost"}, {"y"}).name("adder");
  EXPECT_SAYS(load_error(undefined), "\"adder\": input \"ghost\" is not defined");
  OnnxBuilder doubled;
  doubled.input("x", {1}).output("y");
  doubled.node("Relu", {"x"}, {"y"}).name("one");
  doubled.node("Relu", {"x"}, {"y"}).name("two");
  EXPECT_SAYS(load_error(doubled), "\"two\": value \"y\" is defined twice");
  OnnxBuilder missing_output;
  missing_output.input("x", {1}).output("nothing");
  missing_output.node("Relu", {"x"}, {"y"});
  EXPECT_SAYS(load_error(missing_output), "graph output \"nothing\"");
}

TEST(model_errors, nodes_may_come_in_any_order) {
  OnnxBuilder builder;
  builder.input("x", {2}).output("y");
  builder.node("Relu", {"a"}, {"y"});
  builder.node("Neg", {"x"}, {"a"});
  Executor executor(builder.model());
  const Tensor y = executor.run({{"x", Tensor::from_f32({2}, std::vector{1.f, -2.f})}}).at("y");
  EXPECT_EQ(y.data<float>()[0], 0);
  EXPECT_EQ(y.data<float>()[1], 2);
}

TEST(model_errors, initialisers_must_hold_what_their_shape_says) {
  OnnxBuilder builder = relu();
  builder.weights("w", {2, 3});
  onnx::TensorProto* tensor = builder.proto().mutable_graph()->mutable_initializer(0);
  tensor->set_dims(1, 4);
  EXPECT_SAYS(load_error(builder),
              "initialiser \"w\": 24 bytes of data where the shape asks for 32");
  tensor->set_dims(1, -3);
  EXPECT_SAYS(load_error(builder), "negative dimension");
  tensor->set_dims(0, int64_t{1} << 40);
  tensor->set_dims(1, int64_t{1} << 40);
  EXPECT_SAYS(load_error(builder), "more than");
  tensor->clear_dims();
  tensor->add_dims(6);
  tensor->clear_raw_data();
  EXPECT_SAYS(load_error(builder), "0 values where the shape asks for 6");
  for (int i = 0; i < 48; ++i) tensor->add_dims(1);
  for (int i = 0; i < 6; ++i) tensor->add_float_data(0);
  EXPECT_SAYS(load_error(builder), "initialiser \"w\": a tensor of 49 dimensions");
  tensor->mutable_dims()->Truncate(1);
  tensor->clear_float_data();
  tensor->set_data_location(onnx::TensorProto::EXTERNAL);
  EXPECT_SAYS(load_error(builder), "external data is not supported");
}

TEST(model_errors, inputs_are_checked_by_name_type_and_shape) {
  Executor executor(relu().model());
  EXPECT_SAYS(error_of([&] { executor.run({}); }), "input \"x\" is missing");
  EXPECT_SAYS(error_of([&] {
                executor.run({{"x", drawn("x", {1, 2})}, {"z", drawn("z", {1})}});
              }),
              "no input \"z\"");
  EXPECT_SAYS(error_of([&] {
                executor.run({{"x", Tensor(DType::kI64, {1, 2})}});
              }),
              "is int64, the model wants float32");
  EXPECT_SAYS(error_of([&] {
                executor.run({{"x", drawn("x", {1, 3})}});
              }),
              "has the shape 1x3, the model wants ?x2");
  EXPECT_SAYS(error_of([&] {
                executor.run({{"x", drawn("x", {1, 2})}}, {"q"});
              }),
              "no output \"q\"");
}

TEST(model_errors, impossible_shapes_inside_the_graph_name_the_node) {
  OnnxBuilder builder;
  builder.input("x", {-1}).input("z", {-1}).output("y");
  builder.node("Add", {"x", "z"}, {"y"}).name("sum");
  Executor executor(builder.model());
  const std::string message = error_of([&] {
    executor.run({{"x", drawn("x", {2})}, {"z", drawn("z", {3})}});
  });
  EXPECT_SAYS(message, "test.onnx: ");
  EXPECT_SAYS(message, "\"sum\"");
}

TEST(model_errors, a_small_file_cannot_claim_all_memory) {
  OnnxBuilder builder;
  builder.input("x", {1}).output("y");
  builder.constant("many", Tensor::from_i64({2}, std::vector<int64_t>{1 << 30, 1 << 30}));
  builder.node("Expand", {"x", "many"}, {"y"}).name("big");
  for (const bool optimise : {false, true}) {
    Executor executor(builder.model(optimise));
    const std::string message = error_of([&] { executor.run({{"x", drawn("x", {1})}}); });
    EXPECT_SAYS(message, "\"big\"");
    EXPECT_SAYS(message, "elements");
  }
  OnnxBuilder chain;  // each value is allowed, all together are not
  chain.input("x", {1 << 10}).output("y");
  std::vector<std::string> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back("v" + std::to_string(i));
    chain.node("Exp", {i == 0 ? "x" : all[static_cast<size_t>(i) - 1]}, {all.back()});
  }
  chain.node("Sum", all, {"y"});
  for (const bool optimise : {false, true}) {
    const auto model = Model::parse(chain.bytes(), "chain.onnx",
                                    {.optimise = optimise, .max_memory = 10 * (1 << 12)});
    Executor executor(model);
    EXPECT_SAYS(error_of([&] {
                  executor.run({{"x", drawn("x", {1 << 10})}});
                }),
                "bytes of values live at once");
  }
}

TEST(model_errors, control_characters_in_names_do_not_break_the_line) {
  OnnxBuilder builder;
  builder.input("x", {1}).output("y");
  builder.node("Bad\nOp", {"x"}, {"y"}).name("a\nb");
  EXPECT_EQ(load_error(builder).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace cairn::engine
