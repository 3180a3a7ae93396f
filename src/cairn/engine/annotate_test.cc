#include "cairn/engine/annotate.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/engine/model.h"
#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::engine {
namespace {

using cairn::testing::TempDir;

void write_model(const fs::path& path) {
  testing::OnnxBuilder builder;
  builder.input("x", {1, 4}).output("y");
  builder.node("Relu", {"x"}, {"y"});
  write_file_atomically(path, builder.bytes());
}

TEST(Annotate, sets_and_replaces_metadata_and_leaves_the_rest) {
  const TempDir folder;
  write_model(folder / "a.onnx");
  annotate_model(folder / "a.onnx", folder / "b.onnx", {{"one", "1"}, {"two", "2"}});
  annotate_model(folder / "b.onnx", folder / "b.onnx", {{"two", "zwei"}, {"three", "3"}});
  const auto model = Model::load(folder / "b.onnx");
  EXPECT_EQ(model->metadata(),
            (std::map<std::string, std::string>{{"one", "1"}, {"two", "zwei"}, {"three", "3"}}));
  Executor executor(model);
  const TensorMap out =
      executor.run({{"x", Tensor::from_f32({1, 4}, std::vector<float>{-1, 2, -3, 4})}});
  EXPECT_EQ(out.at("y").data<float>()[1], 2.0f);
  EXPECT_EQ(out.at("y").data<float>()[2], 0.0f);
}

TEST(Annotate, what_is_no_model_is_refused_and_nothing_written) {
  const TempDir folder;
  write_text_atomically(folder / "a.onnx", "not a model");
  EXPECT_THROW(annotate_model(folder / "a.onnx", folder / "b.onnx", {}), Error);
  EXPECT_FALSE(fs::exists(folder / "b.onnx"));
}

}  // namespace
}  // namespace cairn::engine
