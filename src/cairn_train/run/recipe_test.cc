#include "cairn_train/run/recipe.h"

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::run {
namespace {

using cairn::testing::TempDir;

class RecipeTest : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& text) {
    write_text_atomically(folder_ / name, text);
    return folder_ / name;
  }
  // The message of the Error that loading throws, or "" where it throws none.
  std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
      load_recipe(write("bad.yaml", text), overrides);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  TempDir folder_;
};

TEST_F(RecipeTest, keys_of_the_file_go_over_its_base_and_overrides_over_both) {
  make_folder(folder_ / "shared");
  write("shared/base.yaml", "size: 96\nbatch: 8\nschedule: {epochs: 3, warmup_epochs: 0.5}\n");
  const auto file = write("own.yaml", "base: shared/base.yaml\nbatch: 16\nout: run\n");
  const Recipe recipe = load_recipe(file, {"schedule.epochs=7", "augment.scale=[0.5, 0.9]"});
  EXPECT_EQ(recipe.size, 96);
  EXPECT_EQ(recipe.batch, 16);
  EXPECT_EQ(recipe.schedule.epochs, 7);
  EXPECT_EQ(recipe.schedule.warmup_epochs, 0.5);
  EXPECT_EQ(recipe.augment.scale[0], 0.5);
  EXPECT_EQ(recipe.augment.scale[1], 0.9);
}

TEST_F(RecipeTest, printed_recipe_reads_back_as_the_same_recipe) {
  const auto file =
      write("a.yaml",
            "out: 'runs/a: \"b\"'\nmean: [1, 2.5, 3]\nhead: {type: subcenter, "
            "ramp: [0.1, 0.6]}\noptimiser: {lr: 1e-3}\ndata: {unlabelled: [x, 'y z']}\n");
  const std::string printed = recipe_yaml(load_recipe(file, {}));
  EXPECT_EQ(recipe_yaml(load_recipe(write("b.yaml", printed), {})), printed);
}

TEST_F(RecipeTest, unknown_keys_are_named_with_file_line_and_what_is_allowed) {
  const std::string error = error_of("out: x\noptimiser:\n  lrr: 1\n");
  EXPECT_TRUE(contains(error, "bad.yaml:3")) << error;
  EXPECT_TRUE(contains(error, "'optimiser.lrr'")) << error;
  EXPECT_TRUE(contains(error, "optimiser.lr,")) << error;
  EXPECT_TRUE(contains(error_of("out: x\nschedul: {epochs: 1}\n"), "schedule"));
}

TEST_F(RecipeTest, wrong_types_and_values_out_of_range_say_what_is_allowed) {
  EXPECT_TRUE(contains(error_of("out: x\nbatch: many\n"), "batch must be a whole number from 2"));
  EXPECT_TRUE(contains(error_of("out: x\nbatch: 1.5\n"), "not '1.5'"));
  EXPECT_TRUE(contains(error_of("out: x\naugment: {flip: 2}\n"), "a number from 0 to 1"));
  EXPECT_TRUE(contains(error_of("out: x\nhead: {type: softmax}\n"), "arcface, subcenter, none"));
  EXPECT_TRUE(contains(error_of("out: x\naugment: {scale: [0.9, 0.2]}\n"), "low ≤ high"));
  EXPECT_TRUE(contains(error_of("out: x\nmean: [1, 2]\n"), "one number or three"));
  EXPECT_TRUE(contains(error_of("out: x\n", {"size=big"}), "the command line: size must be"));
}

TEST_F(RecipeTest, malformed_files_are_errors_in_one_line) {
  EXPECT_TRUE(contains(error_of("out: [x\n"), "not valid YAML"));
  EXPECT_TRUE(contains(error_of("- a\n- b\n"), "map of keys"));
  EXPECT_TRUE(contains(error_of("out: x\nbatch: 4\nbatch: 8\n"), "given twice"));
  EXPECT_TRUE(contains(error_of("size: 64\n"), "'out'"));
  EXPECT_TRUE(contains(error_of("out: x\n", {"size"}), "key=value"));
  EXPECT_THROW(load_recipe(folder_ / "none.yaml", {}), Error);
}

TEST_F(RecipeTest, a_circle_of_bases_is_an_error) {
  write("a.yaml", "base: b.yaml\n");
  write("b.yaml", "base: a.yaml\n");
  EXPECT_THROW(load_recipe(folder_ / "a.yaml", {"out=x"}), Error);
}

TEST_F(RecipeTest, a_recipe_with_nothing_to_learn_is_an_error) {
  EXPECT_TRUE(contains(error_of("out: x\nhead: {type: none}\n"), "nothing to learn"));
  EXPECT_TRUE(contains(error_of("out: x\ndata: {table: ''}\n"), "needs labels"));
}

TEST_F(RecipeTest, differences_count_only_where_they_change_the_weights) {
  const auto file = write("a.yaml", "out: x\n");
  const Recipe recipe = load_recipe(file, {});
  const std::string saved = portable_recipe_yaml(recipe);
  EXPECT_EQ(recipe_difference(saved, load_recipe(file, {"out=y", "threads=1"})), "");
  EXPECT_EQ(recipe_difference(saved, load_recipe(file, {"schedule.epochs=11"})),
            "schedule.epochs is 10 there and 11 here");
}

}  // namespace
}  // namespace cairn::run
