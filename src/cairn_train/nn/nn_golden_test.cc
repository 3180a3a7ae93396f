// Networks against the reference implementations: the same keys in the same order, the same
// numbers.
#include <gtest/gtest.h>

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/nn/arch.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/nn/testing/golden_net.h"

namespace cairn::nn {
namespace {

using cairn::testing::golden_case;
using cairn::testing::GoldenCase;
using cairn::testing::max_error_over_std;
using testing::fill_with_golden;
using testing::golden_state;
using testing::golden_tensor;
using testing::values;

std::string line(const std::string& key, const std::vector<int64_t>& shape) {
  std::string text = key;
  for (const int64_t size : shape) text.append(" ").append(std::to_string(size));
  return text;
}

std::vector<std::string> keys_of(const Module& net) {
  std::vector<std::string> lines;
  for (const auto& [key, tensor] : state_dict(net))
    lines.push_back(line(key, tensor.sizes().vec()));
  return lines;
}

void append(std::vector<std::string>& lines, const nlohmann::json& keys,
            const std::string& prefix = "") {
  for (const auto& entry : keys)
    lines.push_back(
        line(prefix + entry.at(0).get<std::string>(), entry.at(1).get<std::vector<int64_t>>()));
}

// A checkpoint's keys: in a file of the case, or those of the backbone and the rest in case.json.
std::vector<std::string> keys_of(const GoldenCase& golden) {
  std::vector<std::string> lines;
  if (std::filesystem::exists(golden.folder / "keys.json")) {
    append(lines, golden.json("keys.json"));
  } else {
    const auto model = golden.folder.filename().string();
    append(lines, golden_case("backbones/" + model.substr(model.find('_') + 1)).json("keys.json"),
           "base.");
    append(lines, golden.spec["tail_keys"]);
  }
  return lines;
}

torch::Tensor input_of(const nlohmann::json& output) {
  return golden_tensor("input", output.at("input_shape_NCHW").get<std::vector<int64_t>>());
}

void expect_near(const torch::Tensor& result, const GoldenCase& golden, const std::string& file) {
  const auto reference = golden.f32(file);
  EXPECT_EQ(result.sizes().vec(),
            std::vector<int64_t>(reference.shape.begin(), reference.shape.end()));
  EXPECT_LE(max_error_over_std(values(result), reference.values),
            golden.spec["tolerance"]["max"].get<double>())
      << file;
}

class Networks : public ::testing::TestWithParam<const char*> {};

TEST_P(Networks, have_the_reference_s_keys_and_numbers) {
  CAIRN_REQUIRE_SHARED("golden");
  const torch::NoGradGuard no_grad;
  const auto golden = golden_case(GetParam());
  const Arch arch = make_arch(GetParam());
  auto keys = keys_of(golden);
  // The classifier of a whole model is no part of the network.
  if (arch.output == "embedding") keys.pop_back();
  ASSERT_EQ(keys_of(*arch.net), keys);
  fill_with_golden(*arch.net, golden.spec["parameters"]);
  for (const auto& [file, output] : golden.spec["outputs"].items())
    expect_near(arch.net->forward(input_of(output)), golden, file);
}

std::string test_name(const ::testing::TestParamInfo<const char*>& info) {
  std::string name(info.param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '-'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    NnGolden, Networks,
    ::testing::Values("backbones/resnet50", "backbones/resnet50_ibn_a", "backbones/resnet101_ibn_a",
                      "backbones/resnext101_ibn_a", "backbones/se_resnet101_ibn_a",
                      "backbones/resnest50", "backbones/resnest101", "backbones/resnest200",
                      "backbones/resnest269", "backbones/efficientnet-b0",
                      "backbones/efficientnet-b7", "backbones/tf_efficientnet_b0",
                      "backbones/tf_efficientnet_b3", "models/wz_resnet50",
                      "models/wz_resnet101_ibn_a", "models/wz_resnext101_ibn_a",
                      "models/wz_se_resnet101_ibn_a", "models/wz_resnest101",
                      "models/wz_resnest269", "models/wz_efficientnet-b7"),
    test_name);

TEST(NnGolden, models_vt_net) {
  CAIRN_REQUIRE_SHARED("golden");
  const torch::NoGradGuard no_grad;
  const auto golden = golden_case("models/vt_net");
  const auto& parameters = golden.spec["parameters"];
  EmbeddingNet net(NetOptions{});  // the defaults are this network
  net.eval();
  auto keys = keys_of(golden);
  EXPECT_EQ(keys.back(), "head.weight 33 512");
  keys.pop_back();
  ASSERT_EQ(keys_of(net), keys);
  fill_with_golden(net, parameters);
  loss::CosineHead head(net.embedding_dim(), parameters["classes"], parameters["subcenters"]);
  head.named_parameters()["weight"].copy_(golden_state("head.weight", {33, 512}, parameters));
  for (const auto& [file, output] : golden.spec["outputs"].items()) {
    const auto images = input_of(output);
    torch::Tensor result = file.starts_with("pooled") ? net.pooled(images) : net.forward(images);
    if (file.starts_with("logits")) result = head.forward(result);
    expect_near(result, golden, file);
  }
}

}  // namespace
}  // namespace cairn::nn
