#include "cairn/base/npy.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn {
namespace {

TEST(Npy, writes_what_it_reads) {
  const testing::TempDir folder;
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{6}, {2, 3}, {1, 2, 3}, {0, 4}}) {
    std::vector<float> values(shape == std::vector<int64_t>{0, 4} ? 0 : 6);
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.5F * static_cast<float>(i);
    write_npy(folder / "a.npy", shape, values);
    const NpyArray<float> read = read_npy_f32(folder / "a.npy");
    EXPECT_EQ(read.shape, shape);
    EXPECT_EQ(read.values, values);
  }
}

TEST(Npy, rejects_every_truncation) {
  const testing::TempDir folder;
  write_npy(folder / "a.npy", std::vector<int64_t>{2, 2}, std::vector<float>{1, 2, 3, 4});
  const std::vector<uint8_t> bytes = read_file(folder / "a.npy");
  for (size_t size = 0; size < bytes.size(); ++size) {
    write_file_atomically(folder / "b.npy", std::span(bytes).first(size));
    EXPECT_THROW(read_npy_f32(folder / "b.npy"), Error) << size;
  }
}

TEST(Npy, rejects_shapes_that_overflow_and_other_element_types) {
  const auto parse = [](const std::string& dict) {
    std::string file("\x93NUMPY\x01\x00", 8);
    file += static_cast<char>(dict.size());
    file += '\0';
    file += dict;
    const std::span bytes(reinterpret_cast<const uint8_t*>(file.data()), file.size());
    return parse_npy_header(bytes, bytes.size() + 64, "test");
  };
  EXPECT_EQ(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4), }").element_count(),
            16U);
  EXPECT_THROW(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 5), }"), Error);
  EXPECT_THROW(
      parse("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"),
      Error);
  EXPECT_THROW(parse("{'descr': '<f4', 'fortran_order': True, 'shape': (4, 4), }"), Error);
  EXPECT_THROW(parse("{'descr': '|O', 'fortran_order': False, 'shape': (4,), }"), Error);
  EXPECT_THROW(parse("{'descr': '<f4', 'shape': (4,), }"), Error);
}

}  // namespace
}  // namespace cairn
