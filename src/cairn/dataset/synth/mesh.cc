#include "cairn/dataset/synth/mesh.h"

#include <cmath>

namespace cairn::synth {

uint32_t Builder::vertex(Vec3 p, Vec3 normal, float u, float v) {
  mesh_.vertices.push_back({to_world(p), turned(normal, yaw_), u, v});
  return static_cast<uint32_t>(mesh_.vertices.size() - 1);
}

void Builder::quad(Vec3 a, Vec3 b, Vec3 c, Vec3 d, uint32_t texture, UvRect uv) {
  // The diagonals span the normal even where two corners coincide.
  const Vec3 n = normalised(cross(c - a, d - b));
  const uint32_t i = vertex(a, n, uv.u0, uv.v0);
  vertex(b, n, uv.u1, uv.v0);
  vertex(c, n, uv.u1, uv.v1);
  vertex(d, n, uv.u0, uv.v1);
  mesh_.triangles.push_back({i, i + 1, i + 2, texture, tint_});
  mesh_.triangles.push_back({i, i + 2, i + 3, texture, tint_});
}

void Builder::triangle(Vec3 a, Vec3 b, Vec3 c, uint32_t texture, UvRect uv) {
  const Vec3 n = normalised(cross(b - a, c - a));
  const uint32_t i = vertex(a, n, uv.u0, uv.v0);
  vertex(b, n, uv.u1, uv.v0);
  vertex(c, n, (uv.u0 + uv.u1) / 2, uv.v1);
  mesh_.triangles.push_back({i, i + 1, i + 2, texture, tint_});
}

void Builder::box(Vec3 base, Vec3 size, uint32_t texture, uint32_t lid_texture, UvRect front,
                  UvRect side) {
  const float x = size.x / 2;
  const float y = size.y / 2;
  const Vec3 low[4] = {base + Vec3{-x, -y, 0}, base + Vec3{x, -y, 0}, base + Vec3{x, y, 0},
                       base + Vec3{-x, y, 0}};
  const Vec3 up = {0, 0, size.z};
  for (int i = 0; i < 4; ++i) {
    const Vec3 a = low[i];
    const Vec3 b = low[(i + 1) % 4];
    quad(a, b, b + up, a + up, texture, i % 2 == 0 ? front : side);
  }
  const UvRect lid{0, 0, size.x / 6, size.y / 6};
  quad(low[0] + up, low[1] + up, low[2] + up, low[3] + up, lid_texture, lid);
}

void Builder::prism(Vec3 base, int sides, float radius0, float radius1, float height,
                    uint32_t texture, uint32_t lid_texture, UvRect uv, float turn) {
  const Vec3 top = base + Vec3{0, 0, height};
  const auto corner = [&](int i) {
    const float angle = turn + 2 * kPi * static_cast<float>(i) / static_cast<float>(sides);
    return Vec3{std::cos(angle), std::sin(angle), 0};
  };
  for (int i = 0; i < sides; ++i) {
    const Vec3 p = corner(i);
    const Vec3 q = corner(i + 1);
    quad(base + p * radius0, base + q * radius0, top + q * radius1, top + p * radius1, texture, uv);
    if (radius1 > 0) triangle(top + p * radius1, top + q * radius1, top, lid_texture);
  }
}

void Builder::revolve(Vec3 base, std::span<const std::pair<float, float>> profile, int segments,
                      uint32_t texture, float u_repeat, float v_repeat, float squash_y) {
  if (profile.size() < 2) return;
  const auto count = static_cast<uint32_t>(profile.size());
  std::vector<float> along(count, 0.0F);
  for (uint32_t j = 1; j < count; ++j)
    along[j] = along[j - 1] + std::hypot(profile[j].first - profile[j - 1].first,
                                         profile[j].second - profile[j - 1].second);
  const auto first = static_cast<uint32_t>(mesh_.vertices.size());
  for (int i = 0; i <= segments; ++i) {
    const float turn = static_cast<float>(i) / static_cast<float>(segments);
    const Vec3 out = {std::cos(2 * kPi * turn), std::sin(2 * kPi * turn) * squash_y, 0};
    for (uint32_t j = 0; j < count; ++j) {
      const auto& before = profile[j == 0 ? 0 : j - 1];
      const auto& after = profile[j + 1 == count ? j : j + 1];
      const float dr = after.first - before.first;
      const float dz = after.second - before.second;
      Vec3 normal = normalised(Vec3{out.x * dz, out.y * dz, -dr});
      vertex(base + out * profile[j].first + Vec3{0, 0, profile[j].second}, normal, turn * u_repeat,
             along[j] / std::max(along.back(), 1e-6F) * v_repeat);
    }
  }
  for (uint32_t i = 0; i < static_cast<uint32_t>(segments); ++i) {
    for (uint32_t j = 0; j + 1 < count; ++j) {
      const uint32_t a = first + i * count + j;
      mesh_.triangles.push_back({a, a + count, a + count + 1, texture, tint_});
      mesh_.triangles.push_back({a, a + count + 1, a + 1, texture, tint_});
    }
  }
}

void Builder::ellipsoid(Vec3 centre, Vec3 radii, uint32_t texture, int segments) {
  std::vector<std::pair<float, float>> profile;
  const int rings = std::max(3, segments / 2);
  for (int j = 0; j <= rings; ++j) {
    const float angle = kPi * (static_cast<float>(j) / static_cast<float>(rings) - 0.5F);
    profile.emplace_back(radii.x * std::cos(angle), radii.z * std::sin(angle));
  }
  revolve(centre, profile, segments, texture, 2, 1, radii.y / std::max(radii.x, 1e-6F));
}

void Builder::beam(Vec3 from, Vec3 to, float thickness, uint32_t texture, float v_per_metre) {
  const Vec3 axis = to - from;
  const Vec3 along = normalised(axis);
  const Vec3 aside =
      normalised(cross(along, std::abs(along.z) < 0.9F ? Vec3{0, 0, 1} : Vec3{1, 0, 0}));
  const Vec3 other = cross(along, aside);
  const float h = thickness / 2;
  const Vec3 ring[4] = {(aside + other) * h, (other - aside) * h, (aside + other) * -h,
                        (aside - other) * h};
  const UvRect uv{0, 0, thickness * v_per_metre, length(axis) * v_per_metre};
  for (int i = 0; i < 4; ++i) {
    const Vec3 p = ring[i];
    const Vec3 q = ring[(i + 1) % 4];
    quad(from + p, from + q, to + q, to + p, texture, uv);
  }
}

void Builder::arched_wall(Vec3 base, float length, float thickness, float height,
                          std::span<const Opening> openings, uint32_t texture, uint32_t soffit,
                          UvRect uv) {
  const float y = thickness / 2;
  const auto u_at = [&](float x) { return mix(uv.u0, uv.u1, x / length + 0.5F); };
  const auto v_at = [&](float z) { return mix(uv.v0, uv.v1, z / height); };
  // A piece of both faces between x0 and x1, from heights z0, z1 up to the top.
  const auto strip = [&](float x0, float x1, float z0, float z1) {
    for (const float side : {-y, y}) {
      const Vec3 n = {0, side < 0 ? -1.0F : 1.0F, 0};
      const uint32_t i = vertex(base + Vec3{x0, side, z0}, n, u_at(x0), v_at(z0));
      vertex(base + Vec3{x1, side, z1}, n, u_at(x1), v_at(z1));
      vertex(base + Vec3{x1, side, height}, n, u_at(x1), uv.v1);
      vertex(base + Vec3{x0, side, height}, n, u_at(x0), uv.v1);
      mesh_.triangles.push_back({i, i + 1, i + 2, texture, tint_});
      mesh_.triangles.push_back({i, i + 2, i + 3, texture, tint_});
    }
  };
  const auto inside = [&](Vec3 p, Vec3 q) {
    const Vec3 back = {0, thickness, 0};
    quad(base + p, base + p + back, base + q + back, base + q, soffit, {0, 0, 1, 0.5F});
  };
  float x = -length / 2;
  for (const Opening& opening : openings) {
    const float half = opening.width / 2;
    strip(x, opening.centre - half, 0, 0);
    constexpr int kSteps = 10;
    const auto arch = [&](int i) {
      const float t = 2 * static_cast<float>(i) / kSteps - 1;
      const float rise = opening.pointed ? 1.3F * (1 - std::pow(std::abs(t), 1.6F))
                                         : std::sqrt(std::max(0.0F, 1 - t * t));
      return Vec3{opening.centre + t * half, -y, std::min(opening.spring + rise * half, height)};
    };
    inside({opening.centre - half, -y, 0}, arch(0));
    for (int i = 0; i < kSteps; ++i) {
      const Vec3 p = arch(i);
      const Vec3 q = arch(i + 1);
      strip(p.x, q.x, p.z, q.z);
      inside(p, q);
    }
    inside({opening.centre + half, -y, 0}, arch(kSteps));
    x = opening.centre + half;
  }
  strip(x, length / 2, 0, 0);
  for (const float end : {-length / 2, length / 2})
    quad(base + Vec3{end, -y, 0}, base + Vec3{end, y, 0}, base + Vec3{end, y, height},
         base + Vec3{end, -y, height}, texture,
         {uv.u0, uv.v0, uv.u0 + (uv.u1 - uv.u0) * thickness / length, uv.v1});
  quad(base + Vec3{-length / 2, -y, height}, base + Vec3{length / 2, -y, height},
       base + Vec3{length / 2, y, height}, base + Vec3{-length / 2, y, height}, soffit,
       {0, 0, length / 6, thickness / 6});
}

void Builder::gable(Vec3 base, float length, float width, float height, uint32_t roof,
                    uint32_t wall, float repeat) {
  const float x = length / 2;
  const float y = width / 2;
  const Vec3 ridge0 = base + Vec3{-x, 0, height};
  const Vec3 ridge1 = base + Vec3{x, 0, height};
  const UvRect uv{0, 0, repeat, repeat / 2};
  quad(base + Vec3{-x, -y, 0}, base + Vec3{x, -y, 0}, ridge1, ridge0, roof, uv);
  quad(base + Vec3{-x, y, 0}, base + Vec3{x, y, 0}, ridge1, ridge0, roof, uv);
  triangle(base + Vec3{-x, -y, 0}, base + Vec3{-x, y, 0}, ridge0, wall, {0, 0, 1, 0.5F});
  triangle(base + Vec3{x, -y, 0}, base + Vec3{x, y, 0}, ridge1, wall, {0, 0, 1, 0.5F});
}

}  // namespace cairn::synth
