#include "cairn_train/run/teacher.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/npy.h"
#include "cairn/base/progress.h"
#include "cairn/base/thread_pool.h"
#include "cairn/embed/embedder.h"
#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/loss/distillation.h"

namespace cairn::run {
namespace {

namespace fs = std::filesystem;

embed::Embedder make_embedder(const DistillOptions& options) {
  const auto floats = [](const std::vector<double>& values) {
    return std::vector<float>(values.begin(), values.end());
  };
  embed::EmbedderOptions embedder;
  if (options.size > 0) embedder.size = options.size;
  if (!options.mean.empty()) embedder.mean = floats(options.mean);
  if (!options.std.empty()) embedder.std = floats(options.std);
  if (!options.output.empty()) embedder.output = options.output;
  return {engine::Model::load(options.teacher), embedder};
}

// Names the cached targets: other photos, another teacher or other options give another name.
std::string cache_name(const embed::Embedder& embedder, const std::vector<fs::path>& paths,
                       int dim) {
  std::string text =
      fmt::format("{} {} {} {} {} {}\n", embedder.model().checksum(), embedder.size(),
                  fmt::join(embedder.normalisation().mean, ","),
                  fmt::join(embedder.normalisation().std, ","), embedder.output(), dim);
  for (const fs::path& path : paths) {
    std::error_code failed;
    const auto size = fs::file_size(path, failed);
    text += fmt::format("{} {}\n", path.string(), failed ? 0 : size);
  }
  const std::span bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  return fmt::format("teacher-{}.npy", sha256_hex(bytes).substr(0, 16));
}

// Raw embeddings, photos × the teacher's dimension; zeros where a photo is unreadable.
torch::Tensor embed_all(const embed::Embedder& embedder, data::PhotoStore& store, int threads) {
  const auto dim = static_cast<int64_t>(embedder.dim());
  torch::Tensor rows = torch::zeros({static_cast<int64_t>(store.size()), dim});
  float* const out = rows.data_ptr<float>();
  Progress progress("teacher", "photos", store.size());
  std::atomic<size_t> next = 0;
  parallel_each(static_cast<size_t>(threads), threads, [&](size_t) {
    embed::Embedder::Worker worker(embedder);
    for (size_t i = next++; i < store.size(); i = next++) {
      if (const auto photo = store.get(i)) {
        const std::vector<float> row = worker.embed_raw(*photo.value());
        std::ranges::copy(row, out + i * embedder.dim());
      }
      progress.advance();
    }
  });
  return rows;
}

std::vector<bool> usable_rows(const torch::Tensor& rows) {
  const torch::Tensor lengths = rows.abs().sum(1).contiguous();
  std::vector<bool> usable;
  for (int64_t i = 0; i < rows.size(0); ++i) usable.push_back(lengths.data_ptr<float>()[i] > 0);
  return usable;
}

// Targets of all photos: centred, projected, of length 1; zeros where the photo is unreadable.
torch::Tensor project(const torch::Tensor& raw, int dim) {
  const torch::Tensor readable = raw.abs().sum(1) > 0;
  const torch::Tensor known = raw.index_select(0, readable.nonzero().squeeze(1));
  const auto projection = loss::TeacherProjection::fit(known, dim);
  log_info(fmt::format("{} axes keep {:.1f} % of the teacher's variance", dim,
                       100 * projection.kept_variance()));
  const torch::Tensor rows = loss::normalize_rows(projection.apply(raw));
  return (rows * readable.unsqueeze(1)).contiguous();
}

torch::Tensor load_rows(const fs::path& file) {
  const NpyArray<float> array = read_npy_f32(file);
  return torch::tensor(array.values).reshape(array.shape);
}

}  // namespace

int teacher_size(const DistillOptions& options) { return make_embedder(options).size(); }

TeacherTargets teacher_targets(const DistillOptions& options, const std::vector<fs::path>& paths,
                               data::PhotoStore& store, int dim, int threads,
                               const fs::path& folder) {
  const embed::Embedder embedder = make_embedder(options);
  if (embedder.dim() < static_cast<size_t>(dim))
    throw Error(fmt::format(
        "{}: the teacher's embeddings have {} numbers; set model.embedding_dim to at most that, "
        "not {}",
        options.teacher, embedder.dim(), dim));
  const fs::path cache = folder / cache_name(embedder, paths, dim);
  if (!fs::exists(cache)) {
    const torch::Tensor rows = project(embed_all(embedder, store, threads), dim);
    const std::vector<int64_t> shape = {rows.size(0), rows.size(1)};
    write_npy(cache, shape, std::span(rows.data_ptr<float>(), static_cast<size_t>(rows.numel())));
  }
  TeacherTargets targets;
  targets.rows = load_rows(cache);
  targets.usable = usable_rows(targets.rows);
  return targets;
}

}  // namespace cairn::run
