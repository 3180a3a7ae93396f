#include "cairn/base/checksum.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace cairn {
namespace {

TEST(checksum, is_xxh3) {
  EXPECT_EQ(checksum({}), 0x2D06800538D394C2U);  // of xxHash's own tests
  const std::string_view text = "abc";
  EXPECT_EQ(checksum({reinterpret_cast<const uint8_t*>(text.data()), text.size()}),
            0x78AF5F94892F3950U);
}

TEST(checksum, does_not_depend_on_the_pieces) {
  std::vector<uint8_t> bytes(3000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * i >> 3);
  Checksum pieces;
  pieces.update(std::span(bytes).first(7));
  pieces.reset();
  for (size_t i = 0; i < bytes.size(); i += 100) pieces.update(std::span(bytes).subspan(i, 100));
  EXPECT_EQ(pieces.value(), checksum(bytes));
  bytes[1234] ^= 1;
  EXPECT_NE(pieces.value(), checksum(bytes));
}

}  // namespace
}  // namespace cairn
