// Optimisers against the reference implementations: parameters after some of 25 steps.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "cairn/base/testing/testing.h"
#include "cairn_train/nn/testing/golden_net.h"
#include "cairn_train/optim/optimiser.h"

namespace cairn::optim {
namespace {

using cairn::testing::golden_case;
using nn::testing::golden_tensor;
using nn::testing::values;

struct Steps {
  std::string name;
  OptimiserOptions options;
  double last_lr_factor = 1;
};

void expect_match(const Steps& wanted) {
  const auto golden = golden_case(wanted.name);
  const auto shapes = golden.spec["inputs"]["shapes"].get<std::vector<std::vector<int64_t>>>();
  std::vector<TrainedParameter> parameters;
  for (size_t k = 0; k < shapes.size(); ++k) {
    torch::Tensor tensor = golden_tensor("param." + std::to_string(k), shapes[k]);
    if (tensor.dim() == 4) tensor = tensor.contiguous(torch::MemoryFormat::ChannelsLast);
    tensor.requires_grad_();
    parameters.push_back({std::to_string(k), tensor, 1});
  }
  parameters.back().lr_factor = wanted.last_lr_factor;
  Optimiser optimiser(wanted.options, parameters);
  int compared = 0;
  for (int t = 1; t <= 25; ++t) {
    for (size_t k = 0; k < shapes.size(); ++k)
      parameters[k].tensor.mutable_grad() =
          golden_tensor("grad." + std::to_string(k) + "." + std::to_string(t), shapes[k]);
    optimiser.step(wanted.options.lr);
    for (size_t k = 0; k < shapes.size(); ++k) {
      char file[40];
      std::snprintf(file, sizeof file, "param%zu_step%02d.npy", k, t);
      if (!golden.spec["outputs"].contains(file)) continue;
      const auto reference = golden.f32(file).values;
      const auto own = values(parameters[k].tensor.detach().contiguous());
      ASSERT_EQ(own.size(), reference.size());
      for (size_t i = 0; i < own.size(); ++i)
        ASSERT_NEAR(own[i], reference[i], golden.spec["tolerance"]["max"].get<double>())
            << file << " [" << i << "]";
      ++compared;
    }
  }
  EXPECT_EQ(compared, static_cast<int>(golden.spec["outputs"].size()));
}

OptimiserOptions as_the_reference(const std::string& type, double lr) {
  OptimiserOptions options;
  options.type = type;
  options.lr = lr;
  options.weight_decay = 0;
  options.decay_vectors = true;
  options.clip = 0;
  return options;
}

TEST(OptimiserGolden, optim_adam_default) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_match({"optim/adam_default", as_the_reference("adam", 1e-4)});
}

TEST(OptimiserGolden, optim_ranger_default) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_match({"optim/ranger_default", as_the_reference("ranger", 0.003)});
}

TEST(OptimiserGolden, optim_ranger_wd_gcconv) {
  CAIRN_REQUIRE_SHARED("golden");
  OptimiserOptions options = as_the_reference("ranger", 0.01);
  options.weight_decay = 0.05;
  options.centralise = "filters";
  expect_match({"optim/ranger_wd_gcconv", options});
}

TEST(OptimiserGolden, optim_wz_sgd) {
  CAIRN_REQUIRE_SHARED("golden");
  OptimiserOptions options = as_the_reference("sgd", 0.08);
  options.weight_decay = 5e-4;
  options.nesterov = false;
  expect_match({"optim/wz_sgd", options, /*last_lr_factor=*/2});
}

}  // namespace
}  // namespace cairn::optim
