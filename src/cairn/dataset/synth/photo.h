// Taking a photo: where the camera stands, what stands in the way, and what the camera does to the
// light.
#pragma once

#include "cairn/dataset/synth/light.h"
#include "cairn/dataset/synth/props.h"
#include "cairn/image/image.h"

namespace cairn::synth {

// What is wanted of a view.
struct ViewWish {
  float azimuth = 0;        // radians from the front, seen from above counter-clockwise
  int long_side = 192;      // pixels
  double difficulty = 0.5;  // 0–1
  float closeness = 0;      // 0–1: take a wider lens and go nearer, past what stands in the way
};

// A camera that stands around the landmark and sees it whole, near, or far.
Camera draw_camera(const Landmark& landmark, const ViewWish& wish, Rng& rng);

// Width and height of a photo with this longer side: landscape, portrait or square.
void draw_format(int long_side, Rng& rng, Camera& camera);

// People, cars, boats, leaves between the camera and the landmark.
Mesh draw_occluders(const Landmark& landmark, const PropLibrary& library, const Camera& camera,
                    double difficulty, Rng& rng);

// Rain and snow, lens blur, exposure, tone curve, white balance, vignette, sensor noise, and 8
// bits.
image::Image develop(RadianceImage radiance, const Light& light, double difficulty, Rng& rng);

// A finished photo with what world.json tells about it.
struct Photo {
  std::vector<uint8_t> jpeg;
  int width = 0, height = 0;
  int quality = 0;
  bool has_camera = false;
  Camera camera;       // of landmarks only
  double visible = 0;  // share of the photo that shows the landmark
  std::string weather, daytime;
  std::string kind;  // the landmark's family, or what the other photo shows
};

// A photo of a landmark among its surroundings; views that show too little of it are taken again.
Photo photograph(const Landmark& landmark, const Mesh& site, const PropLibrary& library,
                 const ViewWish& wish, Rng rng);

}  // namespace cairn::synth
