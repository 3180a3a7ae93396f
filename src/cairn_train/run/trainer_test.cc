#include "cairn_train/run/trainer.h"

#include <fmt/format.h>

#include <functional>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/engine/model.h"
#include "cairn/image/image.h"
#include "cairn_train/run/testing/colour_world.h"

namespace cairn::run {
namespace {

struct Stop {};  // thrown in the middle of a run, as a kill would end it

using TrainerTest = ColourWorld;

TEST_F(TrainerTest, learns_to_tell_colours_apart_and_writes_a_model_that_says_how_to_use_it) {
  Recipe own = recipe("run");
  own.schedule.epochs = 6;
  own.head.scale = 10;
  own.head.margin = 0;
  train(own);
  // Three batches of six make an epoch's loss jump about, on every processor differently.
  const std::vector<double> loss = curve("run", "train_loss");
  ASSERT_EQ(loss.size(), 6U);
  EXPECT_LT((loss[3] + loss[4] + loss[5]) / 3, 0.75 * loss[0]);
  EXPECT_GT(curve("run", "val_map").back(), 0.8);
  const auto model = engine::Model::load(folder_ / "run/model.onnx");
  EXPECT_EQ(model->metadata().at("cairn.input_size"), "32");
  EXPECT_EQ(model->metadata().at("cairn.mean"), "127.5");
  EXPECT_EQ(model->metadata().at("cairn.labels"), "100,101,102");
  EXPECT_EQ(read_text(folder_ / "run/labels.csv"), "class,landmark_id\n0,100\n1,101\n2,102\n");
}

// Batches of six out of three landmarks: nearly every photo has a partner.
TEST_F(TrainerTest, every_head_and_metric_loss_falls) {
  struct Case {
    std::string name;
    std::function<void(Recipe&)> set;
  };
  const std::vector<Case> cases = {{"cosface", [](Recipe& r) { r.head.type = "cosface"; }},
                                   {"circle",
                                    [](Recipe& r) {
                                      r.head.type = "circle";
                                      r.head.margin = 0.25;
                                      r.head.scale = 30;
                                    }},
                                   {"cosine",
                                    [](Recipe& r) {
                                      r.head.type = "cosine";
                                      r.head.target_smoothing = 0.1;
                                    }},
                                   {"softmax", [](Recipe& r) { r.head.type = "softmax"; }},
                                   {"triplet",
                                    [](Recipe& r) {
                                      r.head.type = "none";
                                      r.triplet.weight = 1;
                                    }},
                                   {"soft_triplet_in_bf16",
                                    [](Recipe& r) {
                                      r.head.type = "none";
                                      r.triplet.weight = 1;
                                      r.triplet.margin = 0;
                                      r.triplet.features = "embedding";
                                      r.precision = "bf16";
                                    }},
                                   {"center", [](Recipe& r) {
                                      r.head.type = "none";
                                      r.center.weight = 0.1;
                                    }}};
  for (const Case& one : cases) {
    Recipe own = recipe(one.name);
    own.model.backbone = "resnet18";
    own.schedule.epochs = 6;
    own.schedule.warmup_epochs = 0;
    own.data.validation_fraction = 0;
    own.head.scale = 10;
    own.head.margin = 0.1;
    one.set(own);
    train(own);
    const std::vector<double> loss = curve(one.name, "train_loss");
    EXPECT_LT((loss[4] + loss[5]) / 2, 0.8 * loss[0]) << one.name;
  }
}

TEST_F(TrainerTest, a_run_with_triplets_and_centres_goes_on_from_its_checkpoint_bit_by_bit) {
  const auto with_metric = [&](const std::string& out) {
    Recipe own = recipe(out);
    own.model.backbone = "resnet18";
    own.optimiser.type = "sgd";
    own.optimiser.bias_lr_factor = 2;
    own.triplet.weight = 1;
    own.center.weight = 5e-4;
    own.checkpoint.steps = 1;
    return own;
  };
  train(with_metric("whole"));
  TrainOptions options;
  options.after_step = [](const Position& position) {
    if (position.steps == 4) throw Stop();
  };
  EXPECT_THROW(train(with_metric("broken"), options), Stop);
  train(with_metric("broken"));
  EXPECT_EQ(bytes("broken/weights.safetensors"), bytes("whole/weights.safetensors"));
}

TEST_F(TrainerTest, bfloat16_comes_close_to_float32) {
  Recipe own = recipe("f32");
  own.schedule.epochs = 1;
  own.size = 64;
  own.optimiser.lr = 1e-6;  // the steps hardly move the weights: rounding alone tells the two apart
  train(own);
  own.out = (folder_ / "bf16").string();
  own.precision = "bf16";
  train(own);
  const double f32 = curve("f32", "train_loss").front();
  const double bf16 = curve("bf16", "train_loss").front();
  EXPECT_NE(bf16, f32);
  EXPECT_NEAR(bf16, f32, 0.05 * f32);
}

TEST_F(TrainerTest, a_stopped_run_goes_on_to_the_same_weights_as_an_unbroken_one) {
  train(recipe("whole"));

  Recipe broken = recipe("broken");
  broken.checkpoint.steps = 2;
  TrainOptions stop_between_checkpoints;
  stop_between_checkpoints.after_step = [](const Position& position) {
    if (position.steps == 5) throw Stop();
  };
  EXPECT_THROW(train(broken, stop_between_checkpoints), Stop);
  EXPECT_FALSE(fs::exists(folder_ / "broken/model.onnx"));
  TrainOptions count;
  int steps = 0;
  count.after_step = [&](const Position&) { ++steps; };
  train(broken, count);
  EXPECT_EQ(steps, 2);  // 6 in all, 4 before the last checkpoint

  for (const char* file : {"weights.safetensors", "model.onnx", "best.safetensors"})
    EXPECT_EQ(bytes(fmt::format("broken/{}", file)), bytes(fmt::format("whole/{}", file))) << file;
  EXPECT_EQ(curve("broken", "train_loss"), curve("whole", "train_loss"));
}

// Stages with every mix, Ranger's slow weights, averaged weights, gradients of several batches.
TEST_F(TrainerTest, a_run_of_stages_stopped_in_each_of_them_ends_in_the_same_weights) {
  const auto of_stages = [&](const std::string& out) {
    Recipe own = recipe(out);
    own.optimiser.type = "ranger";
    own.ema = 0.9;
    own.accumulate = 2;
    own.batch = 3;
    own.mix.chance = 1.0 / 3;
    own.schedule.by = "epoch";
    own.size = 48;
    own.progressive.start = 32;
    own.progressive.step = 16;
    own.data.oversample = "value";
    own.data.oversample_to = 9;
    StageOptions first;
    first.transforms = {"resize", "flip"};
    StageOptions second;
    second.resize = 56;
    second.transforms = {"resize", "random_crop", "dropout"};
    StageOptions third;
    third.mixes = {"fmix", "cutmix", "mixup"};
    own.stages = {first, second, third};
    return own;
  };
  train(of_stages("whole"));
  Recipe broken = of_stages("broken");
  broken.checkpoint.steps = 1;
  std::vector<int64_t> stages_stopped_in;
  for (const int64_t stop_at : {2, 7, 12}) {
    TrainOptions options;
    options.after_step = [&](const Position& position) {
      if (position.steps < stop_at) return;
      stages_stopped_in.push_back(position.epoch);
      throw Stop();
    };
    EXPECT_THROW(train(broken, options), Stop);
  }
  EXPECT_EQ(stages_stopped_in, (std::vector<int64_t>{0, 1, 2}));
  train(broken);
  for (const char* file : {"weights.safetensors", "model.onnx", "best.safetensors"})
    EXPECT_EQ(bytes(fmt::format("broken/{}", file)), bytes(fmt::format("whole/{}", file))) << file;
  EXPECT_EQ(curve("broken", "train_loss"), curve("whole", "train_loss"));
  EXPECT_EQ(curve("whole", "stage"), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(curve("whole", "size"), (std::vector<double>{32, 48, 48}));
  for (int stage = 1; stage <= 3; ++stage) {
    const auto grid = image::read_image(folder_ / fmt::format("whole/samples/stage_{}.png", stage));
    ASSERT_TRUE(grid);
    EXPECT_EQ(grid.value().height, stage == 1 ? 32 : 48);
  }
}

TEST_F(TrainerTest, stops_early_where_the_score_gets_no_better) {
  Recipe own = recipe("run");
  own.schedule.epochs = 8;
  own.optimiser.lr = 0;  // nothing changes but the batch norms' statistics
  own.freeze_batch_norms = true;
  own.early_stop.patience = 2;
  train(own);
  EXPECT_EQ(curve("run", "epoch").size(), 3U);
  train(own);  // a finished run stays as it is
  EXPECT_EQ(curve("run", "epoch").size(), 3U);
}

TEST_F(TrainerTest, a_student_learns_the_answers_of_a_trained_teacher_and_refuses_a_foreign_one) {
  Recipe teacher = recipe("teacher");
  train(teacher);
  Recipe student = recipe("student");
  student.model.backbone = "resnet18";
  student.knowledge.teacher = (folder_ / "teacher/weights.safetensors").string();
  student.knowledge.lambda = 0;
  student.schedule.epochs = 5;
  train(student);
  const std::vector<double> losses = curve("student", "train_loss");
  EXPECT_LT(losses.back(), 0.8 * losses.front());

  std::string table = read_text(folder_ / "world/train/train.csv");
  for (size_t at = table.find(",,100"); at != std::string::npos; at = table.find(",,100"))
    table.replace(at, 5, ",,999");
  write_text_atomically(folder_ / "world/train/train.csv", table);
  Recipe foreign = student;
  foreign.out = (folder_ / "foreign").string();
  EXPECT_THROW(train(foreign), Error);
}

TEST_F(TrainerTest, another_recipe_in_the_same_folder_is_an_error_and_fresh_starts_over) {
  Recipe first = recipe("run");
  first.schedule.epochs = 1;
  first.data.validation_fraction = 0;
  train(first);
  Recipe other = first;
  other.optimiser.lr = 0.5;
  EXPECT_THROW(train(other), Error);
  EXPECT_NO_THROW(train(first));
  other.optimiser.lr = 1e-4;
  const std::vector<uint8_t> before = bytes("run/weights.safetensors");
  TrainOptions fresh;
  fresh.fresh = true;
  train(other, fresh);
  EXPECT_NE(bytes("run/weights.safetensors"), before);
}

TEST_F(TrainerTest, two_runs_in_one_folder_at_once_are_an_error) {
  make_folder(folder_ / "run");
  const FolderLock lock(folder_ / "run");
  EXPECT_THROW(train(recipe("run")), Error);
}

TEST_F(TrainerTest, broken_and_missing_photos_are_listed_and_skipped) {
  write_text_atomically(folder_ / "world/train/p00.jpg", "no photo");
  fs::remove(folder_ / "world/train/p11.jpg");
  Recipe own = recipe("run");
  own.schedule.epochs = 1;
  train(own);
  const std::string skipped = read_text(folder_ / "run/skipped.csv");
  EXPECT_NE(skipped.find("p00,"), std::string::npos) << skipped;
  EXPECT_NE(skipped.find("p11,"), std::string::npos) << skipped;
}

TEST_F(TrainerTest, distillation_needs_no_labels_and_comes_closer_to_its_teacher) {
  torch::manual_seed(3);
  nn::NetOptions options;
  options.embedding_dim = 16;
  options.neck = "fc-bn";
  nn::EmbeddingNet teacher(options);
  teacher.eval();
  nn::export_onnx(teacher, folder_ / "teacher.onnx",
                  {{"cairn.input_size", "32"}, {"cairn.mean", "127.5"}, {"cairn.std", "127.5"}});

  Recipe own = recipe("student");
  own.model.embedding_dim = 8;
  own.head.type = "none";
  own.data.table = "";
  own.data.unlabelled = {"train"};
  own.distill.teacher = (folder_ / "teacher.onnx").string();
  own.optimiser.lr = 3e-3;
  own.schedule.epochs = 6;
  train(own);
  const std::vector<double> losses = curve("student", "train_loss");
  EXPECT_LT(losses.back(), 0.6 * losses.front());
}

}  // namespace
}  // namespace cairn::run
