#include "cairn/dataset/synth/landmark.h"

#include <array>
#include <cmath>
#include <vector>

namespace cairn::synth {
namespace {

constexpr int kFrontSize = 512;
constexpr int kWallSize = 256;
constexpr int kPlainSize = 64;

}  // namespace

Sculptor::Sculptor(Rng& generator, Scene& scene)
    : rng(generator),
      style(Style::random(generator)),
      build(scene.mesh),
      scene_(scene),
      spire_kind_(static_cast<int>(generator.below(4))) {}

uint32_t Sculptor::add(Texture texture) {
  scene_.textures.push_back(std::move(texture));
  return static_cast<uint32_t>(scene_.textures.size() - 1);
}

uint32_t Sculptor::wall() {
  if (wall_ < 0) wall_ = static_cast<int>(add(wall_texture(style, rng, kWallSize)));
  return static_cast<uint32_t>(wall_);
}
uint32_t Sculptor::roof() {
  if (roof_ < 0) roof_ = static_cast<int>(add(roof_texture(style, rng, kWallSize)));
  return static_cast<uint32_t>(roof_);
}
uint32_t Sculptor::trim() {
  if (trim_ < 0) trim_ = static_cast<int>(add(plain_texture(style.trim, 0.4F, rng, kPlainSize)));
  return static_cast<uint32_t>(trim_);
}
uint32_t Sculptor::accent() {
  if (accent_ < 0)
    accent_ = static_cast<int>(add(plain_texture(style.accent, 0.4F, rng, kPlainSize)));
  return static_cast<uint32_t>(accent_);
}
uint32_t Sculptor::front(int bays, int storeys, bool ground_arcade, bool frieze) {
  return add(front_texture(style, {bays, storeys, ground_arcade, frieze}, rng, kFrontSize));
}
uint32_t Sculptor::relief(int columns, int rows) {
  return add(relief_texture(style, columns, rows, rng, kFrontSize));
}
uint32_t Sculptor::rose(bool clock) { return add(rose_texture(style, clock, rng, kWallSize)); }
uint32_t Sculptor::glass(int columns, int rows) {
  return add(glass_texture(style, columns, rows, rng, kFrontSize));
}

void Sculptor::steps(float width, float depth, float height, int number) {
  const float rise = height / static_cast<float>(number);
  for (int i = 0; i < number; ++i) {
    const float out = static_cast<float>(number - i) * rise * 1.2F;
    build.box({0, 0, rise * static_cast<float>(i)}, {width + 2 * out, depth + 2 * out, rise},
              trim(), trim(), {0, 0, 4, 0.2F}, {0, 0, 4, 0.2F});
  }
}

void Sculptor::cornice(Vec3 base, float width, float depth, float height) {
  build.box(base, {width, depth, height}, trim(), trim(), {0, 0, 3, 0.3F}, {0, 0, 3, 0.3F});
  build.box(base + Vec3{0, 0, height}, {width * 1.03F, depth * 1.03F, height * 0.5F}, trim(),
            trim(), {0, 0.5F, 3, 0.6F}, {0, 0.5F, 3, 0.6F});
}

void Sculptor::statue(Vec3 base, float height) {
  const uint32_t stone = trim();
  const float h = height;
  const float lean = draw(-0.06, 0.06) * h;
  const std::vector<std::pair<float, float>> robe = {{0.2F * h, 0},
                                                     {0.16F * h, 0.3F * h},
                                                     {0.1F * h, 0.5F * h},
                                                     {0.14F * h, 0.72F * h},
                                                     {0.04F * h, 0.82F * h}};
  build.revolve(base, robe, 10, stone, 2);
  build.ellipsoid(base + Vec3{lean, 0, 0.9F * h}, {0.07F * h, 0.07F * h, 0.1F * h}, stone, 8);
  const Vec3 shoulder = base + Vec3{0.12F * h, 0, 0.7F * h};
  build.beam(shoulder,
             shoulder + Vec3{draw(0.05, 0.3) * h, draw(-0.15, 0.0) * h, draw(-0.2, 0.35) * h},
             0.07F * h, stone);
  const Vec3 other = base + Vec3{-0.12F * h, 0, 0.7F * h};
  build.beam(other, other + Vec3{draw(-0.25, 0.0) * h, draw(-0.2, 0.0) * h, draw(-0.25, 0.2) * h},
             0.07F * h, stone);
}

void Sculptor::spire(Vec3 base, float radius, bool round) {
  const float r = radius;
  switch (spire_kind_) {
    case 0: {  // steep pyramid or cone
      const float h = r * 3.2F;
      build.prism(base, round ? 16 : 4, round ? r : r * 1.414F, 0, h, roof(), roof(), {0, 0, 1, 2},
                  round ? 0 : kPi / 4);
      build.beam(base + Vec3{0, 0, h}, base + Vec3{0, 0, h + r * 0.6F}, r * 0.06F, accent());
      break;
    }
    case 1: {  // dome with a lantern
      std::vector<std::pair<float, float>> dome;
      for (int i = 0; i <= 8; ++i) {
        const float a = kPi / 2 * static_cast<float>(i) / 9;
        dome.emplace_back(r * std::cos(a), r * 1.1F * std::sin(a));
      }
      build.revolve(base, dome, 20, roof(), 4);
      build.prism(base + Vec3{0, 0, r * 1.05F}, 8, r * 0.2F, r * 0.18F, r * 0.5F, trim(), roof());
      build.prism(base + Vec3{0, 0, r * 1.55F}, 8, r * 0.24F, 0, r * 0.5F, roof(), roof());
      break;
    }
    case 2: {  // onion
      const std::vector<std::pair<float, float>> onion = {
          {r * 0.8F, 0},        {r * 1.08F, r * 0.4F}, {r * 1.1F, r * 0.8F}, {r * 0.8F, r * 1.3F},
          {r * 0.3F, r * 1.8F}, {r * 0.08F, r * 2.3F}, {0, r * 2.9F}};
      build.revolve(base, onion, 20, roof(), 4);
      break;
    }
    default: {  // stepped crown
      float z = 0;
      float w = r;
      for (int i = 0; i < 3; ++i) {
        build.prism(base + Vec3{0, 0, z}, round ? 12 : 8, w, w * 0.92F, r * 0.6F, wall(), trim(),
                    {0, 0, 0.3F, 0.3F});
        z += r * 0.6F;
        w *= 0.62F;
      }
      build.prism(base + Vec3{0, 0, z}, 8, w * 1.3F, 0, r * 1.1F, roof(), roof());
    }
  }
}

void Sculptor::crenels(Vec3 from, Vec3 to, float size) {
  const Vec3 along = to - from;
  const int n = std::max(2, static_cast<int>(length(along) / (2 * size)));
  for (int i = 0; i < n; ++i) {
    const Vec3 p = from + along * ((static_cast<float>(i) + 0.5F) / static_cast<float>(n));
    build.box(p, {size, size, size * 1.2F}, wall(), trim(), {0, 0, 0.1F, 0.1F}, {0, 0, 0.1F, 0.1F});
  }
}

void Sculptor::dome(Vec3 base, float radius, float rise, float power, int segments, float repeat) {
  std::vector<std::pair<float, float>> profile;
  for (int i = 0; i <= 10; ++i) {
    const float t = static_cast<float>(i) / 10;
    profile.emplace_back(radius * std::pow(std::max(0.0F, 1 - std::pow(t, power)), 1 / power),
                         rise * t);
  }
  build.revolve(base, profile, segments, roof(), repeat);
}

void Sculptor::pillar(Vec3 base, float radius, float height, uint32_t texture) {
  const std::array<std::pair<float, float>, 5> shape = {{{radius * 1.3F, 0},
                                                         {radius, radius * 0.6F},
                                                         {radius * 0.86F, height - radius * 1.2F},
                                                         {radius * 1.35F, height - radius * 0.4F},
                                                         {radius * 1.35F, height}}};
  build.revolve(base, shape, 10, texture, 1);
}

Landmark make_landmark(size_t family, Rng rng) {
  Landmark landmark;
  const Family& kind = families()[family];
  landmark.family = kind.name;
  Sculptor sculptor(rng, landmark.scene);
  kind.sculpt(sculptor);
  for (const Vertex& vertex : landmark.scene.mesh.vertices) {
    landmark.height = std::max(landmark.height, vertex.position.z);
    landmark.radius = std::max(landmark.radius, std::hypot(vertex.position.x, vertex.position.y));
  }
  landmark.view_arc = sculptor.view_arc;
  landmark.over_water = sculptor.over_water;
  landmark.style = sculptor.style;
  return landmark;
}

}  // namespace cairn::synth
