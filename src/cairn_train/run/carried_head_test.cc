#include "cairn_train/run/carried_head.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/testing/testing.h"
#include "cairn_train/nn/checkpoint_keys.h"
#include "cairn_train/nn/embedding_net.h"

namespace cairn::run {
namespace {

using cairn::testing::TempDir;

// Row r of a classifier is [r, r, r, r].
torch::Tensor rows(int64_t count) {
  return torch::arange(static_cast<float>(count)).view({-1, 1}).expand({count, 4});
}

std::vector<float> first_column(const torch::Tensor& weight) {
  const auto column = weight.select(1, 0).contiguous();
  return {column.data_ptr<float>(), column.data_ptr<float>() + column.numel()};
}

struct CarriedHead : ::testing::Test {
  std::vector<float> carry(const std::vector<int64_t>& landmarks, int64_t first, int64_t centres) {
    auto weight = torch::full({std::ssize(landmarks) * centres, 4}, -1.0F);
    carry_over_head(file, landmarks, first, weight);
    return first_column(weight);
  }

  TempDir dir;
  std::string file = dir / "w.safetensors";
};

TEST_F(CarriedHead, goes_by_landmark_where_the_file_has_labels) {
  nn::save_safetensors(file, {{"head.weight", rows(3)}}, {{"cairn.labels", "50,7,20"}});
  EXPECT_EQ(carry({7, 8, 20, 50}, 0, 1), (std::vector<float>{1, -1, 2, 0}));
}

TEST_F(CarriedHead, goes_by_place_without_labels_also_in_a_slice_of_the_classes) {
  nn::save_safetensors(file, {{"module.classifier.weight", rows(3)}});
  EXPECT_EQ(carry({70, 80, 90, 95}, 0, 1), (std::vector<float>{0, 1, 2, -1}));
  EXPECT_EQ(carry({90, 95}, 2, 1), (std::vector<float>{2, -1}));
}

TEST_F(CarriedHead, keeps_the_sub_centres_of_a_class_together) {
  nn::save_safetensors(file, {{"head.weight", rows(4)}}, {{"cairn.labels", "5,6"}});
  EXPECT_EQ(carry({6, 7}, 0, 2), (std::vector<float>{2, 3, -1, -1}));
  EXPECT_THROW(carry({6, 7}, 0, 3), Error);
}

TEST_F(CarriedHead, refuses_files_without_a_classifier_that_fits) {
  nn::save_safetensors(file, {{"head.weight", torch::zeros({3, 5})}, {"w", rows(3)}});
  EXPECT_THROW(carry({7}, 0, 1), Error);
}

TEST(CheckpointKeys, one_reference_s_names_become_the_other_s) {
  const auto keys_after = [](const char* from, const char* to) {
    nn::NetOptions options{.backbone = "resnet18", .neck = "fc-bn", .key_style = from};
    nn::NamedTensors tensors = nn::state_dict(nn::EmbeddingNet(options));
    options.key_style = to;
    const nn::EmbeddingNet net(options);
    const nn::LoadReport report =
        nn::load_state(net, nn::renamed_for(net, tensors), nn::Strictness::kLenient);
    return report.complete();
  };
  EXPECT_TRUE(keys_after("vt", "wz"));
  EXPECT_TRUE(keys_after("wz", "vt"));
  EXPECT_TRUE(keys_after("wz", "wz"));
}

TEST(CheckpointKeys, a_bare_backbone_starts_a_network) {
  const nn::EmbeddingNet net({.backbone = "resnet18", .neck = "none"});
  nn::NamedTensors bare;
  for (auto& [name, tensor] : nn::state_dict(net)) {
    const std::string prefix = "backbone.net.";
    if (name.starts_with(prefix)) bare.emplace_back(name.substr(prefix.size()), tensor);
  }
  bare.emplace_back("fc.weight", torch::zeros({1000, 512}));
  const auto renamed = nn::renamed_for(net, bare);
  EXPECT_EQ(renamed[0].first, "backbone.net." + bare[0].first);
  EXPECT_EQ(nn::load_state(net, renamed, nn::Strictness::kLenient).loaded, bare.size() - 1);
}

TEST(CheckpointKeys, shortcuts_without_a_pool_start_those_with_one) {
  nn::NetOptions options{.backbone = "resnet50", .last_stride = 1, .neck = "none"};
  const nn::NamedTensors plain = nn::state_dict(nn::EmbeddingNet(options));
  options.backbone = "resnet50_avgdown";
  options.key_style = "wz";
  const nn::EmbeddingNet net(options);
  const auto load = [&](const nn::NamedTensors& tensors) {
    return nn::load_state(net, nn::with_pooled_shortcuts(net, nn::renamed_for(net, tensors)),
                          nn::Strictness::kLenient);
  };
  EXPECT_TRUE(load(plain).complete()) << load(plain).summary();
  const nn::NamedTensors own = nn::state_dict(net);
  EXPECT_TRUE(load(own).complete()) << load(own).summary();
  const auto tensor_of = [](const nn::NamedTensors& tensors, const std::string& key) {
    for (const auto& [name, tensor] : tensors)
      if (name == key) return tensor;
    return torch::Tensor();
  };
  for (const char* key : {"layer1.0.downsample.0.weight", "layer4.0.downsample.0.weight"})
    EXPECT_TRUE(torch::equal(tensor_of(own, std::string("base.") + key),
                             tensor_of(plain, std::string("backbone.net.") + key)))
        << key;
  EXPECT_TRUE(torch::equal(tensor_of(own, "base.layer2.0.downsample.1.weight"),
                           tensor_of(plain, "backbone.net.layer2.0.downsample.0.weight")));
}

TEST(CheckpointKeys, counters_and_classifiers_make_no_difference) {
  nn::LoadReport report;
  report.missing = {"bn1.num_batches_tracked", "conv1.weight", "fc.weight"};
  report.unexpected = {"fc.bias", "surplus"};
  report.mis_shaped = {"fc.weight: 10x2 in the file, 5x2 in the network"};
  EXPECT_EQ(nn::forgive(report, {"fc."}).size(), 2U);
  EXPECT_EQ(report.missing, std::vector<std::string>{"conv1.weight"});
  EXPECT_EQ(report.unexpected, std::vector<std::string>{"surplus"});
  EXPECT_TRUE(report.mis_shaped.empty());
}

}  // namespace
}  // namespace cairn::run
