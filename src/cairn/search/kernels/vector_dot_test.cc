#include "cairn/search/kernels/vector_dot.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/base/testing/instructions.h"

namespace cairn::search::kernels {
namespace {

void expect_as_plain() {
  const VectorDots fast = vector_dots();
  const VectorDots plain = vector_dots_plain();
  for (const size_t count : {size_t{64}, size_t{128}, size_t{192}, size_t{512}, size_t{65536}}) {
    Rng rng(count);
    std::vector<uint8_t> bytes[2];
    std::vector<float> numbers[2];
    std::vector<uint16_t> halves[2];
    double squares = 0;
    for (size_t i = 0; i < 2 * count; ++i) {
      bytes[i % 2].push_back(static_cast<uint8_t>(rng.chance(0.5) ? 255 : 1 + rng.below(255)));
      numbers[i % 2].push_back(static_cast<float>(rng.normal()));
      halves[i % 2].push_back(
          static_cast<uint16_t>(std::bit_cast<uint32_t>(numbers[i % 2].back()) >> 16));
      squares += static_cast<double>(numbers[i % 2].back()) * numbers[i % 2].back() / 2;
    }
    ASSERT_EQ(fast.int8(bytes[0].data(), bytes[1].data(), count),
              plain.int8(bytes[0].data(), bytes[1].data(), count));
    ASSERT_NEAR(fast.float32(numbers[0].data(), numbers[1].data(), count),
                plain.float32(numbers[0].data(), numbers[1].data(), count), 1e-5 * squares);
    ASSERT_NEAR(fast.bfloat16(halves[0].data(), halves[1].data(), count),
                plain.bfloat16(halves[0].data(), halves[1].data(), count), 1e-5 * squares);
  }
}

TEST(vector_dots, are_those_of_the_plain_functions_with_any_instructions) {
  cairn::testing::with_any_instructions(expect_as_plain);
}

}  // namespace
}  // namespace cairn::search::kernels
