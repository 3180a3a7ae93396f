// Every recipe and pipeline below configs/ loads, and the chains of configs/gldv2 are those of the
// 2nd place solution to Google Landmark Retrieval 2021.
#include <gtest/gtest.h>

#include <set>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn_train/run/pipeline.h"

namespace cairn::run {
namespace {

const fs::path kConfigs = fs::path(CAIRN_SOURCE_DIR) / "configs";

// A working folder with what recipes start from or learn from.
class ShippedRecipes : public ::testing::Test {
 protected:
  ShippedRecipes() {
    make_folder(folder_ / "work");
    fs::current_path(folder_ / "work");
    for (const char* file : {"models/starter.safetensors", "runs/distilled/weights.safetensors",
                             "runs/b0/weights.safetensors", "build/starter/1/weights.safetensors",
                             "build/starter/2/weights.safetensors", "models/their.onnx",
                             "../shared/models/mobilenet_v2_imagenet.onnx"}) {
      make_folder(fs::path(file).parent_path());
      write_text_atomically(file, "");
    }
  }
  ~ShippedRecipes() override { fs::current_path(before_); }

 private:
  const fs::path before_ = fs::current_path();
  testing::TempDir folder_;
};

TEST_F(ShippedRecipes, load) {
  int recipes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kConfigs)) {
    const fs::path& file = entry.path();
    if (file.extension() != ".yaml" || file.filename() == "pipeline.yaml") continue;
    std::vector<std::string> overrides = {"out=run"};
    // The one recipe that asks for a teacher on the command line.
    if (file == kConfigs / "distill.yaml")
      overrides.emplace_back("distill.teacher=models/their.onnx");
    EXPECT_NO_THROW(load_recipe(file, overrides)) << file;
    ++recipes;
  }
  EXPECT_GE(recipes, 40);
}

TEST_F(ShippedRecipes, of_the_retrieval_solution_chain_its_four_stages) {
  std::set<std::string> backbones;
  for (const char* network : {"R50_256", "RXt101ibn", "SER101ibn", "ResNeSt101", "ResNeSt269"}) {
    SCOPED_TRACE(network);
    const Pipeline pipeline = load_pipeline(kConfigs / "gldv2" / network / "pipeline.yaml", {});
    ASSERT_EQ(pipeline.stages.size(), 4U);
    EXPECT_EQ(pipeline.out, fs::path("runs") / network);
    const std::vector<std::string> lists = {"clean", "c2x", "full", "all"};
    for (size_t i = 0; i < 4; ++i) {
      const Recipe& recipe = pipeline.stages[i].recipe;
      SCOPED_TRACE(pipeline.stages[i].name);
      EXPECT_EQ(recipe.data.table, "lists/" + lists[i] + ".csv");
      EXPECT_EQ(recipe.sampler.type, i == 3 ? "continent" : "shuffle");
      EXPECT_EQ(recipe.head.carry_over, i > 0);
      EXPECT_EQ(recipe.init.empty(), i == 0);
      EXPECT_EQ(recipe.schedule.warmup_epochs, i == 0 ? 1 : 0);
      EXPECT_DOUBLE_EQ(recipe.schedule.min_lr, 0.002 * recipe.optimiser.lr);
      EXPECT_EQ(recipe.batch % 8, 0);
      EXPECT_EQ(recipe.model.backbone, pipeline.stages[0].recipe.model.backbone);
      EXPECT_EQ(recipe.model.last_stride, 1);
      EXPECT_FALSE(recipe.model.gem_trainable || recipe.model.neck_bias);
    }
    backbones.insert(pipeline.stages[0].recipe.model.backbone);
  }
  EXPECT_EQ(backbones.size(), 5U);
}

TEST_F(ShippedRecipes, start_stages_of_their_own_from_a_checkpoint_with_its_classifier) {
  const Recipe recipe = load_recipe(kConfigs / "gldv2/SER101ibn/512_finetune.yaml",
                                    {"out=run", "init=runs/b0/weights.safetensors"});
  EXPECT_TRUE(recipe.head.carry_over);
}

}  // namespace
}  // namespace cairn::run
