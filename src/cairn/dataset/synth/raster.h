// A z-buffer: which triangle is seen at each sample of a photo, and the shadow map of the sun.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cairn/dataset/synth/camera.h"
#include "cairn/dataset/synth/mesh.h"

namespace cairn::synth {

// A value over the picture as origin + x·dx + y·dy, x and y in samples.
struct Plane {
  double origin = 0, dx = 0, dy = 0;
  float at(double x, double y) const { return static_cast<float>(origin + x * dx + y * dy); }
};

// A triangle that is ready to be shaded: what is linear over the picture, each divided by depth.
struct ScreenTriangle {
  const Texture* texture = nullptr;
  Vec3 tint;
  int layer = 0;
  Plane inverse_depth;
  std::array<Plane, 2> uv;
  std::array<Plane, 3> normal;
};

// What is seen of a set of meshes by a camera. Samples lie on a grid `supersampling` times finer
// than the pixels, at the middles of its cells.
class VisibleSurfaces {
 public:
  VisibleSurfaces(const Camera& camera, int supersampling);

  // Draws a scene's mesh; scene must outlive this object. layer is reported back by layer_at.
  void draw(const Scene& scene, int layer) { draw(scene.mesh, scene.textures, layer); }
  void draw(const Mesh& mesh, const std::vector<Texture>& textures, int layer);

  int width() const { return width_; }  // in samples
  int height() const { return height_; }
  int supersampling() const { return supersampling_; }
  // Null where nothing is hit.
  const ScreenTriangle* triangle_at(int x, int y) const {
    const int32_t id = ids_[static_cast<size_t>(y) * width_ + x];
    return id < 0 ? nullptr : &triangles_[static_cast<size_t>(id)];
  }
  // Depth along the camera's forward axis; infinity where nothing is hit.
  float depth_at(int x, int y) const {
    return 1.0F / inverse_depth_[static_cast<size_t>(y) * width_ + x];
  }
  // The share of samples that show a layer.
  double share_of(int layer) const;

 private:
  void draw_clipped(const Vertex (&v)[3], const Vec3 (&p)[3], const Texture& texture, Vec3 tint,
                    int layer);

  Camera camera_;
  int supersampling_;
  int width_;
  int height_;
  std::vector<float> inverse_depth_;
  std::vector<int32_t> ids_;
  std::vector<ScreenTriangle> triangles_;
};

// Depths seen from the sun over a disc around the landmark.
class ShadowMap {
 public:
  // to_sun: unit vector. The map covers a sphere around centre.
  ShadowMap(Vec3 to_sun, Vec3 centre, float radius, int size);
  void draw(const Mesh& mesh);
  // 0 (in shadow) to 1 (lit) at a surface point with the given normal; 1 outside the map.
  float light_at(Vec3 point, Vec3 normal) const;

 private:
  Vec3 to_sun_, aside_, up_, centre_;
  float samples_per_metre_;
  float half_;
  int size_;
  std::vector<float> nearest_;  // along to_sun: larger is nearer to the sun
};

// Calls row(y, x0, x1) for the samples (middles of cells) inside a triangle. Two triangles that
// share an edge never share a sample and never leave one out.
template <typename Row>
void scan_triangle(const double (&x)[3], const double (&y)[3], int width, int height, Row&& row) {
  const double low = std::min({y[0], y[1], y[2]});
  const double high = std::max({y[0], y[1], y[2]});
  const int first = static_cast<int>(std::ceil(std::clamp(low - 0.5, 0.0, double(height))));
  const int last = static_cast<int>(std::ceil(std::clamp(high - 0.5, 0.0, double(height))));
  for (int j = first; j < last; ++j) {
    const double yc = j + 0.5;
    double left = width;
    double right = 0;
    for (int e = 0; e < 3; ++e) {
      int a = e;
      int b = (e + 1) % 3;
      if (y[a] > y[b]) std::swap(a, b);
      if (yc < y[a] || yc >= y[b]) continue;
      const double cross = x[a] + (yc - y[a]) * (x[b] - x[a]) / (y[b] - y[a]);
      left = std::min(left, cross);
      right = std::max(right, cross);
    }
    const int x0 = static_cast<int>(std::ceil(std::clamp(left - 0.5, 0.0, double(width))));
    const int x1 = static_cast<int>(std::ceil(std::clamp(right - 0.5, 0.0, double(width))));
    if (x0 < x1) row(j, x0, x1);
  }
}

}  // namespace cairn::synth
