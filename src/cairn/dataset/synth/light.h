// Light, weather and sky of one photo, and the shading of what a camera sees in them.
#pragma once

#include <string>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/dataset/synth/raster.h"

namespace cairn::synth {

// Colours are linear light; 1 is about a white wall in full sun.
struct Light {
  std::string weather = "clear";  // clear, clouds, overcast, fog, rain, snow
  std::string daytime = "day";    // day, dusk, night
  Vec3 to_sun = {0.3F, -0.5F, 0.8F};
  Vec3 sun = {1, 1, 1};
  Vec3 sky_light = {0.3F, 0.3F, 0.3F};     // falls from above
  Vec3 ground_light = {0.1F, 0.1F, 0.1F};  // comes back from below
  Vec3 zenith = {0.2F, 0.4F, 0.8F};
  Vec3 horizon = {0.7F, 0.8F, 0.9F};
  Vec3 cloud = {1, 1, 1};
  float cloud_cover = 0;  // 0–1
  uint32_t cloud_seed = 0;
  float haze = 0.05F;        // optical depth of the air up to the subject
  float haze_per_metre = 0;  // haze over the subject's distance; whoever takes the photo sets it
  float glow = 0;            // of lit windows
  float flood = 0;           // floodlight on the landmark at night
  Vec3 flood_colour = {1, 0.8F, 0.5F};
  float snow = 0;        // cover on what faces up, 0–1
  bool neutral = false;  // textures only: no light, shade, sky or haze (for tests)

  // Draws a light; difficulty 0–1 makes bad light and weather more frequent and stronger.
  static Light random(Rng& rng, double difficulty);
};

// A photo in linear light, before the camera's own processing.
struct RadianceImage {
  int width = 0, height = 0;
  std::vector<Vec3> pixels;
};

// Shades every sample and averages the samples of a pixel. shadows may be null.
RadianceImage shade(const VisibleSurfaces& surfaces, const Camera& camera, const Light& light,
                    const ShadowMap* shadows);

}  // namespace cairn::synth
