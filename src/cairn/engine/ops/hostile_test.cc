// Every operator against inputs and attributes that make no sense.
#include <gtest/gtest.h>

#include <random>

#include "cairn/base/error.h"
#include "cairn/engine/ops/op_testing.h"

namespace cairn::engine::ops {
namespace {

constexpr int kCallsPerOperator = 400;

class Chaos {
 public:
  explicit Chaos(uint64_t seed) : engine_(seed) {}

  template <typename T>
  T pick(const std::vector<T>& choices) {
    return choices[engine_() % choices.size()];
  }

  int64_t integer() {
    return pick<int64_t>({INT64_MIN, -(int64_t{1} << 33), -2, -1, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 7,
                          64, 4097, int64_t{1} << 33, INT64_MAX});
  }

  float real() { return pick<float>({-INFINITY, -1e30F, -1, 0, 0.5F, 1, 2, 1e30F, INFINITY, NAN}); }

  Tensor tensor() {
    Shape shape(engine_() % 6);
    for (int64_t& dim : shape) dim = pick<int64_t>({0, 1, 1, 1, 2, 2, 2, 3, 4, 5});
    const DType type =
        pick<DType>({DType::kF32, DType::kF32, DType::kF32, DType::kI64, DType::kI64, DType::kF64,
                     DType::kF16, DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32,
                     DType::kU32, DType::kU64, DType::kBool});
    // Half of the inputs look like lists of sizes.
    if (engine_() % 3 == 0) shape.assign(1, static_cast<int64_t>(engine_() % 9));
    Tensor result(type, shape);
    const bool sane = engine_() % 2 == 0;
    for (size_t i = 0; i < result.count(); ++i) {
      if (type == DType::kF32) {
        result.data<float>()[i] = sane ? static_cast<float>(engine_() % 5) : real();
      } else if (type == DType::kI64) {
        result.data<int64_t>()[i] = sane ? static_cast<int64_t>(engine_() % 4) : integer();
      }
    }
    if (type != DType::kF32 && type != DType::kI64) {
      for (size_t i = 0; i < result.bytes(); ++i) {
        result.data<uint8_t>()[i] = static_cast<uint8_t>(sane ? engine_() % 3 : engine_());
      }
    }
    return result;
  }

  AttributeValue attribute() {
    std::vector<int64_t> ints(engine_() % 9);
    for (int64_t& value : ints) value = engine_() % 3 ? 1 : integer();
    switch (engine_() % 8) {
      case 0:
      case 1:
        return integer();
      case 2:
        return real();
      case 3:
        return pick<std::string>({"", "SAME_UPPER", "SAME_LOWER", "VALID", "linear", "cubic",
                                  "reflect", "edge", "add", "mul", "CRD", "LEFT", "align_corners",
                                  "tf_crop_and_resize", "ceil", "ij,jk->ik", "...ii->i", "..",
                                  ","});
      case 4:
        return std::vector<float>(ints.size(), real());
      case 5:
        return tensor();
      default:
        return ints;
    }
  }

  uint64_t next() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

class EveryOperator : public ::testing::Test {
 protected:
  void SetUp() override { before_ = set_tensor_limit(1 << 16); }
  void TearDown() override { set_tensor_limit(before_); }

 private:
  size_t before_ = 0;
};

TEST_F(EveryOperator, answers_nonsense_with_a_result_or_an_error) {
  size_t errors = 0;
  size_t results = 0;
  uint64_t seed = 0;
  for (const std::string& name : known_ops()) {
    const OpInfo& info = *find_op(name);
    size_t worked = 0;
    for (int call = 0; call < kCallsPerOperator; ++call) {
      Chaos chaos(++seed);
      std::vector<Tensor> inputs;
      const Tensor first = chaos.tensor();
      for (uint64_t i = chaos.next() % 6; i > 0; --i) {
        inputs.push_back(chaos.next() % 3 ? chaos.tensor() : first);
      }
      Attributes attributes;
      for (const std::string_view key : info.attributes) {
        if (chaos.next() % 2) attributes[std::string(key)] = chaos.attribute();
      }
      const auto opsets = static_cast<uint64_t>(info.max_opset - info.min_opset + 1);
      const auto opset = info.min_opset + static_cast<int64_t>(chaos.next() % opsets);
      try {
        run_op(name, inputs, attributes, opset, 1 + chaos.next() % 4);
        ++worked;
      } catch (const Error&) {
        ++errors;
      }
    }
    results += worked;
  }
  EXPECT_GT(errors, 0U);
  EXPECT_GT(results, errors / 20);
}

TEST_F(EveryOperator, asks_for_its_inputs) {
  for (const std::string& name : known_ops()) {
    if (name == "Constant") continue;
    EXPECT_THROW(run_op(name, {}, {}, find_op(name)->max_opset), Error) << name;
  }
}

TEST(Registry, has_sound_opsets_and_sorted_names) {
  const std::vector<std::string> names = known_ops();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const std::string& name : names) {
    const OpInfo* info = find_op(name);
    ASSERT_NE(info, nullptr);
    EXPECT_NE(info->run, nullptr) << name;
    EXPECT_LE(info->min_opset, info->max_opset) << name;
  }
  EXPECT_EQ(find_op("NoSuchOperator"), nullptr);
}

}  // namespace
}  // namespace cairn::engine::ops
