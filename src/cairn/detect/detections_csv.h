// detections.csv: what `cairn detect` writes and `cairn recognize --detections` reads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cairn/detect/nms.h"

namespace cairn::detect {

struct PhotoDetections {
  std::string id;
  int width = 0;  // of the photo, in pixels
  int height = 0;
  std::vector<Detection> objects;
};

// Columns id,width,height,class,confidence,x1,y1,x2,y2: a row an object; a photo without objects
// has one row whose last six fields are empty. Written atomically.
void write_detections(const std::filesystem::path& file,
                      const std::vector<PhotoDetections>& photos);
// Throws Error with file and line on a malformed row, or a photo whose rows disagree on its size.
std::vector<PhotoDetections> read_detections(const std::filesystem::path& file);

}  // namespace cairn::detect
