#include "cairn_train/run/run_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/files.h"
#include "cairn/base/log.h"

namespace cairn::run {
namespace {

constexpr const char* kCurvesHeader =
    "epoch,stage,size,steps,lr,train_loss,val_loss,val_top1,val_gap,val_map,images_per_second,"
    "waiting,seconds\n";
constexpr int64_t kStepsAPoint = 10;  // of the loss in TensorBoard
constexpr size_t kSamples = 24;
constexpr int kColumns = 6;

}  // namespace

RunLog::RunLog(std::filesystem::path folder, std::string curves, int64_t steps)
    : folder_(std::move(folder)),
      curves_(curves.empty() ? kCurvesHeader : std::move(curves)),
      events_(folder_ / "tensorboard", steps) {}

void RunLog::add(const EpochReport& r) {
  std::string scores = ",,,";
  std::string spoken;
  if (r.validation) {
    const Scores& s = r.validation->scores;
    const double loss = r.validation->loss;
    scores = fmt::format("{:.5f},{:.4f},{:.4f},{:.4f}", loss, s.top1, s.gap, s.map);
    spoken = fmt::format("; validation loss {:.4f}, top-1 {:.3f}, GAP {:.3f}, mAP {:.3f}", loss,
                         s.top1, s.gap, s.map);
    events_.scalar("validation/loss", r.steps, loss);
    events_.scalar("validation/top1", r.steps, s.top1);
    events_.scalar("validation/gap", r.steps, s.gap);
    events_.scalar("validation/map", r.steps, s.map);
  }
  curves_ +=
      fmt::format("{},{},{},{},{:.6g},{:.5f},{},{:.2f},{:.4f},{:.2f}\n", r.epoch, r.stage, r.size,
                  r.steps, r.lr, r.train_loss, scores, r.photos_per_second, r.waiting, r.seconds);
  log_info(fmt::format("epoch {}: loss {:.4f}{}; {:.1f} photos/s, {:.1f} % waiting for data",
                       r.epoch, r.train_loss, spoken, r.photos_per_second, 100 * r.waiting));
  events_.scalar("train/epoch_loss", r.steps, r.train_loss);
  events_.scalar("speed/photos_per_second", r.steps, r.photos_per_second);
  events_.scalar("speed/waiting", r.steps, r.waiting);
  events_.flush();
}

void RunLog::step(int64_t step, double loss, double lr) {
  if (step % kStepsAPoint != 0) return;
  events_.scalar("train/loss", step, loss);
  events_.scalar("train/learning_rate", step, lr);
}

void RunLog::show_samples(int64_t stage, const data::Batch& batch,
                          const image::Normalisation& normalisation, int64_t step) {
  const image::Image grid = sample_grid(batch, normalisation, kSamples, kColumns);
  const std::vector<uint8_t> png = image::encode_png(grid);
  make_folder(folder_ / "samples");
  write_file_atomically(folder_ / "samples" / fmt::format("stage_{}.png", stage), png);
  events_.image(fmt::format("samples/stage_{}", stage), step, grid.width, grid.height, png);
}

void RunLog::write_curves() { write_text_atomically(folder_ / "curves.csv", curves_); }

image::Image sample_grid(const data::Batch& batch, const image::Normalisation& normalisation,
                         size_t most, int columns) {
  const int count = static_cast<int>(std::min(most, batch.photos.size()));
  const int rows = (count + columns - 1) / columns;
  const int size = batch.size;
  image::Image grid;
  grid.width = std::min(count, columns) * size;
  grid.height = rows * size;
  grid.pixels.assign(static_cast<size_t>(grid.width) * grid.height * 3, 255);
  const size_t plane = static_cast<size_t>(size) * size;
  for (int i = 0; i < count; ++i) {
    const float* view = batch.pixels.data() + static_cast<size_t>(i) * 3 * plane;
    for (size_t p = 0; p < plane; ++p) {
      const size_t y = static_cast<size_t>(i / columns) * size + p / size;
      const size_t x = static_cast<size_t>(i % columns) * size + p % size;
      for (size_t c = 0; c < 3; ++c) {
        const float level = view[c * plane + p] * normalisation.std[c] + normalisation.mean[c];
        grid.pixels[(y * grid.width + x) * 3 + c] =
            static_cast<uint8_t>(std::clamp(std::lround(level), 0L, 255L));
      }
    }
  }
  return grid;
}

}  // namespace cairn::run
