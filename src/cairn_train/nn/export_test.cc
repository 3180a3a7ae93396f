// Exported networks: valid ONNX, and the engine computes what LibTorch does.
#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

#include <set>

#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/engine/model.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/nn/layers.h"

namespace cairn::nn {
namespace {

using cairn::testing::max_error_over_max;
using cairn::testing::TempDir;

// Parameters as they are after training: statistics that differ from channel to channel.
void age(EmbeddingNet& net) {
  const torch::NoGradGuard no_grad;
  for (auto& [key, tensor] : state_dict(net)) {
    if (key.ends_with("running_mean")) tensor.normal_(0, 0.2);
    if (key.ends_with("running_var")) tensor.uniform_(0.5, 1.5);
    if (key.ends_with("num_batches_tracked")) tensor.fill_(100);
    if (tensor.dim() == 1 && key.ends_with("weight")) tensor.uniform_(0.7, 1.3);
    if (tensor.dim() == 1 && key.ends_with("bias")) tensor.normal_(0, 0.1);
    if (key.ends_with("pool.p")) tensor.fill_(2.7);
  }
  net.eval();
}

struct Exported {
  explicit Exported(const NetOptions& options) {
    torch::manual_seed(11);
    net = std::make_unique<EmbeddingNet>(options);
    age(*net);
    path = dir / "model.onnx";
    export_onnx(*net, path, {{"cairn.input_size", "128"}, {"cairn.recipe", "test"}});
  }
  TempDir dir;
  std::unique_ptr<EmbeddingNet> net;
  std::filesystem::path path;
};

void expect_engine_agrees(const NetOptions& options,
                          const std::vector<std::pair<int64_t, int64_t>>& sizes) {
  const torch::NoGradGuard no_grad;
  const Exported exported(options);
  engine::Executor executor(engine::Model::load(exported.path));
  for (const auto& [height, width] : sizes) {
    const auto images = torch::randn({2, 3, height, width});
    const auto wanted = exported.net->forward(images);
    const auto input = engine::Tensor::from_f32(
        images.sizes().vec(), {images.data_ptr<float>(), static_cast<size_t>(images.numel())});
    const auto outputs = executor.run({{"input", input}}, {"embedding"});
    const auto& output = outputs.at("embedding");
    EXPECT_EQ(output.shape(), wanted.sizes().vec());
    const auto values = output.values<float>();
    const float* reference = wanted.data_ptr<float>();
    EXPECT_LE(
        max_error_over_max({values.begin(), values.end()}, {reference, reference + wanted.numel()}),
        1e-4)
        << height << "x" << width;
  }
}

TEST(Export, efficientnet_b0_computes_the_same_in_the_engine_at_any_size) {
  expect_engine_agrees({}, {{64, 64}, {97, 131}, {128, 96}});
}

TEST(Export, resnet50_computes_the_same_in_the_engine_at_any_size) {
  expect_engine_agrees({.backbone = "resnet50", .neck = "fc-bn"}, {{64, 64}, {97, 131}, {128, 96}});
}

TEST(Export, resnet18_computes_the_same_in_the_engine_and_has_torchvisions_parameters) {
  expect_engine_agrees({.backbone = "resnet18"}, {{64, 64}, {97, 131}});
  const EmbeddingNet net({.backbone = "resnet18", .neck = "none"});
  EXPECT_EQ(net.embedding_dim(), 512);
  int64_t parameters = 0;
  std::set<std::string> keys;
  for (const auto& entry : net.named_parameters()) {
    if (entry.key().starts_with("backbone.net.")) parameters += entry.value().numel();
    keys.insert(entry.key());
  }
  EXPECT_EQ(parameters, 11'176'512);
  for (const char* key : {"conv1.weight", "layer1.1.bn2.bias", "layer2.0.downsample.0.weight",
                          "layer2.0.downsample.1.bias", "layer4.1.conv2.weight"})
    EXPECT_TRUE(keys.contains(std::string("backbone.net.") + key)) << key;
}

TEST(Export, folds_every_batch_norm_away) {
  for (const char* backbone : {"tf_efficientnet_b0", "resnet18", "resnet50"}) {
    const Exported exported({.backbone = backbone, .neck = "option-D"});
    const auto counts = engine::Model::load(exported.path)->operator_counts();
    EXPECT_FALSE(counts.contains("BatchNormalization")) << backbone;
    EXPECT_TRUE(counts.contains("Conv")) << backbone;
  }
}

TEST(BatchNorm, frozen_keeps_its_statistics_in_training_and_still_trains_its_weights) {
  EmbeddingNet net({.backbone = "resnet18", .neck = "fc-bn", .embedding_dim = 8});
  age(net);
  freeze_batch_norms(net);
  const auto images = torch::randn({2, 3, 64, 64});
  const auto inference = net.forward(images).detach();
  net.train();
  const auto training = net.forward(images);
  EXPECT_TRUE(torch::allclose(training, inference, 1e-4, 1e-4));
  training.sum().backward();
  const auto weight = net.named_parameters()["backbone.net.layer1.0.bn1.weight"];
  EXPECT_GT(weight.grad().abs().sum().item<float>(), 0);
  net.eval();
  EXPECT_TRUE(torch::equal(net.forward(images), inference));
}

TEST(Export, resnet50_avgdown_computes_the_same_in_the_engine) {
  expect_engine_agrees({.backbone = "resnet50_avgdown",
                        .last_stride = 1,
                        .pooling = "avg",
                        .neck = "none",
                        .key_style = "wz"},
                       {{64, 64}, {48, 80}});
}

TEST(Export, the_other_poolings_and_necks_compute_the_same_in_the_engine) {
  expect_engine_agrees({.backbone = "resnet18", .pooling = "avgmax", .neck = "bn"}, {{64, 64}});
  expect_engine_agrees(
      {.backbone = "efficientnet-b0", .last_stride = 1, .pooling = "avg", .neck = "fc-bn"},
      {{97, 131}});
}

TEST(Export, writes_a_model_that_the_onnx_checker_accepts) {
  for (const char* backbone : {"tf_efficientnet_b0", "resnet50", "resnet50_avgdown",
                               "resnet50_ibn_a", "se_resnet101_ibn_a", "resnest50"}) {
    const Exported exported({.backbone = backbone});
    const auto bytes = read_file(exported.path);
    onnx::ModelProto model;
    ASSERT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    EXPECT_NO_THROW(onnx::checker::check_model(model));
    EXPECT_EQ(model.ir_version(), 7);
    EXPECT_NO_THROW(onnx::shape_inference::InferShapes(
        model, onnx::OpSchemaRegistry::Instance(),
        onnx::ShapeInferenceOptions(/*check_type=*/true, /*strict_mode=*/1)));
  }
}

TEST(Export, says_in_the_file_what_a_reader_needs) {
  const Exported exported({.embedding_dim = 64});
  const auto model = engine::Model::load(exported.path);
  EXPECT_EQ(model->opset(), 13);
  EXPECT_EQ(model->metadata().at("cairn.input_size"), "128");
  EXPECT_EQ(model->metadata().at("cairn.recipe"), "test");
  EXPECT_EQ(model->metadata().at("cairn.embedding_dim"), "64");
  ASSERT_EQ(model->inputs().size(), 1u);
  EXPECT_EQ(model->inputs()[0].name, "input");
  EXPECT_EQ(model->inputs()[0].shape, (engine::Shape{-1, 3, -1, -1}));
  ASSERT_EQ(model->outputs().size(), 1u);
  EXPECT_EQ(model->outputs()[0].name, "embedding");
  EXPECT_EQ(model->outputs()[0].shape, (engine::Shape{-1, 64}));
}

TEST(Export, leaves_the_unused_classifier_out_and_names_weights_by_their_keys) {
  const Exported exported({});
  const auto bytes = read_file(exported.path);
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  std::set<std::string> names;
  for (const auto& weight : model.graph().initializer()) names.insert(weight.name());
  EXPECT_TRUE(names.contains("backbone.net.blocks.1.0.conv_pw.weight"));
  EXPECT_TRUE(names.contains("neck.2.weight"));
  EXPECT_FALSE(names.contains("backbone.net.classifier.weight"));
}

}  // namespace
}  // namespace cairn::nn
