// A pinhole camera without lens distortion.
#pragma once

#include "cairn/dataset/synth/vec.h"

namespace cairn::synth {

// Camera axes are those of OpenCV: x right, y down, z forward. A point p of the world is at
//   (X, Y, Z) = (right·(p - position), down·(p - position), forward·(p - position)),
//   pixel = (focal X / Z + centre_x, focal Y / Z + centre_y),
// where the photo's top left corner is (0, 0), so the middle of its first pixel is (0.5, 0.5).
struct Camera {
  int width = 0, height = 0;
  float focal = 1;  // pixels
  float centre_x = 0, centre_y = 0;
  Vec3 position;
  Vec3 right = {1, 0, 0};
  Vec3 down = {0, 0, -1};
  Vec3 forward = {0, 1, 0};

  // Camera coordinates (X, Y, Z) of a point of the world.
  Vec3 to_camera(Vec3 p) const {
    const Vec3 d = p - position;
    return {dot(right, d), dot(down, d), dot(forward, d)};
  }
  // The world direction (not normalised, depth 1) seen at a pixel position.
  Vec3 ray(float x, float y) const {
    return right * ((x - centre_x) / focal) + down * ((y - centre_y) / focal) + forward;
  }
  // Turns the camera to look at a point, with the horizon turned by roll (radians).
  void look_at(Vec3 target, float roll);
};

inline void Camera::look_at(Vec3 target, float roll) {
  forward = normalised(target - position);
  const Vec3 level = normalised(cross(forward, Vec3{0, 0, 1}));
  const Vec3 upright_down = cross(forward, level);
  right = level * std::cos(roll) + upright_down * std::sin(roll);
  down = cross(forward, right);
}

}  // namespace cairn::synth
