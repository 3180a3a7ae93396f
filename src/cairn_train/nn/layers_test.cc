#include "cairn_train/nn/layers.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/testing/testing.h"
#include "cairn_train/nn/backbones/resnet.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/nn/pooling.h"
#include "cairn_train/nn/weights.h"

namespace cairn::nn {
namespace {

TEST(Conv2d, tf_same_padding_puts_the_odd_pixel_right_and_below) {
  Conv2d conv({.in = 1, .out = 1, .kernel = 3, .stride = 2, .padding = Padding::kTfSame});
  const torch::NoGradGuard no_grad;
  conv.parameters().front().fill_(1.0);
  // 4×4 of ones: windows start at 0 and 2; the second one sticks out by one.
  const auto even = conv.forward(torch::ones({1, 1, 4, 4}));
  EXPECT_TRUE(torch::equal(even.view({4}), torch::tensor({9.0f, 6.0f, 6.0f, 4.0f})));
  // 5×5: one pixel on every side.
  const auto odd = conv.forward(torch::ones({1, 1, 5, 5}));
  EXPECT_EQ(odd.sizes().vec(), (std::vector<int64_t>{1, 1, 3, 3}));
  EXPECT_EQ(odd[0][0][0][0].item<float>(), 4.0f);
  EXPECT_EQ(odd[0][0][2][2].item<float>(), 4.0f);
}

TEST(Conv2d, starts_with_a_variance_that_keeps_activations_alive) {
  torch::manual_seed(1);
  Conv2d conv({.in = 64, .out = 128, .kernel = 3});
  const auto weight = conv.parameters().front();
  EXPECT_NEAR(weight.std().item<double>(), std::sqrt(2.0 / (9 * 128)), 0.001);
}

TEST(BatchNorm, counts_batches_in_training_only) {
  BatchNorm norm(3, {.momentum = 0.5});
  const auto x = torch::randn({8, 3}) + 4.0;
  norm.forward(x);
  EXPECT_NEAR(norm.named_buffers()["running_mean"].mean().item<double>(),
              0.5 * x.mean().item<double>(), 1e-5);
  norm.eval();
  norm.forward(x);
  EXPECT_EQ(norm.named_buffers()["num_batches_tracked"].item<int64_t>(), 1);
}

TEST(GemPool, is_the_mean_at_p_1_and_nears_the_maximum_at_large_p) {
  const auto x = torch::rand({2, 3, 4, 5}) + 0.1;
  EXPECT_TRUE(torch::allclose(GemPool(1, false).forward(x), x.mean({2, 3})));
  EXPECT_TRUE(torch::allclose(GemPool(60, false).forward(x), x.amax({2, 3}), 0.06));
}

TEST(GemPool, fixed_and_trainable_p_agree_and_p_gets_a_gradient) {
  const auto x = torch::randn({2, 3, 4, 5});
  GemPool trainable(3, true);
  const auto y = trainable.forward(x);
  EXPECT_TRUE(torch::allclose(y, GemPool(3, false).forward(x), 1e-4, 1e-7));
  y.sum().backward();
  EXPECT_TRUE(trainable.parameters().front().grad().isfinite().all().item<bool>());
  EXPECT_NE(trainable.parameters().front().grad().item<float>(), 0.0f);
}

TEST(EmbeddingNet, the_same_seed_gives_the_same_network) {
  std::vector<NamedTensors> states;
  for (int i = 0; i < 2; ++i) {
    torch::manual_seed(42);
    states.push_back(state_dict(EmbeddingNet(NetOptions{})));
  }
  ASSERT_EQ(states[0].size(), states[1].size());
  for (size_t i = 0; i < states[0].size(); ++i) {
    EXPECT_EQ(states[0][i].first, states[1][i].first);
    EXPECT_TRUE(torch::equal(states[0][i].second, states[1][i].second)) << states[0][i].first;
  }
}

TEST(EmbeddingNet, trains_every_parameter_but_the_unused_classifier) {
  torch::manual_seed(1);
  EmbeddingNet net(NetOptions{});
  net.forward(torch::randn({2, 3, 32, 32})).square().sum().backward();
  for (const auto& item : net.named_parameters()) {
    const bool used = item.key().find("classifier") == std::string::npos;
    EXPECT_EQ(item.value().grad().defined(), used) << item.key();
    if (!used) continue;
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
  }
}

TEST(EmbeddingNet, refuses_unknown_parts_by_name) {
  const auto message = [](auto change) -> std::string {
    NetOptions options;
    change(options);
    try {
      const EmbeddingNet net(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(message([](NetOptions& o) { o.backbone = "vgg"; }).find("vgg"), std::string::npos);
  EXPECT_NE(message([](NetOptions& o) { o.pooling = "max"; }).find("max"), std::string::npos);
  EXPECT_NE(message([](NetOptions& o) { o.neck = "A"; }).find("\"A\""), std::string::npos);
  EXPECT_NE(message([](NetOptions& o) { o.key_style = "x"; }).find("\"x\""), std::string::npos);
  EXPECT_NE(message([](NetOptions& o) { o.embedding_dim = 0; }).find("0"), std::string::npos);
  EXPECT_NE(message([](NetOptions& o) { o.gem_p = -1; }).find("-1"), std::string::npos);
}

TEST(EmbeddingNet, frozen_stages_keep_their_weights_and_statistics_in_training) {
  const std::vector<std::pair<const char*, std::vector<const char*>>> cases{
      {"resnet50_ibn_a", {"base.conv1.", "base.bn1.", "base.layer1."}},
      {"resnest50", {"base.conv1.", "base.bn1.", "base.layer1."}},
      {"tf_efficientnet_b0", {"base.conv_stem.", "base.bn1.", "base.blocks.0."}},
      {"efficientnet-b0", {"base._conv_stem.", "base._bn0.", "base._blocks.0."}}};
  for (const auto& [backbone, frozen] : cases) {
    torch::manual_seed(3);
    NetOptions options{.backbone = backbone, .frozen_stages = 1, .neck = "fc-bn"};
    options.key_style = "wz";
    EmbeddingNet net(options);
    const auto is_frozen = [&names = frozen](const std::string& key) {
      return std::any_of(names.begin(), names.end(),
                         [&](const char* prefix) { return key.starts_with(prefix); });
    };
    NamedTensors before;
    for (const auto& [key, tensor] : state_dict(net)) before.emplace_back(key, tensor.clone());
    net.forward(torch::randn({2, 3, 64, 64})).square().sum().backward();
    for (const auto& item : net.named_parameters()) {
      if (is_unused_key(item.key())) continue;
      EXPECT_EQ(item.value().grad().defined(), !is_frozen(item.key())) << item.key();
    }
    for (const auto& [key, tensor] : state_dict(net)) {
      if (!key.ends_with("running_mean")) continue;
      const auto old = std::find_if(before.begin(), before.end(),
                                    [&k = key](const auto& entry) { return entry.first == k; });
      EXPECT_EQ(torch::equal(tensor, old->second), is_frozen(key)) << key;
    }
  }
  EXPECT_THROW(EmbeddingNet({.backbone = "resnet18", .frozen_stages = 5}), Error);
}

TEST(EmbeddingNet, a_bottleneck_keeps_the_backbones_length_and_its_bias_of_zero) {
  NetOptions options{.backbone = "resnet18", .pooling = "avgmax", .neck = "bn"};
  options.neck_bias = false;
  options.key_style = "wz";
  EmbeddingNet net(options);
  EXPECT_EQ(net.embedding_dim(), 512);
  const auto parameters = net.named_parameters();
  net.forward(torch::randn({3, 3, 64, 64})).square().sum().backward();
  EXPECT_TRUE(parameters["bottleneck.weight"].grad().defined());
  EXPECT_FALSE(parameters["bottleneck.bias"].grad().defined());
}

TEST(EmbeddingNet, only_the_imagenet_classifier_is_unused) {
  for (const char* key :
       {"fc.weight", "base._fc.bias", "backbone.net.fc.weight", "backbone.net.classifier.weight"})
    EXPECT_TRUE(is_unused_key(key)) << key;
  for (const char* key : {"layer1.0.se.fc.0.weight", "layer1.0.conv2.fc1.weight", "fcneck.weight",
                          "fcneck_bn.bias", "neck.0.weight", "p"})
    EXPECT_FALSE(is_unused_key(key)) << key;
}

TEST(Pooling, mean_and_maximum_are_added) {
  AvgMaxPool pool;
  const auto x = torch::tensor({1.0, 2.0, 3.0, 6.0}).reshape({1, 1, 2, 2});
  EXPECT_FLOAT_EQ(pool.forward(x).item<float>(), 9.0f);
}

TEST(ResNet, the_average_pooling_variant_names_the_sizes_it_takes) {
  ResNet net({.last_stride = 1, .avg_down = true});
  try {
    net.forward(torch::zeros({1, 3, 64, 100}));
    FAIL() << "took 100x64";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("100x64"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("multiples of 16"), std::string::npos);
  }
}

TEST(LoadState, reports_what_does_not_fit_and_loads_the_rest) {
  Linear layer(4, 2, true);
  const NamedTensors tensors{{"weight", torch::ones({2, 4})}, {"head.weight", torch::ones({1})}};
  const auto report = load_state(layer, tensors, Strictness::kLenient);
  EXPECT_EQ(report.loaded, 1u);
  EXPECT_EQ(report.missing, std::vector<std::string>{"bias"});
  EXPECT_EQ(report.unexpected, std::vector<std::string>{"head.weight"});
  EXPECT_TRUE(torch::equal(layer.named_parameters()["weight"], torch::ones({2, 4})));
  EXPECT_EQ(report.summary(), "loaded 1 tensor; missing 1 (bias); unexpected 1 (head.weight)");
}

TEST(LoadState, strict_changes_nothing_where_a_shape_differs) {
  Linear layer(4, 2, true);
  const auto before = layer.named_parameters()["bias"].clone();
  const NamedTensors tensors{{"weight", torch::ones({2, 5})}, {"bias", torch::ones({2})}};
  try {
    load_state(layer, tensors, Strictness::kStrict);
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("weight: 2x5 in the file, 2x4 in the network"),
              std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(torch::equal(layer.named_parameters()["bias"], before));
}

TEST(LoadState, a_saved_network_is_the_same_network) {
  const cairn::testing::TempDir dir;
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  EmbeddingNet saved(NetOptions{});
  save_safetensors(dir / "net.safetensors", state_dict(saved));
  EmbeddingNet loaded(NetOptions{});
  const auto file = load_safetensors(dir / "net.safetensors");
  EXPECT_TRUE(load_state(loaded, file.tensors, Strictness::kStrict).complete());
  saved.eval();
  loaded.eval();
  const auto images = torch::randn({1, 3, 40, 32});
  EXPECT_TRUE(torch::equal(saved.forward(images), loaded.forward(images)));
}

}  // namespace
}  // namespace cairn::nn
