// A fuzz target is one source file that defines these two: what one input goes through, and inputs
// to begin with. It is linked three ways: with libFuzzer (preset fuzz), with write_seeds.cc (the
// seed corpus of libFuzzer), and with replay.cc (mutated seeds in the tests of every preset).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

// Must return 0 whatever the bytes are. A crash, an exception or a sanitizer's report is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace cairn::fuzz {

struct Seed {
  std::string name;  // a file name
  std::vector<uint8_t> bytes;
};

std::vector<Seed> seeds();

// Ends the program as a finding where a target's own check fails; `what` is printed, such as the
// message that is not as it should be.
inline void require(bool condition, const char* what = "") {
  if (condition) return;
  std::fprintf(stderr, "a check of the fuzz target failed: %s\n", what);
  __builtin_trap();
}

}  // namespace cairn::fuzz
