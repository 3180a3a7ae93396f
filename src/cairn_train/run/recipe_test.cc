#include "cairn_train/run/recipe.h"

#include <cstring>
#include <map>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn_train/loss/center.h"
#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/run/loss_scale.h"
#include "cairn_train/run/parameters.h"
#include "cairn_train/run/rates.h"
#include "cairn_train/run/stages.h"
#include "cairn_train/run/tensorboard.h"

namespace cairn::run {
namespace {

using cairn::testing::TempDir;

bool contains_text(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

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

TEST_F(RecipeTest, a_run_does_not_overwrite_what_it_reads) {
  make_folder(folder_ / "run");
  const std::string weights = write("run/weights.safetensors", "").string();
  const std::string others = write("run/imagenet.pth", "").string();
  write("run/labels.csv", "");
  std::filesystem::create_directory_symlink(folder_ / "run", folder_ / "linked");
  const std::string out = "out=" + (folder_ / "linked").string();
  const std::string root = "data.root=" + folder_.path().string();
  EXPECT_EQ(error_of("init: " + weights, {"data.table=t.csv", "out=other"}), "");
  EXPECT_EQ(error_of("init: " + others, {"data.table=run/t.csv", root, out}), "");
  for (const char* key : {"init: ", "knowledge.teacher: ", "distill.teacher: "})
    EXPECT_TRUE(contains(error_of(key + weights, {"data.table=t.csv", out}),
                         "the run would overwrite '" + weights + "'"))
        << key;
  EXPECT_TRUE(contains(error_of("size: 96", {"data.table=run/labels.csv", root, out}),
                       "run/labels.csv', which it reads; choose another out"));
}

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
  EXPECT_TRUE(contains(error_of("out: x\nhead: {type: triplet}\n"), "arcface, subcenter, cosface"));
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

TEST_F(RecipeTest, a_neck_without_a_linear_layer_keeps_the_backbones_channels) {
  const std::string net = "model: {backbone: efficientnet-b7, embedding_dim: 64, neck: ";
  EXPECT_EQ(parse_recipe(net + "bn}", "test").model.embedding_dim, 2560);
  EXPECT_EQ(parse_recipe(net + "none}", "test").model.embedding_dim, 2560);
  EXPECT_EQ(parse_recipe(net + "fc-bn}", "test").model.embedding_dim, 64);
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

TEST_F(RecipeTest, heads_refuse_keys_that_are_not_theirs) {
  const auto says = [&](const std::string& head, const std::string& part) {
    const std::string error = error_of("out: x\ndata: {table: t.csv}\nhead: " + head + "\n");
    EXPECT_TRUE(contains(error, part)) << error;
  };
  says("{type: cosface, adaptive: true}", "need head.type arcface or subcenter, not cosface");
  says("{type: circle, label_smoothing: 0.1}", "head.target_smoothing");
  says("{type: circle, margin: 1.2}", "from 0 to 1, not 1.2");
  says("{focal_gamma: 2, target_smoothing: 0.1}", "exclude each other");
  says("{target_smoothing: 2}", "a number from 0 to 1");
  says("{type: cosface, scale: 64, margin: 0.35, target_smoothing: 0.1}", "");
  EXPECT_TRUE(contains(error_of("out: x\nhead: {type: softmax}\ndata: {nonlandmark: [n]}\n"),
                       "head of cosines"));
}

TEST_F(RecipeTest, differences_count_only_where_they_change_the_weights) {
  const auto file = write("a.yaml", "out: x\n");
  const Recipe recipe = load_recipe(file, {});
  const std::string saved = portable_recipe_yaml(recipe);
  EXPECT_EQ(recipe_difference(saved, load_recipe(file, {"out=y", "threads=1"})), "");
  EXPECT_EQ(recipe_difference(saved, load_recipe(file, {"schedule.epochs=11"})),
            "schedule.epochs is 10 there and 11 here");
  // A checkpoint from before a key existed.
  const size_t key = saved.find("  target_smoothing:");
  const std::string older = std::string(saved).erase(key, saved.find('\n', key) + 1 - key);
  EXPECT_EQ(recipe_difference(older, recipe), "");
  EXPECT_NE(recipe_difference(older, load_recipe(file, {"head.target_smoothing=0.1"})), "");
}

TEST_F(RecipeTest, stages_are_a_list_that_replaces_the_base_and_can_be_overridden_one_by_one) {
  write("base.yaml", "out: x\nstages:\n  - {epochs: 3}\n  - {epochs: 4}\n  - {epochs: 5}\n");
  const auto file = write("own.yaml",
                          "base: base.yaml\nsize: 64\nstages:\n  - epochs: 1\n    mixes: "
                          "[cutmix]\n  - {resize: 80, transforms: [random_crop]}\n");
  const Recipe recipe = load_recipe(file, {"stages.1.epochs=7"});
  ASSERT_EQ(recipe.stages.size(), 2U);
  EXPECT_EQ(recipe.stages[0].mixes, std::vector<std::string>{"cutmix"});
  EXPECT_EQ(total_epochs(recipe), 8);
  const EpochPlan plan = plan_epoch(recipe, 1);
  EXPECT_EQ(plan.stage, 1U);
  EXPECT_TRUE(plan.first_of_stage);
  EXPECT_EQ(plan.view.crop, data::Crop::kWindow);
  EXPECT_EQ(plan.view.resize, 80);
  EXPECT_EQ(load_recipe(file, {"stages=[]"}).stages.size(), 0U);
  EXPECT_EQ(load_recipe(file, {"stages=[{epochs: 2}]"}).stages.size(), 1U);
  const std::string printed = recipe_yaml(recipe);
  EXPECT_EQ(recipe_yaml(load_recipe(write("again.yaml", printed), {})), printed);
}

TEST_F(RecipeTest, impossible_stages_say_which_and_what_is_allowed) {
  const std::string start = "out: x\nsize: 64\nstages:\n  - {epochs: 1}\n  - ";
  const auto says = [&](const std::string& stage, const std::string& part) {
    const std::string error = error_of(start + stage + "\n");
    EXPECT_TRUE(contains(error, part)) << error;
  };
  says("{resize: 32, transforms: [random_crop]}", "stages.1.resize is 32, below");
  says("{transforms: [random_crop, random_resized_crop]}", "exclude each other");
  says("{resize: 80, transforms: [flip]}", "needs random_crop");
  says("{epochs: 0}", "stages.1.epochs must be a whole number from 1");
  says("{mixes: [cutout]}", "a list of cutmix, mixup, fmix");
  says("{mixes: [cutmix, cutmix]}", "at most once");
  says("{epoch: 1}", "unknown key 'stages.1.epoch'; allowed: stages.");
  EXPECT_TRUE(contains(error_of("out: x\nstages: 5\n"), "must be a list of maps"));
  EXPECT_TRUE(contains(error_of(start + "{epochs: 2}\n", {"stages.5.epochs=1"}), "stages.5"));
  EXPECT_TRUE(contains(error_of(start + "{mixes: [cutmix, mixup]}\nmix: {chance: 0.6}\n"),
                       "more than all batches"));
  EXPECT_TRUE(contains(error_of("out: x\ninit: none.safetensors\n"), "does not exist"));
  EXPECT_TRUE(contains(error_of("out: x\nprecision: f16\ndevice: cpu\n"), "needs device cuda"));
}

TEST_F(RecipeTest, samplers_refuse_what_they_cannot_draw) {
  EXPECT_TRUE(contains(error_of("out: x\nsampler: {type: gld}\n"), "shuffle, identity, image"));
  EXPECT_TRUE(contains(error_of("out: x\nbatch: 30\nsampler: {type: identity}\n"),
                       "batch 30 is no multiple"));
  EXPECT_TRUE(contains(error_of("out: x\nsampler: {type: image, epoch_photos: 5}\n"),
                       "sampler.epoch_photos is for"));
  EXPECT_TRUE(
      contains(error_of("out: x\nsampler: {type: continent}\ndata: {nonlandmark: [other]}\n"),
               "photos of landmarks alone"));
  const Recipe recipe = load_recipe(
      write("a.yaml",
            "out: x\nsampler: {type: continent, continents: {asia: 0.4, north_america: 0.2}}\n"),
      {});
  EXPECT_EQ(recipe.sampler.continents[0], 0.4);
  EXPECT_EQ(recipe.sampler.continents[3], 0.2);
  EXPECT_EQ(recipe.sampler.continents[1], 0.2);  // Europe's default
}

TEST_F(RecipeTest, transforms_become_what_views_do) {
  const Recipe recipe = load_recipe(
      write("a.yaml",
            "out: x\nsize: 64\naugment: {pad: 5, erasing_area: [0.02, 0.3]}\nstages:\n"
            "  - {transforms: [flip, pad_crop, erasing, augmix, patch]}\n"
            "  - {transforms: [detection_crop, detection_colour, affine, perspective]}\n"),
      {});
  const data::ViewOptions first = plan_epoch(recipe, 0).view;
  EXPECT_EQ(first.crop, data::Crop::kPadded);
  EXPECT_EQ(first.augment.pad, 5);
  EXPECT_TRUE(first.erasing && first.augmix && first.patch && !first.affine);
  const data::ViewOptions second = plan_epoch(recipe, 1).view;
  EXPECT_EQ(second.crop, data::Crop::kDetection);
  EXPECT_TRUE(second.detection_colour && second.affine && second.perspective && !second.erasing);
  EXPECT_TRUE(contains(error_of("out: x\nstages: [{transforms: [pad_crop, random_crop]}]\n"),
                       "exclude each other"));
}

TEST_F(RecipeTest, rates_follow_the_warm_up_and_the_cosine_by_step_or_by_epoch) {
  Recipe recipe;
  recipe.schedule.epochs = 15;
  recipe.schedule.cosine_epochs = 12;
  recipe.optimiser.lr = 1;
  recipe.schedule.min_lr = 0.1;
  const RatePlan by_step(recipe, 10);
  EXPECT_NEAR(by_step.at(0, 4), 0.5, 1e-9);
  EXPECT_NEAR(by_step.at(1, 0), 1, 1e-9);
  EXPECT_NEAR(by_step.at(7, 0), 0.55, 1e-9);  // half of the cosine
  EXPECT_NEAR(by_step.at(13, 0), 0.1, 1e-9);
  EXPECT_NEAR(by_step.at(14, 9), 0.1, 1e-9);
  recipe.schedule.by = "epoch";
  const RatePlan by_epoch(recipe, 10);
  EXPECT_NEAR(by_epoch.at(0, 9), 1, 1e-9);
  EXPECT_NEAR(by_epoch.at(7, 3), 0.55, 1e-9);
  recipe.schedule.type = "vt";
  const RatePlan reference(recipe, 10);
  EXPECT_NEAR(reference.at(0, 0), 0.1, 1e-9);
  EXPECT_NEAR(reference.at(1, 0), 1, 1e-9);
  EXPECT_NEAR(reference.at(2, 0), 1, 1e-9);  // the warm-up's target, twice
  EXPECT_LT(reference.at(3, 0), 1);
}

// The rates of a recipe with eight steps an epoch, against the first group of a golden sequence.
void expect_sequence(const Recipe& recipe, const std::string& name) {
  const auto golden = cairn::testing::golden_case("optim/lr_schedules");
  const auto sequence = golden.json("sequences.json")[name];
  const RatePlan plan(recipe, 8);
  ASSERT_EQ(sequence["used"].size(), 8U * static_cast<size_t>(recipe.schedule.epochs));
  for (size_t i = 0; i < sequence["used"].size(); ++i) {
    const double reference = sequence["used"][i][0];
    EXPECT_NEAR(plan.at(static_cast<int64_t>(i / 8), static_cast<int64_t>(i % 8)), reference,
                1e-6 * reference)
        << name << " " << i;
  }
}

TEST_F(RecipeTest, keys_reach_the_schedules_of_the_wz_reference) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto file = write("a.yaml", "out: x\ndata: {table: t.csv}\noptimiser: {lr: 0.08}\n");
  expect_sequence(load_recipe(file, {"schedule={type: wz, min_lr: 1.6e-4}"}),
                  "wz_cosine_10ep_warm1");
  expect_sequence(load_recipe(file, {"optimiser.lr=0.008",
                                     "schedule={type: wz, epochs: 6, warmup_epochs: 0, min_lr: "
                                     "1.6e-5}"}),
                  "wz_cosine_6ep_warm0");
  expect_sequence(load_recipe(file, {"schedule={type: multistep, milestones: [5, 8.75], "
                                     "warmup_epochs: 0.625}"}),
                  "wz_multistep_linear");
  expect_sequence(load_recipe(file, {"schedule={type: multistep, milestones: [1.25, 2.5], "
                                     "warmup: constant, warmup_factor: 0.3333333333333333, "
                                     "warmup_epochs: 0.625}"}),
                  "wz_multistep_constant");
}

TEST_F(RecipeTest, metric_losses_and_schedules_refuse_what_cannot_be) {
  const auto says = [&](const std::string& keys, const std::string& part) {
    const std::string error = error_of("out: x\n" + keys + "\n");
    EXPECT_TRUE(contains(error, part)) << error;
  };
  says("head: {type: none}\ntriplet: {weight: 1}\ndata: {table: ''}", "need labels");
  says("triplet: {margin: -0.1}", "triplet.margin must be a number from 0");
  says("triplet: {hard_factor: 1.5}", "triplet.hard_factor must be a number from 0 to 1");
  says("triplet: {features: pooled}", "one of before_bn, embedding");
  says("center: {lr: 0}", "center.lr must be a number from");
  says("optimiser: {bias_lr_factor: -1}", "optimiser.bias_lr_factor must be a number from 0");
  says("schedule: {type: multistep}", "needs schedule.milestones");
  says("schedule: {milestones: [4, 4]}", "a list of growing numbers");
  says("schedule: {milestones: [4, x]}", "a list of growing numbers");
  says("schedule: {warmup: quick}", "one of linear, constant");
  EXPECT_EQ(error_of("out: x\nhead: {type: none}\ntriplet: {weight: 1}\ndata: {table: t.csv}\n"),
            "");
}

TEST(Parameters, biases_the_head_and_the_centres_have_rates_of_their_own) {
  Recipe recipe;
  recipe.model.backbone = "resnet18";
  recipe.model.embedding_dim = 8;
  recipe.optimiser.head_lr_factor = 3;
  recipe.optimiser.bias_lr_factor = 2;
  recipe.optimiser.bias_weight_decay = 0.25;
  recipe.center.lr = 0.4;
  const nn::EmbeddingNet net(recipe.model);
  loss::CosineHead head(8, 3);
  head.register_module("center", std::make_shared<loss::CenterLoss>(3, 8));
  std::map<std::string, optim::TrainedParameter> by_name;
  for (const auto& parameter : trained_parameters(recipe, net, &head))
    by_name[parameter.name] = parameter;
  EXPECT_EQ(by_name.at("net.neck.0.bias").lr_factor, 2);
  EXPECT_EQ(by_name.at("net.neck.0.bias").weight_decay, 0.25);
  EXPECT_EQ(by_name.at("net.neck.0.weight").lr_factor, 1);
  EXPECT_EQ(by_name.at("net.neck.0.weight").weight_decay, std::nullopt);
  EXPECT_EQ(by_name.at("head.weight").lr_factor, 3);
  EXPECT_EQ(by_name.at("head.weight").own_lr, 0);
  EXPECT_EQ(by_name.at("head.center.weight").own_lr, 0.4);
}

TEST(LossScale, is_halved_by_an_overflow_and_doubled_after_a_long_calm) {
  LossScale scale(true);
  const double start = scale.scale();
  scale.update(false);
  EXPECT_EQ(scale.scale(), start / 2);
  for (int i = 0; i < 2000; ++i) scale.update(true);
  EXPECT_EQ(scale.scale(), start);
  LossScale off(false);
  off.update(false);
  EXPECT_EQ(off.scale(), 1);
}

TEST(EventWriter, writes_records_with_checksums_that_say_what_was_logged) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  const TempDir folder;
  {
    EventWriter writer(folder.path(), 5);
    writer.scalar("train/loss", 7, 0.25);
    writer.flush();
  }
  const auto file = std::filesystem::directory_iterator(folder.path())->path();
  EXPECT_TRUE(file.filename().string().starts_with("events.out.tfevents.")) << file;
  const std::string bytes = read_text(file);
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length = 0;
    std::memcpy(&length, &bytes[at], 8);
    ASSERT_LE(at + length + 16, bytes.size());
    records.push_back(bytes.substr(at + 12, length));
    uint32_t stored = 0;
    std::memcpy(&stored, &bytes[at + 12 + length], 4);
    const uint32_t crc = crc32c(records.back());
    EXPECT_EQ(stored, ((crc >> 15) | (crc << 17)) + 0xa282ead8U);
    at += length + 16;
  }
  ASSERT_EQ(records.size(), 3U);
  EXPECT_TRUE(contains_text(records[0], "brain.Event:2"));
  EXPECT_TRUE(contains_text(records[2], "train/loss"));
  // step 7 as field 2, and 0.25 as field 2 of the value
  EXPECT_EQ(records[2][9], 0x10);
  EXPECT_EQ(records[2][10], 7);
  EXPECT_TRUE(records[2].ends_with(std::string("\x15\x00\x00\x80\x3e", 5)));
}

}  // namespace
}  // namespace cairn::run
