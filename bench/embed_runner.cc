// A network on one thread, driven line by line by bench/embedding.py so that contenders alternate
// without their start being timed.
//
//   embed_runner MODEL OUTPUT SIZE PRECISION
//
// Prints {"version", "variants"}, batches to try. Then for each line of stdin: "check" prints the
// output for one image, {"output"}; "time BATCH IMAGES" runs so many images, {"images", "seconds"}.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cairn/base/error.h"
#include "cairn/engine/model.h"

namespace {

namespace engine = cairn::engine;
using Json = nlohmann::json;

void print(const Json& json) { std::cout << json.dump() << std::endl; }

// Waves with a little noise, as smooth as photos; the same numbers as in the runners of the peers.
engine::Tensor images(int64_t count, int64_t side) {
  engine::Tensor tensor(engine::DType::kF32, {count, 3, side, side});
  int64_t i = 0;
  for (int64_t n = 0; n < count; ++n)
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < side; ++y)
        for (int64_t x = 0; x < side; ++x, ++i) {
          const double noise = static_cast<double>(i * 7919 % 255) / 127.5 - 1;
          tensor.data<float>()[i] =
              static_cast<float>(0.5 * std::sin(0.031 * x + 0.7 * c + n) +
                                 0.3 * std::cos(0.047 * y - 0.4 * c) + 0.2 * noise);
        }
  return tensor;
}

void run(const std::string& path, const std::string& output, int64_t side,
         const std::string& precision) {
  const auto model = engine::Model::load(path);
  engine::Executor executor(model, engine::parse_precision(precision));
  const std::string input = model->inputs().at(0).name;
  print({{"version", CAIRN_VERSION}, {"variants", {"1", "4"}}});
  engine::TensorMap batch;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    int64_t size = 1;
    int64_t wanted = 1;
    words >> command >> size >> wanted;
    if (batch.empty() || batch[input].dim(0) != size) batch = {{input, images(size, side)}};
    if (command == "check") {
      const engine::TensorMap result = executor.run(batch, {output});
      const auto values = result.at(output).values<float>();
      print({{"output", std::vector<float>(values.begin(), values.end())}});
      continue;
    }
    const int64_t runs = std::max<int64_t>(1, wanted / size);
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < runs; ++i) executor.run(batch, {output});
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    print({{"images", runs * size}, {"seconds", taken.count()}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: embed_runner MODEL OUTPUT SIZE PRECISION\n");
    return 2;
  }
  try {
    run(argv[1], argv[2], std::stoll(argv[3]), argv[4]);
  } catch (const std::exception& error) {
    print({{"skip", error.what()}});
    return 1;
  }
  return 0;
}
