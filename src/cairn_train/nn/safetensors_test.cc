#include "cairn_train/nn/safetensors.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::nn {
namespace {

using cairn::testing::TempDir;

NamedTensors sample() {
  torch::manual_seed(1);
  return {{"layer.weight", torch::randn({3, 2, 1, 1})},
          {"a scalar, and \"quotes\"", torch::tensor(0.25f)},
          {"bn.num_batches_tracked", torch::tensor(int64_t{1} << 40)},
          {"empty", torch::zeros({0, 4})}};
}

TEST(Safetensors, reads_back_what_was_written_in_the_same_order) {
  const TempDir dir;
  const auto tensors = sample();
  save_safetensors(dir / "w.safetensors", tensors, {{"recipe", "démo"}});
  const auto file = load_safetensors(dir / "w.safetensors");
  EXPECT_EQ(file.metadata, (std::map<std::string, std::string>{{"recipe", "démo"}}));
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(file.tensors[i].first, tensors[i].first);
    EXPECT_EQ(file.tensors[i].second.scalar_type(), tensors[i].second.scalar_type());
    EXPECT_TRUE(torch::equal(file.tensors[i].second, tensors[i].second)) << tensors[i].first;
  }
}

TEST(Safetensors, stores_channels_last_tensors_in_row_major_order) {
  const TempDir dir;
  const auto weight = torch::arange(24.0f).view({2, 3, 2, 2});
  save_safetensors(dir / "w", {{"w", weight.contiguous(torch::MemoryFormat::ChannelsLast)}});
  EXPECT_TRUE(torch::equal(load_safetensors(dir / "w").tensors[0].second, weight));
}

TEST(Safetensors, half_precision_takes_half_the_room_and_leaves_counters_alone) {
  const TempDir dir;
  const NamedTensors tensors{{"w", torch::rand({1000, 50})},
                             {"n", torch::tensor(int64_t{1} << 40)}};
  save_safetensors(dir / "w", tensors, {}, /*half=*/true);
  EXPECT_LT(std::filesystem::file_size(dir / "w"), 1000 * 50 * 2 + 300);
  const auto file = load_safetensors(dir / "w");
  EXPECT_EQ(file.tensors[0].second.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::allclose(file.tensors[0].second, tensors[0].second, 1e-3, 0));
  EXPECT_EQ(file.tensors[1].second.item<int64_t>(), int64_t{1} << 40);
}

TEST(Safetensors, refuses_to_save_what_the_file_would_not_hold) {
  const TempDir dir;
  EXPECT_THROW(save_safetensors(dir / "w", {{"w", torch::full({1}, 1e6f)}}, {}, true), Error);
  EXPECT_THROW(save_safetensors(dir / "w", {{"w", torch::zeros({1}, torch::kInt32)}}), Error);
  EXPECT_THROW(save_safetensors(dir / "w", {{"w", torch::zeros({1})}, {"w", torch::zeros({1})}}),
               Error);
  EXPECT_FALSE(std::filesystem::exists(dir / "w"));
}

TEST(Safetensors, every_truncation_is_an_error) {
  const TempDir dir;
  save_safetensors(dir / "w", sample(), {{"k", "v"}});
  const auto bytes = read_file(dir / "w");
  for (size_t size = 0; size < bytes.size(); size += 5) {
    write_file_atomically(dir / "cut", std::span(bytes).first(size));
    EXPECT_THROW(load_safetensors(dir / "cut"), Error) << size;
  }
}

TEST(Safetensors, writing_to_what_was_read_leaves_the_file_alone) {
  const TempDir dir;
  save_safetensors(dir / "w", {{"w", torch::zeros({3})}});
  load_safetensors(dir / "w").tensors[0].second.fill_(1);
  EXPECT_TRUE(torch::equal(load_safetensors(dir / "w").tensors[0].second, torch::zeros({3})));
}

}  // namespace
}  // namespace cairn::nn
