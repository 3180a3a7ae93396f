#include "cairn/weights/safetensors.h"

#include <gtest/gtest.h>

#include "cairn/weights/testing/expect_refused.h"
#include "cairn/weights/testing/sample_files.h"

namespace cairn::weights {
namespace {

using namespace testing;

void expect_refused(const std::string& header, size_t data_size, const std::string& reason) {
  const Bytes bytes = safetensors(header, std::string(data_size, '\1'));
  testing::expect_refused([&] { parse_safetensors(bytes, "x"); }, reason);
}

TEST(Safetensors, reads_every_element_type) {
  size_t size = 0;
  std::string header;
  for (const auto& [name, bytes] : std::vector<std::pair<std::string, size_t>>{{"F16", 2},
                                                                               {"BF16", 2},
                                                                               {"F32", 4},
                                                                               {"F64", 8},
                                                                               {"I8", 1},
                                                                               {"I16", 2},
                                                                               {"I32", 4},
                                                                               {"I64", 8},
                                                                               {"U8", 1},
                                                                               {"BOOL", 1}}) {
    header += (header.empty() ? "{\"" : ",\"") + name + R"(":{"dtype":")" + name +
              R"(","shape":[1],"data_offsets":[)" + std::to_string(size) + "," +
              std::to_string(size + bytes) + "]}";
    size += bytes;
  }
  const Bytes bytes = safetensors(header + "}", std::string(size, '\1'));
  const SafetensorsView view = parse_safetensors(bytes, "x");
  ASSERT_EQ(view.tensors.size(), 10U);
  for (const NamedTensor& weight : view.tensors)
    EXPECT_EQ(weight.tensor.data.size(), static_cast<size_t>(size_of(weight.tensor.dtype)));
}

TEST(Safetensors, refuses_files_that_lie_about_themselves) {
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const Bytes bytes = safetensors(good, std::string(8, '\1'));
  const SafetensorsView view = parse_safetensors(bytes, "x");
  ASSERT_EQ(view.tensors.size(), 1U);
  EXPECT_EQ(view.tensors[0].tensor.data.data(), bytes.data() + bytes.size() - 8);
  expect_refused(good, 9, "belong to no tensor");
  expect_refused(good, 7, "past the end");
  expect_refused("[]", 0, "not a JSON object");
  expect_refused(R"({"a":1})", 0, "object");
  expect_refused("{", 0, "not a JSON object");
  expect_refused(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,8]}})", 8, "F8_E4M3");
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

}  // namespace
}  // namespace cairn::weights
