#include "cairn/dataset/synth/raster.h"

#include <limits>

namespace cairn::synth {
namespace {

constexpr float kNear = 0.25F;  // metres

// The plane through three values at three picture positions.
Plane plane_through(const double (&x)[3], const double (&y)[3], double q0, double q1, double q2,
                    double inverse_area) {
  const double dx = ((q1 - q0) * (y[2] - y[0]) - (q2 - q0) * (y[1] - y[0])) * inverse_area;
  const double dy = ((q2 - q0) * (x[1] - x[0]) - (q1 - q0) * (x[2] - x[0])) * inverse_area;
  return {q0 - dx * x[0] - dy * y[0], dx, dy};
}

Vertex between(const Vertex& a, const Vertex& b, float t) {
  return {mix(a.position, b.position, t), mix(a.normal, b.normal, t), mix(a.u, b.u, t),
          mix(a.v, b.v, t)};
}

}  // namespace

VisibleSurfaces::VisibleSurfaces(const Camera& camera, int supersampling)
    : camera_(camera),
      supersampling_(supersampling),
      width_(camera.width * supersampling),
      height_(camera.height * supersampling),
      inverse_depth_(static_cast<size_t>(width_) * height_, 0.0F),
      ids_(inverse_depth_.size(), -1) {}

void VisibleSurfaces::draw(const Mesh& mesh, const std::vector<Texture>& textures, int layer) {
  std::vector<Vec3> seen(mesh.vertices.size());
  for (size_t i = 0; i < seen.size(); ++i) seen[i] = camera_.to_camera(mesh.vertices[i].position);
  for (const Triangle& triangle : mesh.triangles) {
    const uint32_t index[3] = {triangle.a, triangle.b, triangle.c};
    int in_front = 0;
    for (const uint32_t i : index) in_front += seen[i].z > kNear ? 1 : 0;
    if (in_front == 0) continue;
    const Texture& texture = textures[triangle.texture];
    // Clip at the near plane: at most four corners remain.
    Vertex corner[4];
    Vec3 p[4];
    int count = 0;
    for (int e = 0; e < 3; ++e) {
      const uint32_t i = index[e];
      const uint32_t j = index[(e + 1) % 3];
      if (seen[i].z > kNear) {
        corner[count] = mesh.vertices[i];
        p[count++] = seen[i];
      }
      if ((seen[i].z > kNear) != (seen[j].z > kNear)) {
        const float t = (kNear - seen[i].z) / (seen[j].z - seen[i].z);
        corner[count] = between(mesh.vertices[i], mesh.vertices[j], t);
        p[count] = mix(seen[i], seen[j], t);
        p[count++].z = kNear;
      }
    }
    for (int k = 2; k < count; ++k)
      draw_clipped({corner[0], corner[k - 1], corner[k]}, {p[0], p[k - 1], p[k]}, texture,
                   triangle.tint, layer);
  }
}

void VisibleSurfaces::draw_clipped(const Vertex (&v)[3], const Vec3 (&p)[3], const Texture& texture,
                                   Vec3 tint, int layer) {
  double x[3];
  double y[3];
  double w[3];
  for (int i = 0; i < 3; ++i) {
    w[i] = 1.0 / p[i].z;
    x[i] = (static_cast<double>(camera_.focal) * p[i].x * w[i] + camera_.centre_x) * supersampling_;
    y[i] = (static_cast<double>(camera_.focal) * p[i].y * w[i] + camera_.centre_y) * supersampling_;
  }
  if (std::max({x[0], x[1], x[2]}) < 0 || std::min({x[0], x[1], x[2]}) > width_ ||
      std::max({y[0], y[1], y[2]}) < 0 || std::min({y[0], y[1], y[2]}) > height_)
    return;
  const double area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]);
  if (std::abs(area) < 1e-9) return;
  const auto plane = [&](float a, float b, float c) {
    return plane_through(x, y, a * w[0], b * w[1], c * w[2], 1 / area);
  };
  ScreenTriangle out;
  out.inverse_depth = plane(1, 1, 1);
  const auto id = static_cast<int32_t>(triangles_.size());
  bool seen = false;
  scan_triangle(x, y, width_, height_, [&](int row, int x0, int x1) {
    const size_t start = static_cast<size_t>(row) * width_;
    const float base = out.inverse_depth.at(x0 + 0.5, row + 0.5);
    const auto step = static_cast<float>(out.inverse_depth.dx);
    for (int i = x0; i < x1; ++i) {
      const float value = base + step * static_cast<float>(i - x0);
      if (value <= inverse_depth_[start + i]) continue;
      inverse_depth_[start + i] = value;
      ids_[start + i] = id;
      seen = true;
    }
  });
  if (!seen) return;
  out.texture = &texture;
  out.tint = tint;
  out.layer = layer;
  out.uv = {plane(v[0].u, v[1].u, v[2].u), plane(v[0].v, v[1].v, v[2].v)};
  out.normal = {plane(v[0].normal.x, v[1].normal.x, v[2].normal.x),
                plane(v[0].normal.y, v[1].normal.y, v[2].normal.y),
                plane(v[0].normal.z, v[1].normal.z, v[2].normal.z)};
  triangles_.push_back(out);
}

