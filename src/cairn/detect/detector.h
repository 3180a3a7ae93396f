// Objects in photos, by any YOLOv5- or YOLOv8-style network in ONNX.
#pragma once

#include <memory>
#include <vector>

#include "cairn/detect/nms.h"
#include "cairn/engine/model.h"
#include "cairn/image/image.h"

namespace cairn::detect {

struct DetectorOptions {
  int size = 0;  // side of the letterbox in pixels; 0: the model's, or 640 where it takes any
  NmsOptions nms;
};

// The model and settings, not changed after construction; make one Worker a thread.
class Detector {
 public:
  // Throws Error where the model's input is no photo, or its size is not the one asked for.
  Detector(std::shared_ptr<const engine::Model> model, const DetectorOptions& options);

  class Worker {
   public:
    explicit Worker(const Detector& detector);
    // Objects in pixels of the photo, cut to it, by falling confidence. Throws Error where the
    // output is neither 1 × N × (5 + classes) (YOLOv5) nor 1 × (4 + classes) × N (YOLOv8).
    std::vector<Detection> detect(const image::Image& photo);

   private:
    const Detector& detector_;
    engine::Executor executor_;
  };

 private:
  std::shared_ptr<const engine::Model> model_;
  DetectorOptions options_;
};

}  // namespace cairn::detect
