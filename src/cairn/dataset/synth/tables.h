// The tables of a world.
#pragma once

#include <filesystem>
#include <vector>

#include "cairn/dataset/synth/photo.h"
#include "cairn/dataset/synth/world.h"

namespace cairn::synth {

// Everything but the pixels that world.json tells about a photo and a landmark.
struct PhotoRecord {
  int width = 0, height = 0, quality = 0;
  bool has_camera = false;
  Camera camera;
  double visible = 0;
  std::string weather, daytime, kind;
};
struct LandmarkRecord {
  std::string family;
  float height = 0, radius = 0;  // metres
};

// Writes all tables and world.json below root; the folders exist.
void write_tables(const WorldOptions& options, const WorldPlan& plan,
                  const std::vector<PhotoRecord>& photos,
                  const std::vector<LandmarkRecord>& landmarks, const std::filesystem::path& root);

}  // namespace cairn::synth
