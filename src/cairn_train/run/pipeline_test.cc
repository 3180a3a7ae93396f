#include "cairn_train/run/pipeline.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/random.h"
#include "cairn/base/testing/errors.h"
#include "cairn/base/testing/testing.h"
#include "cairn/image/image.h"
#include "cairn_train/nn/safetensors.h"

namespace cairn::run {
namespace {

using cairn::testing::error_of;

struct Stop {};  // thrown in the middle of a run, as a kill would end it

constexpr int kPhotosALandmark = 4;
constexpr int kStepsAStage = 2;

// A world of four landmarks, photos of one colour with noise; clean.csv knows two of them.
class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() {
    const std::string header = "id,url,landmark_id\n";
    std::string all = header;
    std::string clean = header;
    make_folder(folder_ / "world/train");
    for (const int landmark : {104, 103, 102, 101}) {
      for (int i = 0; i < kPhotosALandmark; ++i) {
        const std::string id = fmt::format("p{}{}", landmark, i);
        write_file_atomically(folder_ / "world/train" / (id + ".jpg"),
                              image::encode_jpeg(photo(landmark, i), 90));
        const std::string line = fmt::format("{},,{}\n", id, landmark);
        all += line;
        if (landmark == 102 || landmark == 104) clean += line;
      }
    }
    write_text_atomically(folder_ / "world/train/all.csv", all);
    write_text_atomically(folder_ / "world/train/clean.csv", clean);
    write_text_atomically(folder_ / "base.yaml", fmt::format(R"(
size: 32
batch: 4
threads: 1
data: {{root: {}, validation_fraction: 0}}
model: {{embedding_dim: 8, neck: fc-bn}}
schedule: {{epochs: 1, warmup_epochs: 0}}
checkpoint: {{minutes: 0}}
)",
                                                             (folder_ / "world").string()));
    write_recipe("first", "clean.csv", 1e-3);
    write_recipe("second", "all.csv", 1e-4);
    write_recipe("third", "all.csv", 1e-5);
  }

  static image::Image photo(int landmark, int number) {
    image::Image photo{32, 32, std::vector<uint8_t>(size_t{32} * 32 * 3)};
    Rng random = Rng::for_stream(5, static_cast<uint64_t>(landmark), static_cast<uint64_t>(number));
    for (size_t p = 0; p < photo.pixels.size(); ++p) {
      const int level = static_cast<int>(p % 3) == landmark % 4 ? 200 : 60;
      photo.pixels[p] = static_cast<uint8_t>(level + static_cast<int>(random.below(50)) - 25);
    }
    return photo;
  }

  void write_recipe(const std::string& name, const std::string& table, double lr) const {
    write_text_atomically(
        folder_ / (name + ".yaml"),
        fmt::format("base: base.yaml\ndata: {{table: train/{}}}\noptimiser: {{lr: "
                    "{}}}\n",
                    table, lr));
  }

  Pipeline chain(const std::string& out, std::vector<std::string> overrides = {}) const {
    overrides.push_back("out=" + (folder_ / out).string());
    return chain_recipes({folder_ / "first.yaml", folder_ / "second.yaml", folder_ / "third.yaml"},
                         overrides);
  }

  void expect_same(const std::string& a, const std::string& b) const {
    const nn::Safetensors of_a = nn::load_safetensors(folder_ / a / "weights.safetensors");
    const nn::Safetensors of_b = nn::load_safetensors(folder_ / b / "weights.safetensors");
    ASSERT_EQ(of_a.tensors.size(), of_b.tensors.size());
    for (size_t i = 0; i < of_a.tensors.size(); ++i)
      EXPECT_TRUE(torch::equal(of_a.tensors[i].second, of_b.tensors[i].second))
          << of_a.tensors[i].first;
  }

  torch::Tensor head(const std::string& run) const {
    for (const auto& [key, tensor] :
         nn::load_safetensors(folder_ / run / "weights.safetensors").tensors)
      if (key == "head.weight") return tensor;
    return {};
  }

  testing::TempDir folder_;
};

TEST_F(PipelineTest, a_chain_killed_in_each_stage_ends_in_the_weights_of_an_unbroken_one) {
  run_pipeline(chain("whole"));
  for (const int stop_after : {1, 2, 4}) {  // once a step before that is checkpointed
    int steps = 0;
    TrainOptions options;
    options.after_step = [&](const Position&) {
      if (++steps == stop_after) throw Stop();
    };
    EXPECT_THROW(run_pipeline(chain("broken", {"checkpoint.steps=1"}), options), Stop);
  }
  EXPECT_TRUE(fs::exists(folder_ / "broken/1-first/model.onnx"));
  EXPECT_FALSE(fs::exists(folder_ / "broken/3-third/model.onnx"));
  run_pipeline(chain("broken"));
  for (const char* stage : {"1-first", "2-second", "3-third"})
    expect_same(fmt::format("whole/{}", stage), fmt::format("broken/{}", stage));
}

TEST_F(PipelineTest, finished_stages_are_passed_over) {
  run_pipeline(chain("run"));
  int steps = 0;
  TrainOptions options;
  options.after_step = [&](const Position&) { ++steps; };
  fs::remove_all(folder_ / "run/3-third");
  run_pipeline(chain("run"), options);
  EXPECT_EQ(steps, 2 * kStepsAStage);  // twice the photos of the first stage
  run_pipeline(chain("run"), options);
  EXPECT_EQ(steps, 2 * kStepsAStage);
  options.fresh = true;
  run_pipeline(chain("run"), options);
  EXPECT_EQ(steps, 7 * kStepsAStage);
}

