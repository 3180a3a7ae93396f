#include "cairn/dataset/synth/props.h"

#include <array>
#include <cmath>

#include "cairn/dataset/synth/noise.h"

namespace cairn::synth {

Vec3 random_colour(Rng& rng, double low, double high) {
  const auto draw = [&] { return static_cast<float>(rng.uniform(low, high)); };
  const Vec3 vivid = {draw(), draw(), draw()};
  const float grey = (vivid.x + vivid.y + vivid.z) / 3;
  // Most things of this world are muted, a few are bright.
  const float chroma = rng.chance(0.2) ? 1.0F : static_cast<float>(rng.uniform(0.1, 0.6));
  return linear_colour(mix(Vec3{grey, grey, grey}, vivid, chroma));
}

PropLibrary::PropLibrary(uint64_t seed) {
  Rng rng = Rng::for_stream(seed, fnv1a("props"));
  const auto add = [&](Texture texture) {
    textures.push_back(std::move(texture));
    return static_cast<uint32_t>(textures.size() - 1);
  };
  for (int i = 0; i < 8; ++i) {
    const Style style = Style::random(rng);
    const FrontPlan plan{2 + static_cast<int>(rng.below(4)), 2 + static_cast<int>(rng.below(3)),
                         true, rng.chance(0.3)};
    fronts.push_back(add(front_texture(style, plan, rng, 256)));
  }
  for (int i = 0; i < 4; ++i) walls.push_back(add(wall_texture(Style::random(rng), rng, 128)));
  for (int i = 0; i < 4; ++i) roofs.push_back(add(roof_texture(Style::random(rng), rng, 128)));
  for (const Vec3 green :
       {Vec3{0.3F, 0.45F, 0.15F}, Vec3{0.2F, 0.35F, 0.18F}, Vec3{0.5F, 0.48F, 0.16F}})
    foliage.push_back(add(foliage_texture(green, rng, 128)));
  plain = add(plain_texture({0.95F, 0.95F, 0.95F}, 0.2F, rng, 64));
  paving = add(ground_texture(GroundKind::kPaving, rng, 256));
  cobbles = add(ground_texture(GroundKind::kCobbles, rng, 256));
  grass = add(ground_texture(GroundKind::kGrass, rng, 256));
  sand = add(ground_texture(GroundKind::kSand, rng, 128));
  water = add(ground_texture(GroundKind::kWater, rng, 256));
  asphalt = add(ground_texture(GroundKind::kAsphalt, rng, 128));
}

Vec3 PropBuilder::colour(double low, double high) { return random_colour(rng_, low, high); }

void PropBuilder::house(Vec3 base, float yaw, Vec3 size) {
  build_.place(base, yaw);
  build_.tint(mix(Vec3{1, 1, 1}, colour(0.6, 1), 0.8F));
  const uint32_t front = any(library_.fronts);
  const float repeat = std::max(1.0F, std::round(size.x / 10));
  const float side = std::max(1.0F, std::round(size.y / 10));
  const float high = std::max(1.0F, std::round(size.z / 10));
  const uint32_t roof = any(library_.roofs);
  build_.box({}, size, front, roof, {0, 0, repeat, high}, {0, 0, side, high});
  if (rng_.chance(0.65)) {
    build_.place(base + Vec3{0, 0, size.z}, yaw + (size.x < size.y ? kPi / 2 : 0));
    build_.gable({}, std::max(size.x, size.y), std::min(size.x, size.y),
                 draw(0.2, 0.5) * std::min(size.x, size.y), roof, any(library_.walls));
  }
  build_.tint({1, 1, 1});
  build_.place({});
}

void PropBuilder::tree(Vec3 base, float height) {
  build_.tint(linear_colour({0.36F, 0.27F, 0.2F}));
  build_.prism(base, 5, height * 0.04F, height * 0.025F, height * 0.5F, library_.plain,
               library_.plain);
  build_.tint(mix(Vec3{1, 1, 1}, colour(0.5, 1), 0.7F));
  const uint32_t leaves = any(library_.foliage);
  if (rng_.chance(0.35)) {
    for (int i = 0; i < 3; ++i)
      build_.prism(base + Vec3{0, 0, height * (0.2F + 0.24F * static_cast<float>(i))}, 8,
                   height * (0.26F - 0.06F * static_cast<float>(i)), 0.01F, height * 0.36F, leaves,
                   leaves, {0, 0, 0.5F, 0.6F});
  } else {
    for (int i = 0; i < 4; ++i) {
      const Vec3 centre =
          base + Vec3{draw(-0.16, 0.16), draw(-0.16, 0.16), draw(0.55, 0.82)} * height;
      const float r = height * draw(0.15, 0.24);
      build_.ellipsoid(centre, {r, r, r * draw(0.8, 1.1)}, leaves, 8);
    }
  }
  build_.tint({1, 1, 1});
}

void PropBuilder::person(Vec3 base, float yaw, float height) {
  build_.place(base, yaw);
  const float h = height;
  const Vec3 skin =
      linear_colour(mix(Vec3{0.95F, 0.78F, 0.66F}, Vec3{0.42F, 0.28F, 0.2F}, draw(0, 1)));
  build_.tint(colour(0.1, 0.5));
  const float stride = draw(0, 0.1) * h;
  build_.beam({-0.05F * h, -stride, 0}, {-0.05F * h, 0, 0.48F * h}, 0.09F * h, library_.plain);
  build_.beam({0.05F * h, stride, 0}, {0.05F * h, 0, 0.48F * h}, 0.09F * h, library_.plain);
  build_.tint(colour(0.15, 0.95));
  build_.prism({0, 0, 0.45F * h}, 8, 0.1F * h, 0.13F * h, 0.37F * h, library_.plain,
               library_.plain);
  build_.beam({-0.14F * h, 0, 0.8F * h}, {-0.17F * h, -draw(0, 0.1) * h, 0.5F * h}, 0.06F * h,
              library_.plain);
  build_.beam({0.14F * h, 0, 0.8F * h}, {0.17F * h, -draw(0, 0.2) * h, draw(0.5, 0.7) * h},
              0.06F * h, library_.plain);
  build_.tint(skin);
  build_.ellipsoid({0, 0, 0.91F * h}, {0.065F * h, 0.07F * h, 0.09F * h}, library_.plain, 8);
  build_.tint(colour(0.05, 0.4));
  build_.ellipsoid({0, 0.015F * h, 0.95F * h}, {0.07F * h, 0.07F * h, 0.065F * h}, library_.plain,
                   8);
  build_.tint({1, 1, 1});
  build_.place({});
}

void PropBuilder::car(Vec3 base, float yaw) {
  build_.place(base, yaw);
  const Vec3 paint = colour(0.05, 0.95);
  const float len = draw(3.8, 5.2);
  build_.tint(paint);
  build_.box({0, 0, 0.35F}, {len, 1.8F, 0.65F}, library_.plain, library_.plain);
  build_.prism({draw(-0.3, 0.3), 0, 1.0F}, 4, 1.6F, 1.1F, 0.55F, library_.plain, library_.plain, {},
               kPi / 4);
  build_.tint({0.02F, 0.025F, 0.03F});
  build_.prism({0, 0, 1.05F}, 4, 1.62F, 1.2F, 0.4F, library_.plain, library_.plain, {}, kPi / 4);
  for (const float x : {-0.32F, 0.32F})
    for (const float y : {-0.85F, 0.85F})
      build_.ellipsoid({x * len, y, 0.35F}, {0.35F, 0.12F, 0.35F}, library_.plain, 8);
  build_.tint({1, 1, 1});
  build_.place({});
}

void PropBuilder::boat(Vec3 base, float yaw, float length) {
  build_.place(base, yaw);
  const float l = length;
  build_.tint(colour(0.2, 0.95));
  build_.ellipsoid({0, 0, 0.02F * l}, {0.5F * l, 0.14F * l, 0.12F * l}, library_.plain, 12);
  build_.tint(colour(0.6, 1));
  build_.box({0, 0, 0.1F * l}, {0.4F * l, 0.18F * l, 0.12F * l}, any(library_.walls),
             library_.plain);
  if (rng_.chance(0.5))
    build_.triangle({-0.1F * l, 0, 0.1F * l}, {0.4F * l, 0, 0.1F * l}, {0, 0, 0.9F * l},
                    library_.plain);
  build_.tint({1, 1, 1});
  build_.place({});
}

void PropBuilder::lamp(Vec3 base, float height) {
  build_.tint({0.03F, 0.03F, 0.035F});
  build_.beam(base, base + Vec3{0, 0, height}, 0.14F, library_.plain);
  build_.tint({0.9F, 0.85F, 0.7F});
  build_.ellipsoid(base + Vec3{0, 0, height}, {0.28F, 0.28F, 0.34F}, library_.plain, 8);
  build_.tint({1, 1, 1});
}

void PropBuilder::ground(float half, float height, uint32_t texture, float repeat, Vec3 tint) {
  build_.tint(tint);
  constexpr int kTiles = 12;
  const float step = 2 * half / kTiles;
  for (int j = 0; j < kTiles; ++j) {
    for (int i = 0; i < kTiles; ++i) {
      const float x = -half + step * static_cast<float>(i);
      const float y = -half + step * static_cast<float>(j);
      build_.quad({x, y, height}, {x + step, y, height}, {x + step, y + step, height},
                  {x, y + step, height}, texture, {0, 0, step / repeat, step / repeat});
    }
  }
  build_.tint({1, 1, 1});
}

void PropBuilder::disc(float radius, float height, uint32_t texture, float repeat, Vec3 tint) {
  build_.tint(tint);
  constexpr int kRings = 4;
  constexpr int kSegments = 28;
  const auto at = [&](int ring, int i) {
    const float a = 2 * kPi * static_cast<float>(i) / kSegments;
    const float r = radius * static_cast<float>(ring) / kRings;
    return Vec3{r * std::cos(a), r * std::sin(a), height};
  };
  Mesh& mesh = build_.mesh();
  for (int ring = 0; ring < kRings; ++ring) {
    for (int i = 0; i < kSegments; ++i) {
      const std::array<Vec3, 4> p = {at(ring, i), at(ring + 1, i), at(ring + 1, i + 1),
                                     at(ring, i + 1)};
      const auto first = static_cast<uint32_t>(mesh.vertices.size());
      for (const Vec3 q : p) mesh.vertices.push_back({q, {0, 0, 1}, q.x / repeat, q.y / repeat});
      mesh.triangles.push_back({first, first + 1, first + 2, texture, tint});
      mesh.triangles.push_back({first, first + 2, first + 3, texture, tint});
    }
  }
  build_.tint({1, 1, 1});
}

void PropBuilder::hills(float distance, float height, Vec3 tint) {
  const auto seed = static_cast<uint32_t>(rng_.next());
  constexpr int kSegments = 72;
  build_.tint(tint);
  const auto top = [&](int i) {
    const float a = 2 * kPi * static_cast<float>(i) / kSegments;
    const float h =
        height * fractal_noise(static_cast<float>(i % kSegments) / 6, 0.5F, kSegments / 6, 3, seed);
    return Vec3{distance * std::cos(a), distance * std::sin(a), h};
  };
  for (int i = 0; i < kSegments; ++i) {
    const Vec3 a = top(i);
    const Vec3 b = top(i + 1);
    // The foot lies nearer, so the slope catches light.
    const auto foot = [&](Vec3 p) { return Vec3{p.x * 0.7F, p.y * 0.7F, -2}; };
    build_.quad(foot(a), foot(b), b, a, library_.foliage[seed % library_.foliage.size()],
                {0, 0, 1, 3});
  }
  build_.tint({1, 1, 1});
}

Mesh make_site(const Landmark& landmark, const PropLibrary& library, Rng rng) {
  Mesh mesh;
  PropBuilder props(library, mesh, rng);
  const auto draw = [&](double low, double high) {
    return static_cast<float>(rng.uniform(low, high));
  };
  const float r = landmark.radius;
  const Vec3 tint = mix(Vec3{1, 1, 1}, random_colour(rng, 0.6, 1), 0.7F);
  props.hills(1100, draw(30, 180), linear_colour({draw(0.6, 1), draw(0.8, 1), draw(0.7, 1)}));
  if (landmark.over_water) {
    props.ground(1200, 0, library.water, 30, tint);
    for (const float side : {-1.0F, 1.0F}) {  // the banks
      props.raw().tint(tint);
      props.raw().box({side * (r * 0.9F + 200), 0, -1}, {400, 1200, 4}, library.cobbles,
                      library.grass, {0, 0, 30, 1}, {0, 0, 90, 1});
      props.raw().tint({1, 1, 1});
      for (int i = 0; i < 14; ++i) {
        const Vec3 at = {side * (r * 0.95F + draw(10, 160)), draw(-220, 220), 3};
        if (rng.chance(0.5))
          props.house(at, draw(-0.3, 0.3), {draw(8, 20), draw(8, 16), draw(6, 18)});
        else
          props.tree(at, draw(6, 14));
      }
    }
    return mesh;
  }
  const std::array<uint32_t, 4> outer = {library.grass, library.sand, library.asphalt,
                                         library.cobbles};
  const std::array<uint32_t, 4> inner = {library.paving, library.cobbles, library.grass,
                                         library.sand};
  props.ground(1200, 0, outer[rng.below(outer.size())], 14, tint);
  props.disc(r * draw(1.4, 2.4) + 8, 0.04F, inner[rng.below(inner.size())], draw(6, 12),
             mix(Vec3{1, 1, 1}, random_colour(rng, 0.6, 1), 0.6F));
  const bool town = rng.chance(0.65);
  const int houses = town ? 10 + static_cast<int>(rng.below(14)) : static_cast<int>(rng.below(5));
  for (int i = 0; i < houses; ++i) {
    const float a = draw(0, 2 * kPi);
    const float d = r * draw(2.6, 4.5) + draw(25, 60);
    props.house({d * std::cos(a), d * std::sin(a), 0}, a + kPi / 2,
                {draw(10, 26), draw(8, 14), draw(6, 10 + 0.25 * landmark.height)});
  }
  const int trees = town ? static_cast<int>(rng.below(14)) : 12 + static_cast<int>(rng.below(24));
  for (int i = 0; i < trees; ++i) {
    const float a = draw(0, 2 * kPi);
    const float d = r * draw(1.3, 3.6) + draw(4, 30);
    props.tree({d * std::cos(a), d * std::sin(a), 0}, draw(4, 11));
  }
  const int lamps = static_cast<int>(rng.below(10));
  for (int i = 0; i < lamps; ++i) {
    const float a = 2 * kPi * static_cast<float>(i) / static_cast<float>(lamps);
    props.lamp({r * 1.35F * std::cos(a), r * 1.35F * std::sin(a), 0}, 4.5F);
  }
  return mesh;
}

}  // namespace cairn::synth
