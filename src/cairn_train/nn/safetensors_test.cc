#include "cairn_train/nn/safetensors.h"

#include <gtest/gtest.h>

#include <functional>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/random.h"
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

std::vector<uint8_t> file_bytes(const std::string& header, size_t data_size) {
  std::string text;
  for (size_t i = 0; i < 8; ++i) text.push_back(static_cast<char>(header.size() >> (8 * i)));
  text.append(header).append(data_size, '\1');
  return {text.begin(), text.end()};
}

void expect_refused(const std::string& header, size_t data_size, const std::string& reason) {
  try {
    parse_safetensors(file_bytes(header, data_size), "test.safetensors");
    ADD_FAILURE() << "accepted: " << header;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("test.safetensors: "), std::string::npos);
    EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
  }
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

TEST(Safetensors, refuses_files_that_lie_about_themselves) {
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_EQ(parse_safetensors(file_bytes(good, 8), "good").tensors.size(), 1u);
  expect_refused(good, 9, "belong to no tensor");
  expect_refused(good, 7, "past the end");
  expect_refused("[]", 0, "not a JSON object");
  expect_refused(R"({"a":1})", 0, "object");
  expect_refused("{", 0, "not a JSON object");
  expect_refused(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", 8, "F64");
  expect_refused(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "no dtype");
  expect_refused(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "disagree");
  expect_refused(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "bad shape");
  expect_refused(R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "bad shape");
  expect_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "past the end");
  expect_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "two data_offsets");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "hole");
  expect_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                 8, "overlap");
  // Products that wrap around 2^64 to the right size.
  expect_refused(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
                 "disagree");
  expect_refused(R"({"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}})",
                 0, "disagree");
  expect_refused(R"({"__metadata__":{"a":1}})", 0, "not text");
  expect_refused(std::string(200000, '['), 0, "not a JSON object");
}

TEST(Safetensors, every_truncation_is_an_error) {
  const TempDir dir;
  save_safetensors(dir / "w", sample(), {{"k", "v"}});
  const auto bytes = read_file(dir / "w");
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(parse_safetensors(std::span(bytes).first(size), "cut"), Error) << size;
  }
}

TEST(Safetensors, damaged_files_are_read_or_refused_but_never_crash) {
  const TempDir dir;
  save_safetensors(dir / "w", sample(), {{"k", "v"}});
  const auto bytes = read_file(dir / "w");
  Rng rng(7);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    auto damaged = bytes;
    for (uint64_t flips = 1 + rng.below(3); flips > 0; --flips) {
      damaged[rng.below(damaged.size())] = static_cast<uint8_t>(rng.next());
    }
    try {
      parse_safetensors(damaged, "damaged");
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace cairn::nn
