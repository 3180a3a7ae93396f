#include "cairn_train/nn/safetensors.h"
#include "cairn_train/run/distributed/testing/processes.h"
#include "cairn_train/run/pipeline.h"
#include "cairn_train/run/testing/colour_world.h"
#include "cairn_train/run/trainer.h"

namespace cairn::run {
namespace {

// Whole runs by several processes, against one.
class DistributedTrainingTest : public ColourWorld {
 protected:
  Recipe small(const std::string& out) const {
    Recipe own = recipe(out);
    own.model.backbone = "resnet18";
    own.optimiser.type = "sgd";
    own.optimiser.lr = 0.02;
    own.freeze_batch_norms = true;
    own.head.scale = 8;
    own.head.margin = 0.1;
    return own;
  }

  static void train_by(int world, const Recipe& recipe) {
    const auto codes = testing::run_ranks(world, [&](const Ranks& ranks) {
      TrainOptions options;
      options.ranks = &ranks;
      train(recipe, options);
    });
    EXPECT_EQ(codes, std::vector<int>(static_cast<size_t>(world), testing::kDone));
  }

  // The largest difference of any weight of the network, its statistics and its head.
  double difference(const std::string& a, const std::string& b) const {
    const nn::NamedTensors one = weights(a);
    const nn::NamedTensors other = weights(b);
    EXPECT_EQ(one.size(), other.size());
    double most = 0;
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(one[i].first, other[i].first);
      most = std::max(most, (one[i].second - other[i].second).abs().max().item<double>());
    }
    return most;
  }

  // One process and `world` of them reach the same weights, scores and losses, which are others
  // than those at the start.
  void expect_same(Recipe recipe, int world = 2) {
    recipe.out = (folder_ / "one").string();
    train_by(1, recipe);
    recipe.out = (folder_ / "several").string();
    train_by(world, recipe);
    recipe.out = (folder_ / "start").string();
    recipe.schedule.epochs = 0;
    recipe.stages.clear();
    train_by(1, recipe);
    EXPECT_LT(difference("one", "several"), 1e-5);
    EXPECT_GT(difference("one", "start"), 1e-3);
    for (const char* column : {"train_loss", "val_loss", "val_map", "val_gap"}) {
      const std::vector<double> one = curve("one", column);
      const std::vector<double> several = curve("several", column);
      ASSERT_EQ(one.size(), several.size());
      for (size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], several[i], 2e-4) << column;
    }
    EXPECT_TRUE(fs::exists(folder_ / "several/model.onnx"));
  }

  nn::NamedTensors weights(const std::string& out) const {
    return nn::load_safetensors(folder_ / out / "weights.safetensors").tensors;
  }
};

TEST_F(DistributedTrainingTest, frozen_batch_norms_give_the_weights_of_one_process) {
  expect_same(small(""));
}

TEST_F(DistributedTrainingTest, parameters_that_are_not_trained_stay) {
  Recipe own = small("");
  own.model.frozen_stages = 1;
  own.model.neck = "fc-bn";
  own.model.neck_bias = false;
  expect_same(own);
  const auto first_layer = [&](const std::string& out) {
    for (const auto& [name, tensor] : weights(out))
      if (name == "backbone.net.conv1.weight") return tensor;
    return torch::Tensor();
  };
  EXPECT_TRUE(torch::equal(first_layer("several"), first_layer("start")));
}

// The ranks' batch norms differ until rank 0's hold for all, those of the average too: its scores
// are those of the weights that it writes.
TEST_F(DistributedTrainingTest, local_batch_norms_are_scored_as_they_are_written) {
  Recipe own = small("local");
  own.freeze_batch_norms = false;
  own.distributed.batch_norm = "local";
  own.ema = 0.5;
  own.batch = 6;
  train_by(2, own);
  Recipe scored = own;
  scored.out = (folder_ / "scored").string();
  scored.init = (folder_ / "local/weights.safetensors").string();
  scored.head.carry_over = true;
  scored.optimiser.lr = 1e-30;
  scored.ema = 0;
  scored.freeze_batch_norms = true;
  scored.schedule.epochs = 1;
  scored.stages.clear();
  train_by(1, scored);
  EXPECT_NEAR(curve("local", "val_loss").back(), curve("scored", "val_loss").back(), 2e-4);
}

TEST_F(DistributedTrainingTest, synchronised_batch_norms_give_the_weights_of_one_process) {
  // Few steps at a low rate: statistics of so few photos let the smallest rounding grow quickly.
  Recipe own = small("");
  own.freeze_batch_norms = false;
  own.size = 64;
  own.batch = 9;
  own.optimiser.lr = 5e-4;
  own.schedule.epochs = 1;
  expect_same(own);
  own.distributed.batch_norm = "local";
  own.out = (folder_ / "local").string();
  train_by(2, own);
  EXPECT_GT(difference("one", "local"), 1e-3);
}

TEST_F(DistributedTrainingTest, three_uneven_ranks_mixes_and_groups_of_batches_too) {
  Recipe own = small("");
  own.batch = 4;
  own.accumulate = 2;
  own.ema = 0.5;
  own.stages.resize(1);
  own.stages[0].epochs = 2;
  own.stages[0].mixes = {"cutmix", "mixup", "fmix"};
  own.mix.chance = 0.3;
  expect_same(own, 3);
}

