// Families that are taller than wide.
#include <array>
#include <cmath>
#include <vector>

#include "cairn/dataset/synth/families.h"

namespace cairn::synth {

// A square tower of stacked sections with a belfry and, mostly, clocks.
void sculpt_tower(Sculptor& s) {
  float width = s.draw(8, 13);
  const int sections = s.count(2, 4);
  const bool base_hall = s.rng.chance(0.5);
  float z = 0;
  if (base_hall) {
    const uint32_t hall = s.front(5, 2);
    s.build.box({0, 0, 0}, {width * 3, width * 2, width * 0.9F}, hall, s.roof());
    s.cornice({0, 0, width * 0.9F}, width * 3.1F, width * 2.1F, 0.5F);
    z = width * 0.9F;
  }
  for (int i = 0; i < sections; ++i) {
    const float height = width * s.draw(0.8, 1.5);
    const uint32_t face =
        s.front(s.count(1, 3), s.count(1, 4), i == 0 && !base_hall, s.rng.chance(0.6));
    s.build.box({0, 0, z}, {width, width, height}, face, s.trim());
    s.cornice({0, 0, z + height}, width * 1.08F, width * 1.08F, width * 0.05F);
    z += height + width * 0.075F;
    width *= s.draw(0.86, 0.97);
  }
  const uint32_t clock = s.rose(s.rng.chance(0.75));
  s.build.box({0, 0, z}, {width * 0.92F, width * 0.92F, width * 0.92F}, clock, s.trim());
  z += width * 0.92F;
  const std::array<Opening, 2> openings = {Opening{-width * 0.2F, width * 0.24F, width * 0.35F},
                                           Opening{width * 0.2F, width * 0.24F, width * 0.35F}};
  for (int side = 0; side < 4; ++side) {
    s.build.place(turned(Vec3{0, -width * 0.42F, 0}, kPi / 2 * static_cast<float>(side)),
                  kPi / 2 * static_cast<float>(side));
    s.build.arched_wall({0, 0, z}, width * 0.9F, width * 0.07F, width * 0.62F, openings, s.wall(),
                        s.trim(), {0, 0, 0.5F, 0.35F});
  }
  s.build.place({}, 0);
  z += width * 0.62F;
  s.cornice({0, 0, z}, width, width, width * 0.06F);
  s.spire({0, 0, z + width * 0.09F}, width * 0.46F, false);
}

// An iron tower on four curved legs.
void sculpt_lattice(Sculptor& s) {
  const float height = s.draw(60, 110);
  const float foot = height * s.draw(0.16, 0.24);
  const float curve = s.draw(1.4, 3.0);
  const int levels = s.count(9, 13);
  const float bar = height * s.draw(0.010, 0.016);
  const uint32_t steel = s.accent();
  const auto half_width = [&](float t) { return foot * std::pow(1 - t, curve) + foot * 0.045F; };
  const std::array<Vec3, 4> corners = {Vec3{-1, -1, 0}, Vec3{1, -1, 0}, Vec3{1, 1, 0},
                                       Vec3{-1, 1, 0}};
  for (int i = 0; i < levels; ++i) {
    const float t0 = static_cast<float>(i) / static_cast<float>(levels);
    const float t1 = static_cast<float>(i + 1) / static_cast<float>(levels);
    for (size_t c = 0; c < 4; ++c) {
      const Vec3 a = corners[c] * half_width(t0) + Vec3{0, 0, t0 * height};
      const Vec3 b = corners[c] * half_width(t1) + Vec3{0, 0, t1 * height};
      const Vec3 a2 = corners[(c + 1) % 4] * half_width(t0) + Vec3{0, 0, t0 * height};
      const Vec3 b2 = corners[(c + 1) % 4] * half_width(t1) + Vec3{0, 0, t1 * height};
      s.build.beam(a, b, bar * (2 - t0), steel);
      s.build.beam(b, b2, bar * 0.8F, steel);
      if (i > 0) {
        s.build.beam(a, b2, bar * 0.6F, steel);
        s.build.beam(a2, b, bar * 0.6F, steel);
      }
    }
  }
  const uint32_t deck = s.relief(8, 1);
  for (int i = 0, n = s.count(1, 3); i < n; ++i) {
    const float t = 0.16F + 0.24F * static_cast<float>(i) + s.draw(0, 0.08);
    const float w = 2 * half_width(t) * 1.25F + bar;
    s.build.box({0, 0, t * height}, {w, w, height * 0.03F}, deck, s.trim());
  }
  if (s.rng.chance(0.6)) {  // arches between the feet
    for (int side = 0; side < 4; ++side) {
      s.build.place(turned(Vec3{0, -foot * 0.92F, 0}, kPi / 2 * static_cast<float>(side)),
                    kPi / 2 * static_cast<float>(side));
      Vec3 last{-foot * 0.8F, 0, 0};
      for (int i = 1; i <= 10; ++i) {
        const float a = kPi * (1 - static_cast<float>(i) / 10);
        const Vec3 p{foot * 0.8F * std::cos(a), foot * 0.15F * std::sin(a),
                     height * 0.13F * std::sin(a)};
        s.build.beam(last, p, bar, steel);
        last = p;
      }
    }
    s.build.place({}, 0);
  }
  const std::vector<std::pair<float, float>> cabin = {
      {0, 0}, {foot * 0.14F, foot * 0.06F}, {foot * 0.16F, foot * 0.2F}, {0.02F, foot * 0.36F}};
  s.build.revolve({0, 0, height * 0.97F}, cabin, 14, s.glass(16, 4), 1);
  s.build.beam({0, 0, height}, {0, 0, height * 1.14F}, bar, s.trim());
}

// An obelisk or a round column with a statue.
void sculpt_column(Sculptor& s) {
  const float width = s.draw(3, 5);
  const float height = width * s.draw(6, 10);
  const uint32_t relief = s.relief(s.count(3, 5), s.count(7, 14));
  s.steps(width * 3.5F, width * 3.5F, width * 0.6F, 4);
  const uint32_t pedestal = s.relief(3, 2);
  float z = width * 0.6F;
  s.build.box({0, 0, z}, {width * 2, width * 2, width * 1.6F}, pedestal, s.trim());
  s.cornice({0, 0, z + width * 1.6F}, width * 2.2F, width * 2.2F, width * 0.15F);
  z += width * 1.85F;
  if (s.rng.chance(0.5)) {
    s.build.prism({0, 0, z}, 4, width * 0.9F, width * 0.62F, height, relief, s.trim(), {}, kPi / 4);
    s.build.prism({0, 0, z + height}, 4, width * 0.62F, 0, width, s.accent(), s.accent(), {},
                  kPi / 4);
  } else {
    const float r = width * 0.62F;
    const std::vector<std::pair<float, float>> shaft = {
        {r * 1.25F, 0}, {r, r * 0.5F}, {r * 0.9F, height - r}, {r * 1.35F, height}};
    s.build.revolve({0, 0, z}, shaft, 20, relief, 2);
    s.build.box({0, 0, z + height}, {r * 2.8F, r * 2.8F, r * 0.4F}, s.trim(), s.trim());
    s.build.prism({0, 0, z + height + r * 0.4F}, 12, r, r * 0.8F, r, s.relief(6, 1), s.trim());
    s.statue({0, 0, z + height + r * 1.4F}, width * 1.8F);
  }
  for (int i = 0, n = s.rng.chance(0.6) ? 4 : 0; i < n; ++i) {
    const float a = kPi / 4 + kPi / 2 * static_cast<float>(i);
    s.build.box({std::cos(a) * width * 3.4F, std::sin(a) * width * 3.4F, 0},
                {width, width, width * 0.9F}, pedestal, s.trim());
    s.statue({std::cos(a) * width * 3.4F, std::sin(a) * width * 3.4F, width * 0.9F}, width * 1.2F);
  }
}

// Storeys with wide, upturned roofs.
void sculpt_pagoda(Sculptor& s) {
  const int sides = s.rng.chance(0.6) ? 4 : (s.rng.chance(0.5) ? 6 : 8);
  const int tiers = s.count(3, 7);
  float r = s.draw(7, 11);
  const float shrink = s.draw(0.82, 0.92);
  const float overhang = s.draw(1.35, 1.7);
  const float storey = s.draw(0.5, 0.75);
  const uint32_t face = s.front(s.count(2, 4), 1, false, true);
  s.build.prism({0, 0, 0}, sides, r * 1.5F, r * 1.4F, 2, s.wall(), s.trim(), {0, 0, 2, 0.2F},
                kPi / static_cast<float>(sides));
  float z = 2;
  for (int i = 0; i < tiers; ++i) {
    const float turn = kPi / static_cast<float>(sides);
    const float h = r * storey;
    s.build.prism({0, 0, z}, sides, r, r, h, face, s.trim(), {}, turn);
    // The eave curves up towards its edge.
    s.build.prism({0, 0, z + h * 0.86F}, sides, r * overhang, r * overhang * 0.97F, h * 0.08F,
                  s.accent(), s.accent(), {}, turn);
    s.build.prism({0, 0, z + h * 0.94F}, sides, r * overhang, r * 1.12F, h * 0.22F, s.roof(),
                  s.roof(), {0, 0, 2, 0.5F}, turn);
    s.build.prism({0, 0, z + h * 1.16F}, sides, r * 1.12F, r * 0.8F, h * 0.34F, s.roof(), s.roof(),
                  {0, 0.5F, 2, 1}, turn);
    z += h * 1.45F;
    r *= shrink;
  }
  s.build.prism({0, 0, z}, sides, r * 0.95F, r * 0.15F, r * 0.9F, s.roof(), s.roof(), {0, 0, 2, 1},
                kPi / static_cast<float>(sides));
  s.build.beam({0, 0, z + r * 0.8F}, {0, 0, z + r * 2.4F}, r * 0.1F, s.accent());
  for (int i = 0; i < 4; ++i)
    s.build.ellipsoid({0, 0, z + r * (1.1F + 0.3F * static_cast<float>(i))},
                      {r * 0.2F, r * 0.2F, r * 0.07F}, s.accent(), 8);
}

// A glass tower that tapers, twists or steps back.
void sculpt_skyscraper(Sculptor& s) {
  const float height = s.draw(80, 140);
  const float r = height * s.draw(0.1, 0.16);
  const int sides = s.count(4, 7);
  const uint32_t face = s.glass(s.count(6, 12), s.count(24, 40));
  const int kind = s.count(0, 2);
  s.build.prism({0, 0, 0}, sides, r * 1.6F, r * 1.6F, height * 0.06F, s.front(4, 2), s.trim());
  const int slices = kind == 2 ? s.count(3, 5) : 24;
  const float twist = kind == 0 ? 0 : s.draw(0.6, 1.8);
  const float taper = s.draw(0.3, 0.75);
  const auto radius = [&](float t) {
    if (kind == 2) return r * (1 - 0.16F * std::floor(t * static_cast<float>(slices)));
    return r * (kind == 0 ? mix(1.0F, taper, t * t)
                          : mix(1.0F, taper, t) * (1 + 0.15F * std::sin(3 * t)));
  };
  for (int i = 0; i < slices; ++i) {
    const float t0 = static_cast<float>(i) / static_cast<float>(slices);
    const float t1 = static_cast<float>(i + 1) / static_cast<float>(slices);
    const float r0 = radius(t0 + 1e-4F);
    const float r1 = kind == 2 ? r0 : radius(t1);
    const auto corner = [&](int k, float t, float rr) {
      const float a =
          2 * kPi * static_cast<float>(k) / static_cast<float>(sides) + (kind == 1 ? twist * t : 0);
      return Vec3{rr * std::cos(a), rr * std::sin(a), t * height};
    };
    for (int k = 0; k < sides; ++k) {
      s.build.quad(corner(k, t0, r0), corner(k + 1, t0, r0), corner(k + 1, t1, r1),
                   corner(k, t1, r1), face, {0, t0, 1, t1});
      s.build.triangle(corner(k, t1, r1), corner(k + 1, t1, r1), {0, 0, t1 * height}, s.trim());
    }
  }
  const float top = radius(0.999F);
  switch (s.count(0, 2)) {
    case 0:
      s.build.prism({0, 0, height}, sides, top, 0, height * 0.2F, s.accent(), s.accent());
      break;
    case 1:
      s.build.ellipsoid({0, 0, height + top * 0.5F}, {top * 0.9F, top * 0.9F, top * 0.9F},
                        s.accent(), 16);
      break;
    default:
      s.build.prism({0, 0, height}, sides, top * 0.8F, top * 1.3F, height * 0.05F, s.relief(6, 1),
                    s.trim());
  }
  s.build.beam({0, 0, height}, {0, 0, height * s.draw(1.15, 1.35)}, r * 0.08F, s.trim());
}

// A windmill or a lighthouse.
void sculpt_windmill(Sculptor& s) {
  const bool mill = s.rng.chance(0.6);
  const float height = s.draw(16, 24);
  const float r = height * s.draw(0.2, 0.28);
  s.style.window_width = 0.25F;
  const uint32_t body = s.front(s.count(3, 6), s.count(3, 5));
  const std::vector<std::pair<float, float>> shape = {
      {r, 0}, {r * 0.82F, height * 0.5F}, {r * 0.66F, height}};
  s.build.revolve({0, 0, 0}, shape, 16, body, 2);
  s.build.prism({0, 0, height * 0.34F}, 16, r * 1.35F, r * 1.35F, 0.6F, s.trim(), s.trim());
  if (!mill) {
    s.build.prism({0, 0, height}, 16, r, r, 0.7F, s.trim(), s.trim());
    s.build.prism({0, 0, height + 0.7F}, 12, r * 0.5F, r * 0.5F, r * 0.9F, s.glass(3, 3), s.trim());
    s.spire({0, 0, height + 0.7F + r * 0.9F}, r * 0.6F, true);
    s.build.box({r * 2.2F, r * 0.5F, 0}, {r * 2.4F, r * 2, r * 1.2F}, s.front(3, 1), s.roof());
    s.build.place({r * 2.2F, r * 0.5F, r * 1.2F});
    s.build.gable({}, r * 2.6F, r * 2.2F, r * 0.8F, s.roof(), s.wall());
    s.build.place({});
    return;
  }
  s.spire({0, 0, height}, r * 0.75F, true);
  const Vec3 hub = {0, -r * 0.9F, height * 1.04F};
  s.build.beam(hub, hub + Vec3{0, r, 0}, r * 0.15F, s.accent());
  const float start = s.draw(0, kPi / 2);
  const int sails = s.rng.chance(0.7) ? 4 : 6;
  const uint32_t cloth = s.relief(2, 7);
  for (int i = 0; i < sails; ++i) {
    const float a = start + 2 * kPi * static_cast<float>(i) / static_cast<float>(sails);
    const Vec3 along = {std::cos(a), 0, std::sin(a)};
    const Vec3 aside = {-std::sin(a), 0, std::cos(a)};
    const Vec3 tip = hub + along * (height * 0.62F);
    s.build.beam(hub, tip, r * 0.08F, s.accent());
    const Vec3 in = hub + along * (height * 0.14F);
    s.build.quad(in, in + aside * (r * 0.55F), tip + aside * (r * 0.55F), tip, cloth);
  }
  s.view_arc = 2.0F;
}

// A great wheel with cabins.
void sculpt_wheel(Sculptor& s) {
  const float r = s.draw(22, 34);
  const int cabins = s.count(12, 24);
  const float depth = r * 0.12F;
  const float bar = r * 0.025F;
  const Vec3 hub = {0, 0, r * 1.15F};
  const uint32_t steel = s.trim();
  const uint32_t cabin = s.front(2, 1, false, false);
  for (int i = 0; i < cabins; ++i) {
    const float a = 2 * kPi * static_cast<float>(i) / static_cast<float>(cabins);
    const float b = 2 * kPi * static_cast<float>(i + 1) / static_cast<float>(cabins);
    const Vec3 p = {r * std::cos(a), 0, r * std::sin(a)};
    const Vec3 q = {r * std::cos(b), 0, r * std::sin(b)};
    for (const float side : {-depth, depth}) {
      const Vec3 off = {0, side, 0};
      s.build.beam(hub + p + off, hub + q + off, bar, steel);
      s.build.beam(hub + p * 0.82F + off, hub + q * 0.82F + off, bar * 0.7F, steel);
      s.build.beam(hub + off, hub + p + off, bar * 0.4F, s.accent());
    }
    s.build.beam(hub + p + Vec3{0, -depth, 0}, hub + p + Vec3{0, depth, 0}, bar, steel);
    s.build.tint(i % 2 == 0 ? Vec3{1, 1, 1} : Vec3{1, 0.6F, 0.5F});
    s.build.box(hub + p * 1.06F + Vec3{0, 0, -r * 0.06F}, {r * 0.09F, r * 0.12F, r * 0.09F}, cabin,
                s.roof());
    s.build.tint({1, 1, 1});
  }
  s.build.ellipsoid(hub, {r * 0.08F, depth * 1.6F, r * 0.08F}, s.accent(), 10);
  for (const float side : {-1.0F, 1.0F}) {
    const Vec3 axle = hub + Vec3{0, side * depth * 1.5F, 0};
    for (const float foot : {-0.55F, 0.55F})
      s.build.beam({foot * r, side * depth * 3.5F, 0}, axle, r * 0.05F, steel);
  }
  s.build.box({0, 0, 0}, {r * 1.2F, r * 0.6F, r * 0.14F}, s.front(7, 1), s.roof());
}

}  // namespace cairn::synth
