// How alike are two photos? similarity MODEL.onnx A.jpg B.jpg
#include <cstdio>
#include <exception>
#include <numeric>

#include "cairn/embed/embedder.h"

int main(int argc, char** argv) try {
  if (argc != 4) return std::fprintf(stderr, "usage: similarity MODEL.onnx A.jpg B.jpg\n"), 2;
  const cairn::embed::Embedder embedder(cairn::engine::Model::load(argv[1]), {});
  cairn::embed::Embedder::Worker worker(embedder);
  const auto embed = [&](const char* path) {
    return worker.embed(cairn::image::read_image(path).value_or_throw(path));
  };
  const auto a = embed(argv[2]);
  const auto b = embed(argv[3]);
  std::printf("%.4f\n", std::inner_product(a.begin(), a.end(), b.begin(), 0.0F));
} catch (const std::exception& error) {
  std::fprintf(stderr, "similarity: %s\n", error.what());
  return 1;
}
