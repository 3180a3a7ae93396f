// fuzz_NAME_replay SECONDS: runs the target on its seeds and then on mutated seeds for that long,
// in the same order every time. A finding kills the program; the input is then in crash-NAME-….
// fuzz_NAME_replay FILE…: runs the target on the files.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "cairn/base/files.h"
#include "cairn/base/random.h"
#include "target.h"

namespace {

using Bytes = std::vector<uint8_t>;

// The input that runs now, for the signal handler.
const Bytes* current_input = nullptr;
std::string crash_file;

void save_input(int signal) {
  const int file = ::open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file >= 0 && current_input != nullptr) {
    const ssize_t ignored = ::write(file, current_input->data(), current_input->size());
    static_cast<void>(ignored);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const Bytes& input) {
  current_input = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

// One random edit of the kind that finds parser bugs.
void mutate(Bytes& bytes, const Bytes& other, cairn::Rng& rng) {
  static constexpr std::array<uint8_t, 8> kInteresting = {0, 1, 0x7F, 0x80, 0xFF, 0xFE, 0x20, 0x2C};
  if (bytes.empty()) bytes.push_back(0);
  const size_t at = rng.below(bytes.size());
  const size_t length = 1 + rng.below(std::min<size_t>(bytes.size() - at, 64));
  const auto begin = bytes.begin() + static_cast<ptrdiff_t>(at);
  const auto end = begin + static_cast<ptrdiff_t>(length);
  switch (rng.below(7)) {
    case 0:
      *begin ^= static_cast<uint8_t>(1U << rng.below(8));
      break;
    case 1:
      *begin = static_cast<uint8_t>(rng.below(256));
      break;
    case 2:  // often the high bytes of a length or an offset
      std::fill(begin, begin + static_cast<ptrdiff_t>(std::min<size_t>(length, 4)),
                kInteresting[rng.below(kInteresting.size())]);
      break;
    case 3:
      bytes.erase(begin, end);
      break;
    case 4: {
      const Bytes copy(begin, end);
      bytes.insert(begin, copy.begin(), copy.end());
      break;
    }
    case 5:
      bytes.resize(at);
      break;
    default:
      if (!other.empty()) {
        const size_t from = rng.below(other.size());
        const size_t count = std::min({length, other.size() - from, bytes.size() - at});
        std::copy_n(other.begin() + static_cast<ptrdiff_t>(from), count, begin);
      }
  }
}

size_t run_mutated(const std::vector<cairn::fuzz::Seed>& seeds, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto stop = Clock::now() + std::chrono::duration<double>(seconds);
  size_t count = 0;
  for (cairn::Rng rng(1); Clock::now() < stop; ++count) {
    Bytes input = seeds[rng.below(seeds.size())].bytes;
    const Bytes& other = seeds[rng.below(seeds.size())].bytes;
    for (uint64_t edits = 1 + rng.below(6); edits > 0; --edits) mutate(input, other, rng);
    run(input);
  }
  return count;
}

int replay(int argc, char** argv) {
  if (argc < 2) throw cairn::Error("usage: fuzz_NAME_replay SECONDS|FILE...");
  char* rest = nullptr;
  const double seconds = std::strtod(argv[1], &rest);
  if (*rest != '\0') {
    for (int i = 1; i < argc; ++i) run(cairn::read_file(argv[i]));
    std::printf("%d files: no finding\n", argc - 1);
    return 0;
  }
  const std::vector<cairn::fuzz::Seed> seeds = cairn::fuzz::seeds();
  for (const cairn::fuzz::Seed& seed : seeds) run(seed.bytes);
  const size_t count = run_mutated(seeds, seconds);
  std::printf("%zu seeds and %zu mutations: no finding\n", seeds.size(), count);
  return seeds.empty() || count == 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    crash_file =
        "crash-" + cairn::fs::path(argv[0]).filename().string() + "-" + std::to_string(::getpid());
    for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS, SIGTRAP}) {
      std::signal(signal, save_input);
    }
    return replay(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::abort();
  }
}
