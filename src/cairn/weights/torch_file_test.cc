#include "cairn/weights/torch_file.h"

#include <gtest/gtest.h>

#include <cstring>

#include "cairn/base/files.h"
#include "cairn/base/random.h"
#include "cairn/base/testing/testing.h"
#include "cairn/weights/testing/expect_refused.h"
#include "cairn/weights/testing/sample_files.h"
#include "cairn/weights/weight_file.h"

namespace cairn::weights {
namespace {

using namespace testing;

void expect_refused(const Bytes& bytes, const std::string& reason, const std::string& key = "") {
  testing::expect_refused([&] { parse_weights(bytes, "x", key); }, reason);
}

float element(const StoredTensor& tensor, int64_t i, int64_t j) {
  float value = 0;
  std::memcpy(&value, tensor.data.data() + 4 * (i * tensor.strides[0] + j * tensor.strides[1]), 4);
  return value;
}

std::vector<std::string> names(const WeightFile& file) {
  std::vector<std::string> names;
  for (const NamedTensor& weight : file.tensors) names.push_back(weight.name);
  return names;
}

// The sample's storage of floats alone: a legacy file of this writer has one element size.
std::string floats_dict() {
  return dict({{"weight", tensor(storage("FloatStorage", "0", 7), 1, {2, 3}, {1, 2})}});
}
Storages floats() { return {sample_storages()[0]}; }

std::string dict_of(const std::vector<std::string>& keys) {
  std::vector<std::pair<std::string, std::string>> items;
  for (const std::string& key : keys)
    items.emplace_back(key, tensor(storage("FloatStorage", "0", 7), 0, {7}, {1}));
  return dict(items);
}

TEST(TorchFile, reads_views_from_both_formats) {
  for (const bool zip : {true, false}) {
    const Bytes bytes = zip ? torch_zip(pickle(floats_dict()), floats())
                            : torch_legacy(pickle(floats_dict()), floats());
    const WeightFile file = parse_weights(bytes, "x");
    ASSERT_EQ(names(file), std::vector<std::string>{"weight"});
    const StoredTensor& weight = file.tensors[0].tensor;
    EXPECT_EQ(weight.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(element(weight, 0, 0), 0.5F);
    EXPECT_EQ(element(weight, 1, 2), 3.0F);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(weight.data.data()) % 4, 0U);
  }
}

TEST(TorchFile, stays_readable_after_its_file_is_replaced) {
  const cairn::testing::TempDir dir;
  write_file_atomically(dir / "w.pth", torch_zip(pickle(floats_dict()), floats()));
  const WeightFile file = load_weights(dir / "w.pth");
  write_text_atomically(dir / "w.pth", "");
  EXPECT_EQ(element(file.tensors[0].tensor, 1, 2), 3.0F);
  EXPECT_THROW(load_weights(dir / "w.pth"), Error);
  EXPECT_THROW(load_weights(dir / "missing.pth"), Error);
  EXPECT_THROW(load_weights(dir.path()), Error);
}

TEST(TorchFile, refuses_a_tensor_of_a_terabyte) {
  const int64_t count = int64_t{1} << 38;
  const std::string huge = dict(
      {{"w", tensor(storage("FloatStorage", "0", count), 0, {1 << 19, 1 << 19}, {1 << 19, 1})}});
  expect_refused(torch_zip(pickle(huge), floats()), "a tensor reaches past");
  const std::string claimed =
      dict({{"w", tensor(storage("FloatStorage", "0", count), 0, {2}, {1})}});
  expect_refused(torch_zip(pickle(claimed), floats()), "claims 274877906944 elements");
  expect_refused(torch_legacy(pickle(claimed), floats()),
                 "claims 274877906944 elements, but has 7");
  Bytes legacy = torch_legacy(pickle(claimed), floats());
  // The count before the data too.
  const std::string honest = little_endian(7, 8);
  const auto at = std::find_end(legacy.begin(), legacy.end(), honest.begin(), honest.end());
  const std::string lie = little_endian(static_cast<uint64_t>(count), 8);
  std::copy(lie.begin(), lie.end(), at);
  expect_refused(legacy, "cut short");
}

TEST(TorchFile, refuses_archives_that_are_not_of_torch_save) {
  expect_refused(zip({{"a/readme", ""}}), "not of torch.save");
  expect_refused(zip({{"a/data.pkl", pickle("}")}, {"a/constants.pkl", ""}}), "TorchScript");
  expect_refused(zip({{"a/data.pkl", pickle("}")}, {"a/byteorder", "big"}}), "big-endian");
  expect_refused(torch_zip(pickle(floats_dict()), {}), "no entry archive/data/0");
  expect_refused(as_bytes(pickle(floats_dict())), "a pickle, but not one of torch.save");
  expect_refused(torch_zip(pickle(floats_dict()), floats(), {.method = 8}), "compressed");
  expect_refused({}, "safetensors");
}

TEST(TorchFile, refuses_legacy_files_whose_storages_do_not_match) {
  expect_refused(torch_legacy(pickle(floats_dict()), {}), "storage 0 is missing");
  Storages twice = floats();
  twice.push_back(twice[0]);
  expect_refused(torch_legacy(pickle(floats_dict()), twice), "twice there");
  Bytes longer = torch_legacy(pickle(floats_dict()), floats());
  longer.push_back(0);
  expect_refused(longer, "belong to nothing");
}

TEST(WeightFile, finds_the_state_dict_of_a_training_checkpoint) {
  const auto read = [](const std::string& value, const std::string& key = "") {
    static Bytes bytes;
    bytes = torch_zip(pickle(value), floats());
    return parse_weights(bytes, "x", key);
  };
  const std::string state = dict_of({"a", "b"});
  const std::string loss = tensor(storage("FloatStorage", "0", 7), 0, {}, {});
  const WeightFile plain = read(state);
  EXPECT_EQ(plain.key, "");
  EXPECT_EQ(names(plain), (std::vector<std::string>{"a", "b"}));
  // A tensor beside it does not make the checkpoint itself a state dict.
  for (const char* key : {"state_dict", "model", "net", "model_state_dict"})
    EXPECT_EQ(read(dict({{"loss", loss}, {"epoch", integer(1)}, {key, state}})).key, key);
  EXPECT_EQ(read(dict({{"epoch", integer(1)}, {"teacher", state}})).key, "teacher");
  EXPECT_EQ(names(read(dict({{"model", dict_of({"a"})}, {"ema", dict_of({"c"})}}), "ema")),
            std::vector<std::string>{"c"});
  const auto refused = [](const std::string& value, const std::string& reason,
                          const std::string& key = "") {
    expect_refused(torch_zip(pickle(value), floats()), reason, key);
  };
  refused(dict({{"first", state}, {"second", state}}),
          "say with --key which entry to take; it has first (2 tensors), second (2 tensors)");
  refused(dict({{"epoch", integer(1)}}), "holds no state dict; it has epoch");
  refused(dict({{"model", state}}), "has no state dict ema; it has model (2 tensors)", "ema");
  refused("]", "holds no state dict");
  refused(dict_of({"a", "a"}), "twice");
  refused(dict_of({"a\n"}), "control characters");
}

TEST(WeightFile, takes_wrappers_off_only_where_all_names_have_them) {
  const auto stripped = [](const std::vector<std::string>& keys) {
    const Bytes bytes = torch_zip(pickle(dict_of(keys)), floats());
    WeightFile file = parse_weights(bytes, "x");
    strip_wrappers(file);
    return names(file);
  };
  EXPECT_EQ(stripped({"module.a", "module.module.b"}), (std::vector<std::string>{"a", "module.b"}));
  EXPECT_EQ(stripped({"module._orig_mod.a"}), std::vector<std::string>{"a"});
  EXPECT_EQ(stripped({"module.a", "b"}), (std::vector<std::string>{"module.a", "b"}));
}

TEST(WeightFile, sample_files_are_read_or_refused_cut_or_damaged_too) {
  size_t accepted = 0;
  Rng rng(3);
  for (const SampleFile& sample : sample_files()) {
    try {
      parse_weights(sample.bytes, sample.name);
      ++accepted;
    } catch (const Error&) {
    }
    for (size_t size = 0; size < sample.bytes.size(); size += 7)
      EXPECT_THROW(parse_weights(std::span(sample.bytes).first(size), "cut"), Error) << sample.name;
    for (int round = 0; round < 300; ++round) {
      Bytes damaged = sample.bytes;
      damaged[rng.below(damaged.size())] = static_cast<uint8_t>(rng.next());
      try {
        parse_weights(damaged, "damaged");
      } catch (const Error&) {
      }
    }
  }
  EXPECT_EQ(accepted, 6U);
}

}  // namespace
}  // namespace cairn::weights
