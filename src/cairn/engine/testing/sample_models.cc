#include "cairn/engine/testing/sample_models.h"

#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::engine::testing {
namespace {

Tensor numbers(const std::vector<int64_t>& values) {
  return Tensor::from_i64({static_cast<int64_t>(values.size())}, values);
}

// Convolutions, batch norm, a residual, a gate, a classifier.
OnnxBuilder network() {
  OnnxBuilder b(13);
  b.input("x", {-1, 3, -1, -1}).output("y").output("gated");
  b.weights("w1", {16, 3, 3, 3}).weights("w2", {16, 1, 3, 3}).weights("w3", {16, 16, 1, 1});
  b.weights("s", {16}).weights("o", {16}).weights("fc", {5, 16}).weights("fb", {5});
  b.constant("v", Tensor::from_f32({16}, std::vector<float>(16, 1.f)));
  b.node("Conv", {"x", "w1"}, {"c1"}).text("auto_pad", "SAME_UPPER").ints("strides", {2, 2});
  b.node("BatchNormalization", {"c1", "s", "o", "o", "v"}, {"n1"});
  b.node("Relu", {"n1"}, {"r1"});
  b.node("Conv", {"r1", "w2"}, {"c2"}).ints("pads", {1, 1, 1, 1}).number("group", 16);
  b.node("Sigmoid", {"c2"}, {"s2"});
  b.node("Mul", {"c2", "s2"}, {"m2"});
  b.node("Conv", {"m2", "w3"}, {"c3"});
  b.node("Add", {"c3", "r1"}, {"a3"});
  b.node("GlobalAveragePool", {"a3"}, {"p"});
  b.node("Mul", {"a3", "p"}, {"gated"});
  b.node("MaxPool", {"gated"}, {"mp"}).ints("kernel_shape", {2, 2}).number("ceil_mode", 1);
  b.node("AveragePool", {"mp"}, {"ap"}).ints("kernel_shape", {3, 3}).ints("pads", {1, 1, 1, 1});
  b.node("ReduceMean", {"ap"}, {"f"}).ints("axes", {2, 3}).number("keepdims", 0);
  b.node("Gemm", {"f", "fc", "fb"}, {"g"}).number("transB", 1);
  b.node("Softmax", {"g"}, {"y"}).number("axis", 1);
  return b;
}

// Shapes that the graph computes.
OnnxBuilder shapes() {
  OnnxBuilder b(13);
  b.input("x", {-1, 4, -1}).output("y").output("z");
  b.constant("zero", numbers({0})).constant("rest", numbers({-1})).constant("two", numbers({2}));
  b.constant("pads", numbers({0, 0, 1, 0, 0, 1})).constant("steps", numbers({1}));
  b.node("Shape", {"x"}, {"shape"});
  b.node("Gather", {"shape", "zero"}, {"n"});
  b.node("Concat", {"n", "rest"}, {"target"}).number("axis", 0);
  b.node("Reshape", {"x", "target"}, {"flat"});
  b.node("Unsqueeze", {"flat", "zero"}, {"u"});
  b.node("Transpose", {"u"}, {"t"}).ints("perm", {2, 0, 1});
  b.node("Squeeze", {"t"}, {"y"});
  b.node("Pad", {"x", "pads"}, {"padded"});
  b.node("Slice", {"padded", "zero", "two", "two", "steps"}, {"sliced"});
  b.node("Tanh", {"sliced"}, {"z"});
  return b;
}

// Shapes that only the data tells, and integers.
OnnxBuilder data_dependent() {
  OnnxBuilder b(13);
  b.input("x", {-1}).input("k", {-1}, DType::kI64).output("y").output("z");
  b.node("Relu", {"x"}, {"r"});
  b.node("NonZero", {"r"}, {"nz"});
  b.node("Cast", {"nz"}, {"y"}).number("to", 1);
  b.node("Reshape", {"x", "k"}, {"z"});
  return b;
}

OnnxBuilder arithmetic() {
  OnnxBuilder b(11);
  b.input("a", {2, -1}).input("b", {-1}).output("y").weights("w", {3, 4});
  b.node("Add", {"a", "b"}, {"s"});
  b.node("Div", {"s", "b"}, {"d"});
  b.node("Exp", {"d"}, {"e"});
  b.node("Identity", {"e"}, {"i"});
  b.node("Dropout", {"i"}, {"dr"});
  b.node("MatMul", {"dr", "w"}, {"m"});
  b.node("Concat", {"m", "m"}, {"c"}).number("axis", 1);
  b.node("Clip", {"c"}, {"y"});
  return b;
}

OnnxBuilder constants() {
  OnnxBuilder b(12);
  b.input("x", {1, 2, 3, 3}).output("y");
  b.node("Constant", {}, {"p"}).tensor("value", numbers({0, 0, 1, 1, 0, 0, 1, 1}));
  b.node("Pad", {"x", "p"}, {"padded"});
  b.weights("w", {4, 2, 3, 3}).weights("q", {4, 1, 1});
  b.node("Conv", {"padded", "w"}, {"c"}).ints("dilations", {2, 2});
  b.node("Mul", {"c", "q"}, {"m"});
  b.node("PRelu", {"m", "q"}, {"y"});
  return b;
}

}  // namespace

std::vector<SampleModel> sample_models() {
  return {{"network", network().bytes()},
          {"shapes", shapes().bytes()},
          {"data_dependent", data_dependent().bytes()},
          {"arithmetic", arithmetic().bytes()},
          {"constants", constants().bytes()}};
}

}  // namespace cairn::engine::testing