TEST_F(DistributedTrainingTest, a_split_head_is_the_whole_head) {
  Recipe own = small("");
  own.head.split = true;
  own.head.type = "subcenter";
  own.head.centers = 2;
  own.head.label_smoothing = 0.1;
  own.head.target_smoothing = 0.1;
  own.head.ramp = {0.1, 0.7};
  own.head.start_scale = 4;
  own.optimiser.clip = 0.5;  // the norm is over all parts
  own.data.nonlandmark = {"train"};
  expect_same(own);
}

TEST_F(DistributedTrainingTest, a_split_head_with_margins_by_landmark_starts_from_class_means) {
  Recipe own = small("");
  own.head.split = true;
  own.head.imprint = true;
  own.head.adaptive = true;
  own.head.margin_max = 0.2;
  expect_same(own);
}

TEST_F(DistributedTrainingTest, a_split_head_carries_the_centres_of_its_classes_over) {
  Recipe first = small("first");
  first.head.type = "subcenter";
  first.head.centers = 2;
  train_by(1, first);
  Recipe own = first;
  own.init = (folder_ / "first/weights.safetensors").string();
  own.head.carry_over = true;
  own.head.split = true;
  own.head.imprint = true;
  expect_same(own);
  own.out = (folder_ / "carried").string();
  own.schedule.epochs = 0;
  train_by(2, own);
  EXPECT_EQ(difference("first", "carried"), 0);
}

TEST_F(DistributedTrainingTest, a_pipeline_runs_and_goes_on_with_any_number_of_ranks) {
  const auto pipeline = [&](const std::string& out) {
    Recipe second = small(out + "/2-b");
    second.init = (folder_ / out / "1-a/weights.safetensors").string();
    second.head.carry_over = true;
    second.head.split = true;
    return Pipeline{folder_ / out, {{"1-a", small(out + "/1-a")}, {"2-b", second}}};
  };
  const auto run_by = [&](int world, const std::string& out, int64_t stop_at) {
    const auto codes = testing::run_ranks(world, [&](const Ranks& ranks) {
      TrainOptions options;
      options.ranks = &ranks;
      options.after_step = [&](const Position& position) {
        if (!fs::exists(folder_ / out / "2-b") || position.steps != stop_at) return;
        ranks.meet();
        std::_Exit(testing::kDone);
      };
      run_pipeline(pipeline(out), options);
    });
    EXPECT_EQ(codes, std::vector<int>(static_cast<size_t>(world), testing::kDone));
  };
  run_by(2, "several", 1);  // ends in the second stage
  EXPECT_TRUE(fs::exists(folder_ / "several/1-a/model.onnx"));
  EXPECT_FALSE(fs::exists(folder_ / "several/2-b/model.onnx"));
  run_by(3, "several", -1);
  // One process, from the same first stage: 1-a is finished there, too.
  make_folder(folder_ / "one");
  fs::copy(folder_ / "several/1-a", folder_ / "one/1-a");
  run_by(1, "one", -1);
  EXPECT_LT(difference("one/2-b", "several/2-b"), 1e-5);
  EXPECT_GT(difference("one/1-a", "one/2-b"), 1e-3);
}

TEST_F(DistributedTrainingTest, losses_that_compare_photos_see_those_of_all_ranks) {
  Recipe own = small("");
  own.triplet.weight = 0.5;
  own.center.weight = 0.01;
  own.center.lr = 0.1;
  expect_same(own);
}

TEST_F(DistributedTrainingTest, a_checkpoint_of_several_goes_on_with_any_number_of_ranks) {
  Recipe own = small("whole");
  own.head.split = true;
  own.checkpoint.steps = 1;
  train_by(1, own);
  // Two, then three, then one process.
  own.out = (folder_ / "broken").string();
  int64_t stop_at = 2;
  for (const int world : {2, 3}) {
    const auto codes = testing::run_ranks(world, [&](const Ranks& ranks) {
      TrainOptions options;
      options.ranks = &ranks;
      options.after_step = [&](const Position& position) {
        if (position.steps < stop_at) return;
        ranks.meet();  // the checkpoint is there
        std::_Exit(testing::kDone);
      };
      train(own, options);
    });
    EXPECT_EQ(codes, std::vector<int>(static_cast<size_t>(world), testing::kDone));
    EXPECT_FALSE(fs::exists(folder_ / "broken/model.onnx"));
    stop_at = 4;
  }
  train_by(1, own);
  EXPECT_LT(difference("whole", "broken"), 1e-5);
}

TEST_F(DistributedTrainingTest, what_cannot_be_split_or_shared_is_an_error) {
  const auto refused = [&](const Recipe& recipe, const std::string& because) {
    const auto codes = testing::run_ranks(4, [&](const Ranks& ranks) {
      TrainOptions options;
      options.ranks = &ranks;
      try {
        train(recipe, options);
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(because), std::string::npos) << error.what();
        std::_Exit(::testing::Test::HasFailure() ? testing::kUnmet : testing::kThrew);
      }
    });
    EXPECT_EQ(codes, std::vector<int>(4, testing::kThrew));
  };
  Recipe own = small("run");
  own.head.split = true;
  refused(own, "3 landmarks cannot be split over 4 processes");
  own.head.split = false;
  own.batch = 3;
  refused(own, "batch: 3 photos cannot be shared among 4 processes");
  own.batch = 7;
  own.distributed.batch_norm = "local";
  refused(own, "batch: 7 photos cannot be shared among 4 processes with batch norms of their own");
}

}  // namespace
}  // namespace cairn::run
