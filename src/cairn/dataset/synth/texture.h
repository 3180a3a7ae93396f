// Textures with mip levels, and the canvas that procedural textures are painted on.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cairn/dataset/synth/vec.h"

namespace cairn::synth {

// A painting surface in sRGB values 0–1, with a relief height and a glow at night per texel.
// u runs right, v runs up, both 0–1 over the canvas; what lies outside is clipped.
class Canvas {
 public:
  struct Texel {
    Vec3 srgb;
    float height = 0;  // in "steps": 1 throws a clearly visible shadow
    float glow = 0;    // 1: a lit window at night
  };
  // Size in texels, a power of two.
  explicit Canvas(int size, Vec3 srgb = {1, 1, 1});

  int size() const { return size_; }
  Texel& at(int x, int y) { return texels_[static_cast<size_t>(y) * size_ + x]; }
  const Texel& at(int x, int y) const { return texels_[static_cast<size_t>(y) * size_ + x]; }

  // Calls paint(s, t, texel) for the texels of a rectangle; s, t run 0–1 over the rectangle.
  using Paint = std::function<void(float s, float t, Texel& texel)>;
  void rectangle(float u0, float v0, float u1, float v1, const Paint& paint);
  void rectangle(float u0, float v0, float u1, float v1, Vec3 srgb, float height);
  void ellipse(float u, float v, float radius_u, float radius_v, const Paint& paint);

  // Turns the relief into light and shade (lit from above) and adds dirt: `grime` 0–1.
  void weather(float relief, float grime, uint32_t seed);

 private:
  int size_;
  std::vector<Texel> texels_;  // row 0 is v = 0
};

// A square RGBA image with mip levels that repeats in u and v; alpha is the glow at night.
class Texture {
 public:
  explicit Texture(const Canvas& canvas);

  struct Sample {
    Vec3 colour;  // linear
    float glow;
  };
  // Bilinear in the mip level for texels_per_sample (a footprint's edge in texels of level 0).
  Sample sample(float u, float v, float texels_per_sample) const;
  int size() const { return size_; }

 private:
  int size_;
  std::vector<std::vector<uint8_t>> levels_;  // RGBA, sRGB-coded
};

// The standard sRGB curve for one 8-bit value and back from 0–1.
float srgb_to_linear(uint8_t value);
uint8_t linear_to_srgb(float value);
Vec3 linear_colour(Vec3 srgb);

}  // namespace cairn::synth
