#include "cairn/weights/pickle.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>

#include "cairn/weights/testing/expect_refused.h"
#include "cairn/weights/testing/sample_files.h"

namespace cairn::weights {
namespace {

using namespace testing;

Pickle parse(const std::string& value) { return parse_pickle(as_bytes(pickle(value)), "x"); }

void expect_refused(const std::string& value, const std::string& reason) {
  const Bytes bytes = as_bytes(pickle(value));
  testing::expect_refused([&] { parse_pickle(bytes, "x"); }, reason);
}

int64_t peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

std::string repeated(const std::string& part, size_t times) {
  std::string all;
  all.reserve(part.size() * times);
  for (size_t i = 0; i < times; ++i) all += part;
  return all;
}

TEST(Pickle, reads_the_tensors_of_a_state_dict) {
  const Bytes bytes = as_bytes(pickle(sample_dict()));
  const Pickle parsed = parse_pickle(bytes, "x");
  ASSERT_EQ(parsed[parsed.root].kind, PickleKind::kDict);
  ASSERT_EQ(parsed.tensors.size(), 2U);
  EXPECT_EQ(parsed.tensors[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(parsed.tensors[0].strides, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(parsed.tensors[0].offset, 1);
  EXPECT_EQ(parsed.storages[1].dtype, DType::kInt64);
  EXPECT_EQ(parsed.size, bytes.size());
}

TEST(Pickle, reads_integers_of_every_length) {
  const auto number = [](const std::string& value) {
    const Pickle parsed = parse(value);
    return parsed[parsed.root].number;
  };
  EXPECT_EQ(number("K\xff"), 255);
  EXPECT_EQ(number(std::string("M\xff\xff")), 65535);
  EXPECT_EQ(number(integer(-2)), -2);
  EXPECT_EQ(number("\x8a\x01\xff"), -1);
  EXPECT_EQ(number(std::string("\x8a\x00", 2)), 0);
  EXPECT_EQ(number(long_integer(INT64_MIN)), INT64_MIN);
  EXPECT_EQ(number("\x88"), 1);
}

TEST(Pickle, refuses_what_would_run_and_names_it) {
  const std::string arguments = tuple({text("touch /tmp/hacked")});
  expect_refused(call(global("os", "system"), arguments), "os.system");
  expect_refused(call(global("posix", "system"), arguments), "posix.system");
  expect_refused(text("builtins") + text("eval") + "\x93" + arguments + "R", "builtins.eval");
  expect_refused(text("os") + text("system") + "\x93" + arguments + "\x81", "os.system");
  expect_refused(dict({{"weight", global("my.module", "Net")}}), "my.module.Net");
  expect_refused("ios\nsystem\n(R", "opcode 0x69");  // INST
  expect_refused("\x82\x01", "opcode 0x82");         // EXT1
  expect_refused(global("evil\x1b[2J", "a"), "evil?[2J.a");
  expect_refused(call(text("os.system"), arguments), "no function");
  expect_refused(call(global("torch", "FloatStorage"), arguments), "storage");
}

TEST(Pickle, refuses_ten_million_levels_in_bounded_memory_and_time) {
  const auto start = std::chrono::steady_clock::now();
  const int64_t before = peak_kilobytes();
  for (const char* part : {"]", "(", "}", "K\1\x85", "]q\1", "h\1"}) {
    const std::string head = std::string(part) == "h\1" ? "]q\1" : "";
    expect_refused(head + repeated(part, 10'000'000), "too deep");
  }
  // Each list in the next one: [[[…]]] on one place of the stack.
  expect_refused("]" + repeated("\x85", 10'000'000), "values");
  expect_refused("]" + repeated("\x85", 1000), "too deep");
  expect_refused(repeated("N0", 10'000'000), "values");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 20);
  EXPECT_LT(peak_kilobytes() - before, 600 * 1024);
}

TEST(Pickle, refuses_values_that_hold_themselves) {
  expect_refused("]q\1h\1a", "holds itself");
  expect_refused("}q\1" + text("a") + "h\1s", "holds itself");
  expect_refused("]q\1]q\2h\1aa", "holds itself");
  // The same value twice is no circle.
  EXPECT_NO_THROW(parse("](]q\1h\1e"));
}

TEST(Pickle, doubling_lists_stay_small) {
  // Twenty levels of two references each would be a million lists, if anybody copied them.
  std::string value = "]q\1";
  for (int level = 0; level < 20; ++level) value += "0h\1h\1\x86q\1";
  EXPECT_LT(parse(value).values.size(), 30U);
  // Copies are counted.
  const std::string pairs = "](" + repeated(tuple({"N", "N"}), 20000) + "eq\1";
  const std::string ordered = "0" + global("collections", "OrderedDict") + "h\1\x85R";
  expect_refused(pairs + repeated(ordered, 100), "copies too much");
}

TEST(Pickle, refuses_memos_and_stacks_that_are_not_there) {
  expect_refused("h\7", "memo 7");
  expect_refused("j\xff\xff\xff\xff", "memo 4294967295");
  expect_refused("q\1", "not there");
  expect_refused("t", "not there");
  expect_refused("N(0", "not there");
  expect_refused("(N(\x85", "not there");
  expect_refused("(Na", "not there");
  expect_refused("NN", "middle of a value");
  expect_refused("", "middle of a value");
  expect_refused("Q", "not there");
  expect_refused("N(Nu", "holds none");
  expect_refused("}(Nu", "no value");
  expect_refused("NNb", "attributes");
}

TEST(Pickle, refuses_lengths_past_the_end) {
  expect_refused("\x8b\xff\xff\xff\x7f", "cut short");  // LONG4
  expect_refused("X\xff\xff\xff\xff", "cut short");
  expect_refused("\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "cut short");
  expect_refused("\x80\x06", "protocol");
  expect_refused("ctorch", "cut short");
}

TEST(Pickle, refuses_tensors_that_reach_past_their_storage) {
  const std::string of = storage("FloatStorage", "0", 6);
  EXPECT_NO_THROW(parse(tensor(of, 0, {2, 3}, {3, 1})));
  EXPECT_NO_THROW(parse(tensor(of, 5, {1000, 1}, {0, 7})));
  EXPECT_NO_THROW(parse(tensor(of, 6, {0, 3}, {3, 1})));
  for (const std::string& bad :
       {tensor(of, 1, {2, 3}, {3, 1}), tensor(of, -1, {1}, {1}), tensor(of, 7, {0}, {1}),
        tensor(of, 0, {2, 3}, {4, 1}), tensor(of, 5, {2}, {-1}), tensor(of, 0, {-1}, {1}),
        tensor(of, 0, {2, 3}, {3}), tensor(of, 0, {int64_t{1} << 38}, {1}),
        tensor(of, 0, {int64_t{1} << 38}, {0}), tensor(of, 0, {int64_t{1} << 32, 1 << 30}, {0, 0}),
        tensor(of, 0, {0, int64_t{1} << 62}, {1, 1}), tensor(of, INT64_MAX, {2}, {INT64_MAX}),
        tensor(of, 0, {2, 2}, {INT64_MAX, INT64_MAX})})
    expect_refused(bad, "a tensor reaches past the 6 elements of storage 0");
  expect_refused(tensor(of, 0, std::vector<int64_t>(9, 1), std::vector<int64_t>(9, 1)),
                 "bad shape");
  expect_refused(tensor("N", 0, {1}, {1}), "not built from a storage");
  expect_refused(storage("FloatStorage", "0", -1), "negative");
  expect_refused(tuple({of, storage("LongStorage", "0", 6)}), "described twice");
}

TEST(Pickle, keeps_numpy_scalars_counters_and_sets_as_values_nobody_asks_for) {
  const std::string scalar =
      call(global("numpy.core.multiarray", "scalar"),
           tuple({call(global("numpy", "dtype"), tuple({text("f8"), "\x89", "\x88"})) +
                      tuple({integer(3), text("<"), "N", "N", "N"}) + "b",
                  call(global("_codecs", "encode"), tuple({text("12345678"), text("latin1")}))}));
  const std::string counter = call(global("collections", "Counter"), tuple({"}"}));
  const std::string set = "\x8f(K\1K\2\x90";
  const Pickle parsed = parse(dict({{"loss", scalar}, {"milestones", counter}, {"set", set}}));
  for (const size_t i : {1, 3, 5})
    EXPECT_EQ(parsed[parsed[parsed.root].items[i]].kind, PickleKind::kOther);
}

TEST(Pickle, every_truncation_is_an_error) {
  const Bytes bytes = as_bytes(pickle(sample_dict()));
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(parse_pickle(std::span(bytes).first(size), "x"), Error) << size;
}

}  // namespace
}  // namespace cairn::weights
