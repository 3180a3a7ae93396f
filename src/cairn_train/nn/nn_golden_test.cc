// Networks against the reference implementations: the same keys in the same order, the same
// numbers.
#include <gtest/gtest.h>

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/nn/backbones/efficientnet.h"
#include "cairn_train/nn/backbones/resnet.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/nn/testing/golden_net.h"
#include "cairn_train/nn/weights.h"

namespace cairn::nn {
namespace {

using cairn::testing::golden_case;
using cairn::testing::GoldenCase;
using cairn::testing::max_error_over_std;
using testing::golden_states;
using testing::golden_tensor;
using testing::values;

std::vector<std::string> keys_and_shapes(const NamedTensors& tensors) {
  std::vector<std::string> lines;
  for (const auto& [key, tensor] : tensors) {
    std::string line = key;
    for (const int64_t size : tensor.sizes()) line.append(" ").append(std::to_string(size));
    lines.push_back(line);
  }
  return lines;
}

// Gives the network the formula's values. The keys of the case beyond the network's own are its
// last `rest` ones; they are returned.
NamedTensors fill(Module& net, const GoldenCase& golden, size_t rest) {
  NamedTensors states = golden_states(golden);
  NamedTensors others(states.end() - static_cast<ptrdiff_t>(rest), states.end());
  states.resize(states.size() - rest);
  EXPECT_EQ(keys_and_shapes(state_dict(net)), keys_and_shapes(states));
  load_state(net, states, Strictness::kStrict);
  net.eval();
  return others;
}

torch::Tensor input_of(const nlohmann::json& output) {
  return golden_tensor("input", output.at("input_shape_NCHW").get<std::vector<int64_t>>());
}

void expect_backbone_matches(Module& net, const GoldenCase& golden) {
  const torch::NoGradGuard no_grad;
  fill(net, golden, 0);
  for (const auto& [file, output] : golden.spec["outputs"].items()) {
    const auto features = net.forward(input_of(output));
    EXPECT_EQ(features.sizes().vec(), output["shape"].get<std::vector<int64_t>>());
    EXPECT_LE(max_error_over_std(values(features), golden.f32(file).values),
              golden.spec["tolerance"]["max"].get<double>())
        << file;
  }
}

TEST(NnGolden, backbones_tf_efficientnet_b0) {
  CAIRN_REQUIRE_SHARED("golden");
  EfficientNetB0 net;
  expect_backbone_matches(net, golden_case("backbones/tf_efficientnet_b0"));
}

TEST(NnGolden, backbones_resnet50) {
  CAIRN_REQUIRE_SHARED("golden");
  ResNet net({.last_stride = 1, .avg_down = true});
  expect_backbone_matches(net, golden_case("backbones/resnet50"));
}

TEST(NnGolden, models_vt_net) {
  CAIRN_REQUIRE_SHARED("golden");
  const torch::NoGradGuard no_grad;
  const auto golden = golden_case("models/vt_net");
  const auto& parameters = golden.spec["parameters"];
  EmbeddingNet net(NetOptions{});  // the defaults are this network
  const auto rest = fill(net, golden, 1);
  loss::CosineHead head(net.embedding_dim(), parameters["classes"], parameters["subcenters"]);
  EXPECT_EQ(rest.front().first, "head.weight");
  load_state(head, {{"weight", rest.front().second}}, Strictness::kStrict);
  for (const auto& [file, output] : golden.spec["outputs"].items()) {
    const auto images = input_of(output);
    torch::Tensor result = file.starts_with("pooled") ? net.pooled(images) : net.forward(images);
    if (file.starts_with("logits")) result = head.forward(result);
    EXPECT_LE(max_error_over_std(values(result), golden.f32(file).values),
              golden.spec["tolerance"]["max"].get<double>())
        << file;
  }
}

TEST(NnGolden, models_wz_resnet50) {
  CAIRN_REQUIRE_SHARED("golden");
  const torch::NoGradGuard no_grad;
  const auto golden = golden_case("models/wz_resnet50");
  NetOptions options;
  options.backbone = "resnet50_avgdown";
  options.last_stride = 1;
  options.gem_trainable = false;
  options.neck = "fc-bn";
  options.key_style = "wz";
  EmbeddingNet net(options);
  const auto head = fill(net, golden, 1);
  EXPECT_EQ(head.front().first, "classifier.weight");
  const auto embedding = net.forward(input_of(golden.spec["outputs"]["embedding.npy"]));
  EXPECT_LE(max_error_over_std(values(embedding), golden.f32("embedding.npy").values),
            golden.spec["tolerance"]["max"].get<double>());
}

}  // namespace
}  // namespace cairn::nn
