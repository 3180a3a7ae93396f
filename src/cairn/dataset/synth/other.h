// Photos of everything that is not a landmark.
#pragma once

#include <span>
#include <string>

#include "cairn/dataset/synth/photo.h"

namespace cairn::synth {

// A place where such a photo is set up.
struct Stage {
  PropBuilder& props;
  Rng& rng;
  Camera& camera;  // has its format; the scene places it
  Light& light;
  float draw(double low, double high) const { return static_cast<float>(rng.uniform(low, high)); }
  int count(int low, int high) const {
    const int choices = high - low + 1;
    return low + static_cast<int>(rng.below(static_cast<uint64_t>(choices)));
  }
  // Puts the camera at a point, looking at another.
  void shoot(Vec3 from, Vec3 at) const;
};

struct OtherKind {
  const char* name;
  bool indoors;  // even light, no weather
  void (*set_up)(const Stage&);
};

// Scenes built from solids.
std::span<const OtherKind> outdoor_kinds();
std::span<const OtherKind> indoor_kinds();

// Flat pictures: signs, pages, patterns. Paints a whole photo.
RadianceImage paint_flat(const Camera& format, Rng& rng, std::string& kind);

// A photo that shows no landmark; no two streams of random numbers give the same.
Photo photograph_other(const PropLibrary& library, int long_side, double difficulty, Rng rng);

}  // namespace cairn::synth
