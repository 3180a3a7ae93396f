#include "cairn/engine/plan/scaled.h"

#include <limits>

#include "cairn/engine/kernels/gate.h"

namespace cairn::engine {
namespace {

using kernels::Format;

class ScalingStep : public Step {
 public:
  ScalingStep(const std::vector<ScaledPart>& parts, DataType type, const Shape& shape,
              const Placement& target)
      : parts_(parts),
        images_(static_cast<size_t>(shape[0])),
        channels_(static_cast<size_t>(shape[1])),
        positions_(element_count(shape) / images_ / channels_),
        from_(type == DataType::bf16 ? Format::kBf16 : Format::kF32),
        to_(is_8bit(target.layout) ? Format::kU8 : from_),
        target_(target) {
    label = "channels";
    if (parts.size() > 1) label = "Concat";
    if (parts[0].scaling && parts[0].scaling->other) label = "weighted sum";
    for (const ScaledPart& part : parts) {
      reads.push_back(part.from);
      if (!part.scaling) continue;
      reads.push_back(part.scaling->scale);
      if (part.scaling->shift) reads.push_back(*part.scaling->shift);
      if (part.scaling->other)
        reads.insert(reads.end(), {*part.scaling->other, part.scaling->other_scale});
    }
    writes = {target.buffer};
  }

  void run(RunState& state) override {
    char* y = state.at<char>(target_.buffer);
    for (size_t n = 0; n < images_; ++n) {
      for (const ScaledPart& part : parts_) {
        write(state, part, n, y);
        y += part.channels * size_of(to_);
      }
      y += (positions_ - 1) * channels_ * size_of(to_);
    }
  }

 private:
  // One image's channels of one part. In steps of the grid: that of numbers is steps of 1 from 0.
  void write(const RunState& state, const ScaledPart& part, size_t image, char* y) {
    const Grid& grid = target_.grid;
    const auto zero = static_cast<float>(grid.zero);
    scale_.assign(part.channels, 1 / grid.scale);
    shift_.assign(part.channels, zero);
    const auto read = [&](BufferId buffer, std::vector<float>& to, float shift) {
      const float* numbers = state.at<float>(buffer) + image * part.channels;
      for (size_t c = 0; c < part.channels; ++c) to[c] = numbers[c] / grid.scale + shift;
    };
    const auto map = [&](BufferId buffer) {
      return state.at<char>(buffer) + image * positions_ * part.channels * size_of(from_);
    };
    kernels::Gate gate;
    gate.x = {map(part.from), from_};
    gate.other.format = from_;
    if (part.scaling) {
      read(part.scaling->scale, scale_, 0);
      if (part.scaling->shift) read(*part.scaling->shift, shift_, zero);
      if (part.scaling->other) {
        gate.other.data = map(*part.scaling->other);
        other_scale_.resize(part.channels);
        read(part.scaling->other_scale, other_scale_, 0);
        gate.other_scales = other_scale_.data();
      }
    }
    gate.y = {y, to_};
    gate.y_stride = channels_;
    gate.scale = scale_.data();
    gate.shift = shift_.data();
    gate.least =
        part.scaling && part.scaling->rectified ? zero : std::numeric_limits<float>::lowest();
    kernels::gate(gate, positions_, part.channels);
  }

  std::vector<ScaledPart> parts_;
  size_t images_;
  size_t channels_;
  size_t positions_;
  Format from_;
  Format to_;
  Placement target_;
  std::vector<float> scale_;  // of the part at hand
  std::vector<float> shift_;
  std::vector<float> other_scale_;
};

}  // namespace

void add_scaling(PlanBuilder& builder, const std::vector<ScaledPart>& parts, DataType type,
                 const Shape& shape, const Placement& target) {
  builder.add_step(std::make_unique<ScalingStep>(parts, type, shape, target));
}

}  // namespace cairn::engine
