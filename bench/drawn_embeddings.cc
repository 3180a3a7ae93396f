#include "drawn_embeddings.h"

#include <cmath>
#include <ostream>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/base/thread_pool.h"

namespace cairn::bench {
namespace {

// Photos of a landmark have cosines of about 1 / (1 + spread²).
constexpr double kSpread = 0.9;

void draw_row(uint64_t set, size_t row, size_t dim, uint64_t landmarks, float* out) {
  Rng centre = Rng::for_stream(2, landmark_of(set, row, landmarks));
  Rng noise = Rng::for_stream(3, set, row);
  double squares = 0;
  for (size_t d = 0; d < dim; ++d) {
    out[d] = static_cast<float>(centre.normal() + kSpread * noise.normal());
    squares += static_cast<double>(out[d]) * out[d];
  }
  const auto factor = static_cast<float>(1 / std::sqrt(squares));
  for (size_t d = 0; d < dim; ++d) out[d] *= factor;
}

}  // namespace

uint64_t landmark_of(uint64_t set, size_t row, uint64_t landmarks) {
  return Rng::for_stream(1, set, row).below(landmarks);
}

std::string drawn_folder(const std::string& folder, uint64_t set, size_t count, size_t dim) {
  return folder + "/" + std::to_string(set) + "_" + std::to_string(count) + "x" +
         std::to_string(dim);
}

embed::MappedEmbeddings drawn(const std::string& folder, uint64_t set, size_t count, size_t dim,
                              uint64_t landmarks) {
  const std::string name = drawn_folder(folder, set, count, dim);
  if (!embed::is_embedding_folder(name)) {
    std::vector<std::string> ids;
    for (size_t i = 0; i < count; ++i) ids.push_back(std::to_string(1'000'000'000'000'000 + i));
    embed::write_embedding_folder(name, dim, ids, {}, "{}", [&](std::ostream& out) {
      constexpr size_t kBlock = 16384;
      std::vector<float> block(kBlock * dim);
      for (size_t first = 0; first < count; first += kBlock) {
        const size_t rows = std::min(kBlock, count - first);
        parallel_for(rows, available_cores(), [&](size_t begin, size_t end) {
          for (size_t i = begin; i < end; ++i)
            draw_row(set, first + i, dim, landmarks, &block[i * dim]);
        });
        out.write(reinterpret_cast<const char*>(block.data()),
                  static_cast<std::streamsize>(rows * dim * sizeof(float)));
      }
    });
  }
  return embed::map_embeddings(name);
}

}  // namespace cairn::bench
