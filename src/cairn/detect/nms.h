// From a YOLO network's rows to objects: thresholds and non-maximum suppression.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cairn::detect {

// An object; pixels of whatever image the rows are of.
struct Detection {
  float x1 = 0;
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;
  float confidence = 0;
  int class_id = 0;
};

struct NmsOptions {
  double confidence = 0.25;  // objects must exceed it
  double iou = 0.45;         // overlap with a surer object above which one is dropped
  bool agnostic = false;     // objects of other classes suppress too
  bool multi_label = false;  // a box may become an object of several classes
  size_t most = 300;
  std::vector<int> classes;  // only these; empty: all
};

// rows: N × columns numbers. YOLOv5: centre x, y, width, height, objectness, class scores. Objects
// by falling confidence, as non_max_suppression() of YOLOv5 v7 gives them: classes are kept apart
// by an offset that is added in float32.
std::vector<Detection> suppress(std::span<const float> rows, size_t columns,
                                const NmsOptions& options);

}  // namespace cairn::detect
