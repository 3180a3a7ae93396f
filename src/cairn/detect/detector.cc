#include "cairn/detect/detector.h"

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/detect/letterbox.h"

namespace cairn::detect {
namespace {

constexpr int kDefaultSize = 640;
constexpr int kStride = 32;

// YOLOv8 gives columns without an objectness; as rows with one of 1 both are the same.
std::vector<float> rows_of_columns(const engine::Tensor& output) {
  const auto lines = static_cast<size_t>(output.dim(1));
  const auto count = static_cast<size_t>(output.dim(2));
  const std::span<const float> values = output.values<float>();
  std::vector<float> rows((lines + 1) * count);
  for (size_t i = 0; i < count; ++i) {
    float* row = &rows[i * (lines + 1)];
    for (size_t l = 0; l < 4; ++l) row[l] = values[l * count + i];
    row[4] = 1;
    for (size_t l = 4; l < lines; ++l) row[l + 1] = values[l * count + i];
  }
  return rows;
}

}  // namespace

Detector::Detector(std::shared_ptr<const engine::Model> model, const DetectorOptions& options)
    : model_(std::move(model)), options_(options) {
  const std::string& name = model_->name();
  if (model_->inputs().size() != 1 || model_->outputs().empty())
    throw Error(name + ": a detector has one input, the photo, and an output");
  const engine::ValueInfo& input = model_->inputs()[0];
  const bool photo = input.dtype == engine::DType::kF32 && input.has_shape &&
                     input.shape.size() == 4 && (input.shape[1] == 3 || input.shape[1] < 0) &&
                     input.shape[2] == input.shape[3];
  if (!photo) throw Error(name + ": its input is no photo (1 × 3 × size × size, float32)");
  const auto fixed = static_cast<int>(std::max<int64_t>(0, input.shape[2]));
  if (options_.size > 0 && fixed > 0 && options_.size != fixed)
    throw Error(name + ": takes photos of " + std::to_string(fixed) + " pixels, not " +
                std::to_string(options_.size));
  if (options_.size == 0) options_.size = fixed > 0 ? fixed : kDefaultSize;
  if (options_.size % kStride != 0)
    throw Error("--size " + std::to_string(options_.size) + ": give a multiple of 32");
}

Detector::Worker::Worker(const Detector& detector)
    : detector_(detector), executor_(detector.model_) {}

std::vector<Detection> Detector::Worker::detect(const image::Image& photo) {
  const engine::Model& model = *detector_.model_;
  const int size = detector_.options_.size;
  const Letterbox box = letterbox(photo.height, photo.width, size, /*tight=*/false);
  engine::Tensor input(engine::DType::kF32, {1, 3, size, size});
  letterbox_input(photo, box, input.data<float>());
  const std::string& name = model.outputs()[0].name;
  const engine::TensorMap outputs = executor_.run({{model.inputs()[0].name, input}}, {name});
  const engine::Tensor& output = outputs.at(name);
  if (output.dtype() != engine::DType::kF32 || output.shape().size() != 3 || output.dim(0) != 1 ||
      std::min(output.dim(1), output.dim(2)) < 6)
    throw Error(model.name() + ": the output " + name +
                " is neither YOLOv5's (1 × N × 5 + classes) nor YOLOv8's (1 × 4 + classes × N)");
  std::vector<Detection> found;
  if (output.dim(1) < output.dim(2))
    found = suppress(rows_of_columns(output), static_cast<size_t>(output.dim(1)) + 1,
                     detector_.options_.nms);
  else
    found = suppress(output.values<float>(), static_cast<size_t>(output.dim(2)),
                     detector_.options_.nms);
  const auto ratio = static_cast<float>(box.ratio);
  const auto to_photo = [&](float at, int grey, int extent) {
    return std::clamp((at - static_cast<float>(grey)) / ratio, 0.0F, static_cast<float>(extent));
  };
  for (Detection& one : found) {
    one.x1 = to_photo(one.x1, box.left, photo.width);
    one.x2 = to_photo(one.x2, box.left, photo.width);
    one.y1 = to_photo(one.y1, box.top, photo.height);
    one.y2 = to_photo(one.y2, box.top, photo.height);
  }
  return found;
}

}  // namespace cairn::detect
