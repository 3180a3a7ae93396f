#include "cairn/engine/roofline.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

namespace cairn::engine {
namespace {

constexpr int64_t kSide = 768;
constexpr int kRounds = 12;
constexpr size_t kLeastCopied = 64 << 20;  // bytes in a round, so that the clock is fine enough

// The fastest of several runs.
template <typename Function>
double fastest(Function function) {
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    function();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count());
  }
  return best;
}

using Type = dnnl::memory::data_type;

double measure_flops(Type type) {
  using dnnl::memory;
  const bool int8 = type == Type::u8;
  const auto any = [](Type of) {
    return memory::desc({kSide, kSide}, of, memory::format_tag::any);
  };
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const dnnl::matmul::primitive_desc description(
      dnnl::matmul::desc(any(type), any(int8 ? Type::s8 : type), any(type)), engine);
  const dnnl::matmul primitive(description);
  const auto zeros = [&](const memory::desc& layout) {
    const memory made(layout, engine);
    std::memset(made.get_data_handle(), 0, layout.get_size());
    return made;
  };
  const memory left = zeros(description.src_desc());
  const memory right = zeros(description.weights_desc());
  const memory product = zeros(description.dst_desc());
  dnnl::stream stream(engine);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const double seconds = fastest([&] {
    primitive.execute(stream,
                      {{DNNL_ARG_SRC, left}, {DNNL_ARG_WEIGHTS, right}, {DNNL_ARG_DST, product}});
    stream.wait();
  });
  omp_set_num_threads(threads);
  return 2.0 * kSide * kSide * kSide / seconds;
}

double measure_bytes(size_t working_set) {
  const size_t half = std::max<size_t>(working_set / 2, 4096);
  const size_t copies = kLeastCopied / half + 1;
  std::vector<char> from(half, 1);
  std::vector<char> to(half);
  const double seconds = fastest([&] {
    for (size_t i = 0; i < copies; ++i) {
      std::memcpy(to.data(), from.data(), half);
      from[i % half] = to[i * 64 % half];  // no copy is the one before
    }
  });
  return 2 * static_cast<double>(half * copies) / seconds;
}

}  // namespace

double Roofline::seconds(double flops, bool int8, double bytes) const {
  return std::max(flops / (int8 ? int8_per_second : flops_per_second), bytes / bytes_per_second);
}

Roofline measure_roofline(Precision precision, size_t working_set) {
  const bool bf16 = available_precision(precision) == Precision::kBf16;
  return {measure_flops(bf16 ? Type::bf16 : Type::f32), measure_flops(Type::u8),
          measure_bytes(working_set)};
}

}  // namespace cairn::engine
