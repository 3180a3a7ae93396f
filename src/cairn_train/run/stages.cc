#include "cairn_train/run/stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn::run {
namespace {

bool has(const std::vector<std::string>& names, const char* name) {
  return std::ranges::count(names, name) > 0;
}

data::Crop crop_of(const StageOptions& stage) {
  if (has(stage.transforms, "random_resized_crop")) return data::Crop::kResized;
  if (has(stage.transforms, "pad_crop")) return data::Crop::kPadded;
  if (has(stage.transforms, "detection_crop")) return data::Crop::kDetection;
  return has(stage.transforms, "random_crop") ? data::Crop::kWindow : data::Crop::kNone;
}

std::vector<data::Mix> mixes_of(const StageOptions& stage) {
  std::vector<data::Mix> kinds;
  if (has(stage.mixes, "fmix")) kinds.push_back(data::Mix::kFMix);
  if (has(stage.mixes, "cutmix")) kinds.push_back(data::Mix::kCutMix);
  if (has(stage.mixes, "mixup")) kinds.push_back(data::Mix::kMixUp);
  return kinds;
}

int progressive_size(const ProgressiveOptions& options, int64_t epoch, int size) {
  if (options.start == 0) return size;
  const int64_t grown = options.start + epoch * options.step;
  return static_cast<int>(std::min<int64_t>(grown, size));
}

}  // namespace

std::vector<StageOptions> stages_of(const Recipe& recipe) {
  std::vector<StageOptions> stages = recipe.stages;
  if (stages.empty() && recipe.schedule.epochs > 0) {
    stages.emplace_back();
    stages[0].epochs = recipe.schedule.epochs;
  }
  for (size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].name.empty()) stages[i].name = fmt::format("stage {}", i + 1);
    if (stages[i].size == 0) stages[i].size = recipe.size;
    if (stages[i].resize == 0) stages[i].resize = stages[i].size;
  }
  return stages;
}

int64_t total_epochs(const Recipe& recipe) {
  int64_t sum = 0;
  for (const StageOptions& stage : stages_of(recipe)) sum += stage.epochs;
  return sum;
}

EpochPlan plan_epoch(const Recipe& recipe, int64_t epoch) {
  const std::vector<StageOptions> stages = stages_of(recipe);
  EpochPlan plan;
  int64_t first = 0;
  while (plan.stage + 1 < stages.size() && epoch >= first + stages[plan.stage].epochs)
    first += stages[plan.stage++].epochs;
  CAIRN_ASSERT(!stages.empty());
  const StageOptions& stage = stages[plan.stage];
  plan.first_of_stage = epoch == first;
  plan.view.size = progressive_size(recipe.progressive, epoch, stage.size);
  plan.view.resize = static_cast<int>(
      std::lround(static_cast<double>(stage.resize) * plan.view.size / stage.size));
  plan.view.crop = crop_of(stage);
  plan.view.flip = has(stage.transforms, "flip");
  plan.view.colour = has(stage.transforms, "colour");
  plan.view.dropout = has(stage.transforms, "dropout");
  plan.view.perspective = has(stage.transforms, "perspective");
  plan.view.affine = has(stage.transforms, "affine");
  plan.view.detection_colour = has(stage.transforms, "detection_colour");
  plan.view.augmix = has(stage.transforms, "augmix");
  plan.view.patch = has(stage.transforms, "patch");
  plan.view.erasing = has(stage.transforms, "erasing");
  plan.view.augment = recipe.augment;
  plan.mix = recipe.mix;
  plan.mix.kinds = mixes_of(stage);
  return plan;
}

int inference_size(const Recipe& recipe) {
  if (recipe.inference_size > 0) return recipe.inference_size;
  const std::vector<StageOptions> stages = stages_of(recipe);
  return stages.empty() ? recipe.size : stages.back().size;
}

int largest_side(const Recipe& recipe) {
  int side = inference_size(recipe);
  for (const StageOptions& stage : stages_of(recipe)) {
    // A crop of a photo is not to be enlarged much.
    const data::Crop crop = crop_of(stage);
    const bool of_any_size = crop == data::Crop::kResized || crop == data::Crop::kDetection;
    const int of_crop = of_any_size ? 3 * stage.size : stage.resize;
    side = std::max(side, of_crop);
  }
  return side;
}

void require_possible_stages(const Recipe& recipe, const std::string& file) {
  const std::vector<StageOptions> stages = stages_of(recipe);
  for (size_t i = 0; i < recipe.stages.size(); ++i) {
    const StageOptions& stage = stages[i];
    const std::string where = fmt::format("{}: stages.{}", file, i);
    const auto crops = std::ranges::count_if(
        stage.transforms, [](const std::string& name) { return name.ends_with("_crop"); });
    if (crops > 1)
      throw Error(where +
                  ".transforms: random_crop, random_resized_crop, pad_crop and detection_crop "
                  "exclude each other");
    if (stage.resize < stage.size)
      throw Error(
          fmt::format("{}.resize is {}, below the stage's size {}; a crop cannot be larger "
                      "than what it is cut from",
                      where, stage.resize, stage.size));
    if (stage.resize > stage.size && !has(stage.transforms, "random_crop"))
      throw Error(where + ".resize above the stage's size needs random_crop among its transforms");
    if (recipe.mix.chance * static_cast<double>(stage.mixes.size()) > 1 + 1e-9)
      throw Error(
          fmt::format("{}: {} mixes with mix.chance {} each are more than all batches; "
                      "allowed: at most {:.3g}",
                      where, stage.mixes.size(), recipe.mix.chance,
                      1.0 / static_cast<double>(stage.mixes.size())));
  }
}

}  // namespace cairn::run
