#include "cairn_train/nn/arch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn_train/nn/embedding_net.h"

namespace cairn::nn {
namespace {

std::string refusal(const std::string& name) {
  try {
    make_arch(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Arch, backbones_compute_features_and_models_embeddings) {
  const torch::NoGradGuard no_grad;
  const auto images = torch::zeros({1, 3, 64, 64});
  const Arch backbone = make_arch("backbones/efficientnet-b0");
  EXPECT_EQ(backbone.output, "features");
  EXPECT_EQ(backbone.net->forward(images).sizes().vec(), (std::vector<int64_t>{1, 1280, 4, 4}));
  EXPECT_EQ(backbone.channels, 1280);
  const Arch model = make_arch("models/wz_efficientnet-b0");
  EXPECT_EQ(model.output, "embedding");
  EXPECT_EQ(model.net->forward(images).sizes().vec(), (std::vector<int64_t>{1, 512}));
  EXPECT_EQ(model.channels, 512);
  EXPECT_FALSE(model.net->is_training());
}

TEST(Arch, the_folder_may_be_left_out_where_one_network_has_the_name) {
  EXPECT_EQ(make_arch("vt_net").output, "embedding");
  EXPECT_EQ(make_arch("tf_efficientnet_b0").output, "features");
  EXPECT_EQ(refusal("resnet50"),
            "\"resnet50\" may be backbones/resnet50 or torchvision/resnet50: give the whole name");
  EXPECT_NE(refusal("vgg").find("models/wz_resnest269"), std::string::npos);
}

TEST(Arch, has_the_names_of_every_reference) {
  const auto names = arch_names();
  for (const std::string name :
       {"backbones/resnet50", "backbones/resnext101_ibn_a", "backbones/resnest200",
        "backbones/efficientnet-b7", "backbones/tf_efficientnet_b3", "models/vt_net",
        "models/wz_se_resnet101_ibn_a", "models/wz_efficientnet-b7", "torchvision/resnet101"})
    EXPECT_TRUE(std::find(names.begin(), names.end(), name) != names.end()) << name;
}

TEST(Arch, ignorable_keys_are_the_imagenet_classifiers_and_the_training_classes) {
  for (const char* name : {"vt_net", "models/wz_efficientnet-b0", "efficientnet-b0"}) {
    const Arch arch = make_arch(name);
    for (const auto& item : state_dict(*arch.net)) {
      const bool ignorable =
          std::any_of(arch.ignorable.begin(), arch.ignorable.end(),
                      [&](const std::string& start) { return item.first.starts_with(start); });
      EXPECT_EQ(ignorable, is_unused_key(item.first)) << name << " " << item.first;
    }
  }
}

}  // namespace
}  // namespace cairn::nn