TEST_F(PipelineTest, a_landmark_keeps_its_centre_where_classes_are_added_and_move) {
  run_pipeline(chain("run", {"optimiser.lr=0"}));
  const torch::Tensor two = head("run/1-first");
  const torch::Tensor four = head("run/2-second");
  ASSERT_EQ(two.sizes(), (std::vector<int64_t>{2, 8}));
  ASSERT_EQ(four.sizes(), (std::vector<int64_t>{4, 8}));
  const auto classes = [&](const std::string& run) {
    return nn::load_safetensors(folder_ / run / "weights.safetensors").metadata.at("cairn.labels");
  };
  EXPECT_EQ(classes("run/1-first"), "102,104");
  EXPECT_EQ(classes("run/2-second"), "101,102,103,104");
  EXPECT_TRUE(torch::equal(four[1], two[0]));
  EXPECT_TRUE(torch::equal(four[3], two[1]));
  EXPECT_FALSE(torch::equal(four[0], two[0]));
  EXPECT_TRUE(torch::equal(head("run/3-third"), four));

  run_pipeline(chain("other", {"optimiser.lr=0", "head.carry_over=false"}));
  EXPECT_FALSE(torch::equal(head("other/2-second")[1], head("other/1-first")[0]));
}

TEST_F(PipelineTest, changed_recipes_and_exchanged_weights_are_refused) {
  run_pipeline(chain("run"));
  EXPECT_NE(error_of([&] {
              run_pipeline(chain("run", {"optimiser.lr=0.5"}));
            }).find("1-first holds a finished stage of another recipe (optimiser.lr"),
            std::string::npos);
  write_recipe("third", "all.csv", 0.5);
  const std::string error = error_of([&] { run_pipeline(chain("run")); });
  EXPECT_NE(error.find("3-third holds a finished stage of another recipe"), std::string::npos)
      << error;
  write_recipe("third", "all.csv", 1e-5);
  fs::copy_file(folder_ / "run/3-third/weights.safetensors",
                folder_ / "run/2-second/weights.safetensors", fs::copy_options::overwrite_existing);
  EXPECT_NE(error_of([&] { run_pipeline(chain("run")); }), "");
}

TEST_F(PipelineTest, a_file_describes_the_same_chain) {
  write_text_atomically(folder_ / "pipeline.yaml", fmt::format(R"(
out: {}
overrides: [schedule.epochs=2, batch=8]
stages:
  - recipe: first.yaml
  - {{recipe: second.yaml, overrides: [schedule.epochs=3]}}
)",
                                                               (folder_ / "run").string()));
  const Pipeline pipeline = load_pipeline(folder_ / "pipeline.yaml", {"batch=6"});
  ASSERT_EQ(pipeline.stages.size(), 2U);
  EXPECT_EQ(pipeline.out, folder_ / "run");
  EXPECT_EQ(pipeline.stages[0].recipe.schedule.epochs, 2);
  EXPECT_EQ(pipeline.stages[1].recipe.schedule.epochs, 3);
  EXPECT_EQ(pipeline.stages[1].recipe.batch, 6);
  EXPECT_EQ(pipeline.stages[1].recipe.out, (folder_ / "run/2-second").string());
  EXPECT_EQ(pipeline.stages[1].recipe.init, (folder_ / "run/1-first/weights.safetensors").string());
  EXPECT_FALSE(pipeline.stages[0].recipe.head.carry_over);
  EXPECT_TRUE(pipeline.stages[1].recipe.head.carry_over);

  const std::string text = describe_pipeline(pipeline);
  EXPECT_NE(text.find("# stage 1-first: to run"), std::string::npos);
  EXPECT_NE(text.find("# stage 2-second: to run, from"), std::string::npos);
  EXPECT_NE(text.find("landmarks   4"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

TEST_F(PipelineTest, wrong_pipelines_are_refused_with_file_and_key) {
  const auto error_with = [&](const std::string& text) {
    write_text_atomically(folder_ / "wrong.yaml", text);
    return error_of([&] { load_pipeline(folder_ / "wrong.yaml", {"out=x"}); });
  };
  EXPECT_NE(error_with("stages: [{recipe: none.yaml}]").find("none.yaml"), std::string::npos);
  EXPECT_NE(error_with("stages: []").find("wrong.yaml"), std::string::npos);
  EXPECT_NE(error_with("a list").find("wrong.yaml"), std::string::npos);
  EXPECT_NE(error_with("stages: [first.yaml]").find("wrong.yaml:1"), std::string::npos);
  EXPECT_NE(error_with("stages: [{recipe: first.yaml, epochs: 3}]").find("'epochs'"),
            std::string::npos);
  EXPECT_NE(error_with("stage: 1\nstages: [{recipe: first.yaml}]").find("wrong.yaml:1"),
            std::string::npos);
  EXPECT_NE(error_with("stages: [{recipe: first.yaml, overrides: batch=3}]").find("a list"),
            std::string::npos);
  EXPECT_NE(error_with("stages: [{recipe: first.yaml, overrides: [bath=3]}]").find("'bath'"),
            std::string::npos);
  EXPECT_NE(error_with("stages: [{recipe").find("YAML"), std::string::npos);
}

}  // namespace
}  // namespace cairn::run
