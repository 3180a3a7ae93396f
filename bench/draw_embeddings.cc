// Draws the embeddings of the benchmarks of search: FOLDER/SET_COUNTxDIM.
//   draw_embeddings FOLDER SET COUNT DIM [LANDMARKS]
#include <cstdio>
#include <exception>
#include <string>

#include "drawn_embeddings.h"

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::fprintf(stderr, "usage: draw_embeddings FOLDER SET COUNT DIM [LANDMARKS]\n");
    return 2;
  }
  try {
    cairn::bench::drawn(argv[1], std::stoull(argv[2]), std::stoull(argv[3]), std::stoull(argv[4]),
                        argc > 5 ? std::stoull(argv[5]) : cairn::bench::kLandmarks);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "draw_embeddings: %s\n", error.what());
    return 1;
  }
  return 0;
}