double VisibleSurfaces::share_of(int layer) const {
  size_t count = 0;
  for (const int32_t id : ids_)
    count += id >= 0 && triangles_[static_cast<size_t>(id)].layer == layer ? 1 : 0;
  return static_cast<double>(count) / static_cast<double>(ids_.size());
}

ShadowMap::ShadowMap(Vec3 to_sun, Vec3 centre, float radius, int size)
    : to_sun_(to_sun),
      centre_(centre),
      samples_per_metre_(static_cast<float>(size) / (2 * radius)),
      half_(static_cast<float>(size) / 2),
      size_(size),
      nearest_(static_cast<size_t>(size) * size, -std::numeric_limits<float>::max()) {
  aside_ = normalised(cross(Vec3{0, 0, 1}, to_sun));
  if (length(aside_) == 0) aside_ = {1, 0, 0};
  up_ = cross(to_sun, aside_);
}

void ShadowMap::draw(const Mesh& mesh) {
  std::vector<Vec3> seen(mesh.vertices.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    const Vec3 d = mesh.vertices[i].position - centre_;
    seen[i] = {dot(d, aside_) * samples_per_metre_ + half_,
               dot(d, up_) * samples_per_metre_ + half_, dot(d, to_sun_)};
  }
  for (const Triangle& triangle : mesh.triangles) {
    const Vec3& a = seen[triangle.a];
    const Vec3& b = seen[triangle.b];
    const Vec3& c = seen[triangle.c];
    const double x[3] = {a.x, b.x, c.x};
    const double y[3] = {a.y, b.y, c.y};
    const double area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]);
    if (std::abs(area) < 1e-6) continue;
    const Plane depth = plane_through(x, y, a.z, b.z, c.z, 1 / area);
    scan_triangle(x, y, size_, size_, [&](int row, int x0, int x1) {
      for (int i = x0; i < x1; ++i) {
        float& nearest = nearest_[static_cast<size_t>(row) * size_ + i];
        nearest = std::max(nearest, depth.at(i + 0.5, row + 0.5));
      }
    });
  }
}

float ShadowMap::light_at(Vec3 point, Vec3 normal) const {
  const float cell = 1 / samples_per_metre_;
  const Vec3 d = point + normal * (1.5F * cell) - centre_;
  const float x = dot(d, aside_) * samples_per_metre_ + half_ - 0.5F;
  const float y = dot(d, up_) * samples_per_metre_ + half_ - 0.5F;
  if (x < 0 || y < 0 || x >= static_cast<float>(size_ - 1) || y >= static_cast<float>(size_ - 1))
    return 1;
  const int x0 = static_cast<int>(x);
  const int y0 = static_cast<int>(y);
  const float tx = x - static_cast<float>(x0);
  const float ty = y - static_cast<float>(y0);
  const float depth = dot(d, to_sun_) + cell;
  const float* p = &nearest_[static_cast<size_t>(y0) * size_ + x0];
  const auto lit = [&](float nearest) { return nearest <= depth ? 1.0F : 0.0F; };
  return mix(mix(lit(p[0]), lit(p[1]), tx), mix(lit(p[size_]), lit(p[size_ + 1]), tx), ty);
}

}  // namespace cairn::synth
