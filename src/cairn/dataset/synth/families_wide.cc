// Families that are wider than tall.
#include <array>
#include <cmath>
#include <vector>

#include "cairn/dataset/synth/families.h"

namespace cairn::synth {
namespace {

std::vector<std::pair<float, float>> dome_profile(float r, float rise, float power) {
  std::vector<std::pair<float, float>> profile;
  for (int i = 0; i <= 10; ++i) {
    const float t = static_cast<float>(i) / 10;
    profile.emplace_back(r * std::pow(std::max(0.0F, 1 - std::pow(t, power)), 1 / power), rise * t);
  }
  return profile;
}

// A round column from z to z + height.
void round_column(Sculptor& s, Vec3 base, float radius, float height, uint32_t texture) {
  const std::array<std::pair<float, float>, 5> shape = {{{radius * 1.3F, 0},
                                                         {radius, radius * 0.6F},
                                                         {radius * 0.86F, height - radius * 1.2F},
                                                         {radius * 1.35F, height - radius * 0.4F},
                                                         {radius * 1.35F, height}}};
  s.build.revolve(base, shape, 10, texture, 1);
}

}  // namespace

// A triumphal arch with one or three openings.
void sculpt_arch(Sculptor& s) {
  const float width = s.draw(24, 40);
  const float height = width * s.draw(0.75, 1.05);
  const float depth = width * s.draw(0.28, 0.45);
  const bool pointed = s.rng.chance(0.25);
  std::vector<Opening> openings;
  const float main = width * s.draw(0.26, 0.34);
  if (s.rng.chance(0.5)) {
    const float side = width * s.draw(0.11, 0.15);
    openings = {{-width * 0.32F, side, height * 0.28F, pointed},
                {0, main, height * 0.38F, pointed},
                {width * 0.32F, side, height * 0.28F, pointed}};
  } else {
    openings = {{0, main * 1.2F, height * 0.38F, pointed}};
  }
  const uint32_t face = s.relief(s.count(5, 8), s.count(4, 7));
  const float body = height * 0.74F;
  s.build.arched_wall({0, 0, 0}, width, depth, body, openings, face, s.wall());
  s.cornice({0, 0, body}, width * 1.06F, depth * 1.12F, height * 0.025F);
  const uint32_t attic = s.relief(s.count(6, 11), 2);
  s.build.box({0, 0, body + height * 0.037F}, {width * 0.97F, depth * 0.95F, height * 0.2F}, attic,
              s.trim(), {}, {0, 0, 0.4F, 1});
  s.cornice({0, 0, height * 0.977F}, width, depth, height * 0.015F);
  for (const float x : {-0.46F, -0.2F, 0.2F, 0.46F}) {  // columns before the wall
    for (const float side : {-1.0F, 1.0F})
      round_column(s, {x * width, side * (depth / 2 + width * 0.02F), 0}, width * 0.022F,
                   body * 0.98F, s.trim());
  }
  const int statues = s.count(0, 3);
  for (int i = 0; i < statues; ++i)
    s.statue({(static_cast<float>(i) - 0.5F * static_cast<float>(statues - 1)) * width * 0.3F, 0,
              height},
             height * 0.2F);
}

// A domed hall with drum, lantern, perhaps minarets and a portico.
void sculpt_dome(Sculptor& s) {
  const float width = s.draw(26, 40);
  const float body = width * s.draw(0.35, 0.55);
  const uint32_t face = s.front(s.count(4, 7), s.count(2, 3));
  s.build.box({0, 0, 0}, {width, width, body}, face, s.roof());
  s.cornice({0, 0, body}, width * 1.04F, width * 1.04F, 0.8F);
  const float r = width * s.draw(0.3, 0.42);
  const float drum = r * s.draw(0.3, 0.7);
  s.build.revolve({0, 0, body + 1.2F}, std::array<std::pair<float, float>, 2>{{{r, 0}, {r, drum}}},
                  28, s.front(6, 1, false, true), 2);
  s.build.revolve({0, 0, body + 1.2F + drum},
                  dome_profile(r * 1.04F, r * s.draw(0.8, 1.3), s.draw(1.6, 2.4)), 28, s.roof(), 6);
  s.spire({0, 0, body + drum + r}, r * 0.16F, true);
  const bool minarets = s.rng.chance(0.5);
  for (const float x : {-1.0F, 1.0F}) {
    for (const float y : {-1.0F, 1.0F}) {
      if (minarets) {
        const float mr = width * 0.045F;
        const float mh = body * 2.6F;
        const Vec3 base = {x * width * 0.62F, y * width * 0.62F, 0};
        s.build.prism(base, 10, mr, mr * 0.8F, mh, s.wall(), s.trim(), {0, 0, 0.2F, 2});
        s.build.prism(base + Vec3{0, 0, mh * 0.7F}, 10, mr * 1.6F, mr * 1.6F, mr * 0.5F, s.trim(),
                      s.trim());
        s.spire(base + Vec3{0, 0, mh}, mr * 1.1F, true);
      } else {
        const Vec3 base = {x * width * 0.36F, y * width * 0.36F, body + 1.2F};
        const float cr = width * 0.09F;
        s.build.revolve(base, std::array<std::pair<float, float>, 2>{{{cr, 0}, {cr, cr}}}, 14,
                        s.wall(), 1);
        s.build.revolve(base + Vec3{0, 0, cr}, dome_profile(cr * 1.08F, cr * 1.2F, 2), 14, s.roof(),
                        3);
      }
    }
  }
  if (s.rng.chance(0.6)) {
    const int n = s.count(4, 8);
    for (int i = 0; i < n; ++i)
      round_column(s,
                   {width * (0.6F * (static_cast<float>(i) + 0.5F) / static_cast<float>(n) - 0.3F),
                    -width * 0.6F, 0},
                   width * 0.018F, body * 0.7F, s.trim());
    s.build.box({0, -width * 0.56F, body * 0.7F}, {width * 0.64F, width * 0.14F, body * 0.1F},
                s.relief(8, 1), s.roof());
    s.build.place({0, -width * 0.56F, body * 0.8F}, kPi / 2);
    s.build.gable({}, width * 0.14F, width * 0.64F, body * 0.22F, s.roof(), s.wall());
    s.build.place({});
  }
}

// A church front: two towers, a rose window, a nave behind.
void sculpt_cathedral(Sculptor& s) {
  const float width = s.draw(22, 32);
  const float height = width * s.draw(0.9, 1.3);
  const float tower = width * s.draw(0.28, 0.34);
  const float nave = width * s.draw(1.5, 2.2);
  s.style.window = s.rng.chance(0.6) ? WindowShape::kPointed : s.style.window;
  const uint32_t side = s.front(s.count(6, 9), 2, false, true);
  const uint32_t face = s.front(2, s.count(3, 5));
  const float body = height * 0.68F;
  s.build.box({0, nave / 2, 0}, {width * 0.66F, nave, body}, s.wall(), s.roof(), {0, 0, 1, 1}, {});
  s.build.box({0, nave / 2, 0}, {width, nave * 0.98F, body * 0.5F}, side, s.roof());
  for (const float x : {-1.0F, 1.0F})
    s.build.quad({x * width * 0.331F, 0, body * 0.4F}, {x * width * 0.331F, nave, body * 0.4F},
                 {x * width * 0.331F, nave, body}, {x * width * 0.331F, 0, body}, side,
                 {0, 0.4F, 1, 1});
  s.build.place({0, nave / 2, body}, kPi / 2);
  s.build.gable({}, nave, width * 0.7F, width * 0.34F, s.roof(), s.wall());
  s.build.place({});
  // The front between the towers, with portal and rose.
  const uint32_t portal = s.front(3, 2, true, true);
  const float gap = width - 2 * tower;
  s.build.quad({-gap / 2, -0.6F, 0}, {gap / 2, -0.6F, 0}, {gap / 2, -0.6F, body * 0.62F},
               {-gap / 2, -0.6F, body * 0.62F}, portal);
  s.build.quad({-gap / 2, -0.6F, body * 0.62F}, {gap / 2, -0.6F, body * 0.62F},
               {gap / 2, -0.6F, body * 0.62F + gap}, {-gap / 2, -0.6F, body * 0.62F + gap},
               s.rose(false));
  s.build.triangle({-gap / 2, -0.6F, body * 0.62F + gap}, {gap / 2, -0.6F, body * 0.62F + gap},
                   {0, -0.6F, body * 0.62F + gap * 1.6F}, s.relief(3, 2));
  const bool single = s.rng.chance(0.25);
  const bool uneven = s.rng.chance(0.3);
  for (const float x : {-1.0F, 1.0F}) {
    const float h = height * (single && x > 0 ? 0.62F : 1.0F) * (uneven && x < 0 ? 1.18F : 1.0F);
    const Vec3 base = {x * (width - tower) / 2, tower / 2 - 1, 0};
    s.build.box(base, {tower, tower, h}, face, s.trim());
    s.cornice(base + Vec3{0, 0, h}, tower * 1.08F, tower * 1.08F, tower * 0.06F);
    s.spire(base + Vec3{0, 0, h + tower * 0.09F}, tower * 0.47F, false);
  }
  if (s.rng.chance(0.5)) {
    s.build.prism({0, nave * 0.62F, body}, 8, width * 0.2F, width * 0.18F, width * 0.6F, s.wall(),
                  s.trim(), {0, 0, 0.4F, 0.8F});
    s.spire({0, nave * 0.62F, body + width * 0.6F}, width * 0.2F, true);
  }
  s.view_arc = 2.0F;
}

// A bridge over water: stone arches, suspended, or with a truss.
void sculpt_bridge(Sculptor& s) {
  s.over_water = true;
  const float length = s.draw(80, 120);
  const float deck = s.draw(9, 15);
  const float depth = s.draw(7, 11);
  const int kind = s.count(0, 2);
  if (kind == 0) {
    const int n = s.count(3, 6);
    std::vector<Opening> openings;
    const float pitch = length / static_cast<float>(n);
    const float span = pitch * s.draw(0.68, 0.84);
    for (int i = 0; i < n; ++i)
      openings.push_back({-length / 2 + pitch * (static_cast<float>(i) + 0.5F), span,
                          std::max(0.5F, deck - 2 - span / 2), s.rng.chance(0.1)});
    s.build.arched_wall({0, 0, 0}, length, depth, deck, openings, s.relief(n * 2, 2), s.wall());
    const uint32_t rail = s.relief(n * 4, 1);
    for (const float y : {-depth / 2, depth / 2})
      s.build.box({0, y, deck}, {length, 0.6F, 1.4F}, rail, s.trim());
    const int towers = s.count(0, 2);
    for (int i = 0; i < towers; ++i) {
      const float x = (i == 0 ? -1.0F : 1.0F) * length * 0.42F;
      const std::array<Opening, 1> gate = {Opening{0, depth * 0.5F, deck * 0.5F, false}};
      s.build.place({x, 0, deck}, kPi / 2);
      s.build.arched_wall({}, depth * 1.1F, depth * 0.8F, deck * 1.5F, gate, s.front(3, 3, false),
                          s.wall());
      s.spire({0, 0, deck * 1.5F}, depth * 0.5F, false);
      s.build.place({});
    }
  } else if (kind == 1) {
    const float rise = s.draw(30, 44);
    const float pylon = length * s.draw(0.24, 0.32);
    const uint32_t stone = s.front(1, 4, false, true);
    s.build.box({0, 0, deck}, {length * 1.25F, depth, 1.6F}, s.relief(20, 1), s.wall());
    for (const float x : {-pylon, pylon}) {
      for (const float y : {-depth * 0.55F, depth * 0.55F})
        s.build.box({x, y, 0}, {4, 3, rise}, stone, s.trim(), {0, 0, 0.5F, 1}, {0, 0, 0.5F, 1});
      for (const float z : {0.55F, 0.78F, 0.97F})
        s.build.box({x, 0, rise * z}, {3, depth * 1.3F, 2}, s.accent(), s.trim());
    }
    const auto cable = [&](float x) {
      const float out = std::abs(x) > pylon ? (std::abs(x) - pylon) / (length * 0.6F - pylon)
                                            : 1 - std::abs(x) / pylon;
      return std::abs(x) > pylon ? mix(rise, deck + 1.5F, out)
                                 : mix(deck + 3, rise, (1 - out) * (1 - out));
    };
    constexpr int kSteps = 40;
    for (const float y : {-depth * 0.52F, depth * 0.52F}) {
      for (int i = 0; i < kSteps; ++i) {
        const float x0 = length * (1.2F * static_cast<float>(i) / kSteps - 0.6F);
        const float x1 = length * (1.2F * static_cast<float>(i + 1) / kSteps - 0.6F);
        s.build.beam({x0, y, cable(x0)}, {x1, y, cable(x1)}, 0.7F, s.accent());
        s.build.beam({x0, y, deck + 1}, {x0, y, cable(x0)}, 0.25F, s.accent());
      }
    }
  } else {
    const float rise = s.draw(16, 30);
    const uint32_t steel = s.accent();
    s.build.box({0, 0, deck}, {length * 1.2F, depth, 1.5F}, s.relief(18, 1), s.wall());
    for (const float x : {-0.5F, 0.5F})
      s.build.box({x * length, 0, 0}, {6, depth * 1.3F, deck * 1.6F}, s.front(2, 2, false),
                  s.trim());
    constexpr int kSteps = 16;
    const auto upper = [&](float t) { return deck + 1 + rise * std::sin(kPi * t); };
    const auto at = [&](float t, float y, float z) { return Vec3{length * (t - 0.5F), y, z}; };
    for (const float y : {-depth * 0.5F, depth * 0.5F}) {
      for (int i = 0; i < kSteps; ++i) {
        const float t0 = static_cast<float>(i) / kSteps;
        const float t1 = static_cast<float>(i + 1) / kSteps;
        s.build.beam(at(t0, y, upper(t0)), at(t1, y, upper(t1)), 1.4F, steel);
        s.build.beam(at(t1, y, deck + 1), at(t1, y, upper(t1)), 0.6F, steel);
        s.build.beam(at(i % 2 == 0 ? t0 : t1, y, deck + 1),
                     at(i % 2 == 0 ? t1 : t0, y, upper(i % 2 == 0 ? t1 : t0)), 0.5F, steel);
      }
    }
    for (int i = 2; i < kSteps - 1; i += 2)
      s.build.beam(
          at(static_cast<float>(i) / kSteps, -depth * 0.5F, upper(static_cast<float>(i) / kSteps)),
          at(static_cast<float>(i) / kSteps, depth * 0.5F, upper(static_cast<float>(i) / kSteps)),
          0.5F, steel);
  }
  s.view_arc = 1.1F;
}

// An oval arena of arcades, whole or with a broken rim.
void sculpt_stadium(Sculptor& s) {
  const float r = s.draw(34, 48);
  const float squash = s.draw(0.7, 0.95);
  const int storeys = s.count(2, 4);
  const float storey = r * s.draw(0.14, 0.2);
  const int parts = s.count(24, 36);
  const bool broken = s.rng.chance(0.5);
  s.style.window_height = 0.7F;
  const uint32_t face = s.front(4, storeys, true, true);
  const auto at = [&](int i, float scale, float z) {
    const float a = 2 * kPi * static_cast<float>(i) / static_cast<float>(parts);
    return Vec3{r * scale * std::cos(a), r * scale * squash * std::sin(a), z};
  };
  float rim = storey * static_cast<float>(storeys);
  for (int i = 0; i < parts; ++i) {
    const float full = storey * static_cast<float>(storeys);
    if (broken) rim = full * (i % 9 < 5 ? 1.0F : (i % 9 == 5 ? 0.75F : 0.52F));
    const float share = rim / full;
    const UvRect uv{static_cast<float>(i) * 0.5F, 0, static_cast<float>(i + 1) * 0.5F, share};
    s.build.quad(at(i, 1, 0), at(i + 1, 1, 0), at(i + 1, 0.985F, rim), at(i, 0.985F, rim), face,
                 uv);
    s.build.quad(at(i, 0.985F, rim), at(i + 1, 0.985F, rim), at(i + 1, 0.93F, rim),
                 at(i, 0.93F, rim), s.trim());
    s.build.quad(at(i, 0.93F, rim * 0.9F), at(i + 1, 0.93F, rim * 0.9F), at(i + 1, 0.93F, rim),
                 at(i, 0.93F, rim), s.wall());
    s.build.quad(at(i, 0.55F, 1), at(i + 1, 0.55F, 1), at(i + 1, 0.93F, rim * 0.9F),
                 at(i, 0.93F, rim * 0.9F), s.roof(), {0, 0, 1, 2});
  }
  if (!broken && s.rng.chance(0.6)) {  // masts and a ring of roof
    for (int i = 0; i < parts; i += 3) {
      s.build.beam(at(i, 1.02F, 0), at(i, 1.06F, rim * 1.5F), r * 0.02F, s.accent());
      s.build.beam(at(i, 1.06F, rim * 1.5F), at(i, 0.6F, rim * 1.2F), r * 0.01F, s.trim());
    }
    for (int i = 0; i < parts; ++i)
      s.build.quad(at(i, 1.04F, rim * 1.12F), at(i + 1, 1.04F, rim * 1.12F),
                   at(i + 1, 0.66F, rim * 1.25F), at(i, 0.66F, rim * 1.25F), s.accent());
  }
}

// Curtain walls, corner towers, a gate and a keep.
void sculpt_castle(Sculptor& s) {
  const float width = s.draw(36, 52);
  const float depth = width * s.draw(0.6, 0.9);
  const float wall = s.draw(7, 10);
  const float r = s.draw(4, 6);
  const bool round = s.rng.chance(0.6);
  s.style.window_width = 0.2F;
  s.style.window_height = 0.4F;
  const uint32_t curtain = s.front(s.count(6, 10), 2, false, false);
  for (const float x : {-1.0F, 1.0F})
    s.build.box({x * width / 2, 0, 0}, {2, depth, wall}, curtain, s.trim());
  s.build.box({0, depth / 2, 0}, {width, 2, wall}, curtain, s.trim());
  const std::array<Opening, 1> gate = {Opening{0, 5, 4, s.rng.chance(0.5)}};
  s.build.arched_wall({0, -depth / 2, 0}, width, 2, wall, gate, curtain, s.wall());
  const float x = width / 2;
  const float y = depth / 2;
  s.crenels({-x, -y, wall}, {x, -y, wall}, 1.2F);
  s.crenels({-x, y, wall}, {x, y, wall}, 1.2F);
  s.crenels({-x, -y, wall}, {-x, y, wall}, 1.2F);
  s.crenels({x, -y, wall}, {x, y, wall}, 1.2F);
  const uint32_t tower = s.front(3, 4, false, true);
  const bool roofs = s.rng.chance(0.7);
  const auto add_tower = [&](Vec3 base, float radius, float height) {
    s.build.prism(base, round ? 14 : 4, radius * (round ? 1.0F : 1.3F),
                  radius * (round ? 0.96F : 1.2F), height, tower, s.trim(),
                  round ? UvRect{0, 0, 0.25F, 1} : UvRect{}, round ? 0 : kPi / 4);
    s.build.prism(base + Vec3{0, 0, height}, round ? 14 : 4, radius * (round ? 1.18F : 1.45F),
                  radius * (round ? 1.18F : 1.45F), 1.4F, s.wall(), s.trim(), {0, 0, 0.2F, 0.1F},
                  round ? 0 : kPi / 4);
    if (roofs)
      s.spire(base + Vec3{0, 0, height + 1.4F}, radius, round);
    else
      for (int i = 0; i < 8; ++i) {
        const float a = kPi / 4 * static_cast<float>(i);
        s.build.box(base + Vec3{std::cos(a) * radius, std::sin(a) * radius, height + 1.4F},
                    {1, 1, 1.3F}, s.wall(), s.trim());
      }
  };
  for (const float sx : {-1.0F, 1.0F})
    for (const float sy : {-1.0F, 1.0F}) add_tower({sx * x, sy * y, 0}, r, wall * s.draw(1.3, 1.9));
  for (const float sx : {-1.0F, 1.0F}) add_tower({sx * 5.5F, -y - 0.5F, 0}, 2.6F, wall * 1.35F);
  const float keep = width * s.draw(0.22, 0.34);
  const float high = wall * s.draw(1.8, 2.8);
  const Vec3 centre = {s.draw(-0.15, 0.15) * width, depth * 0.12F, 0};
  s.build.box(centre, {keep, keep * 0.8F, high}, s.front(3, 4), s.roof());
  s.crenels(centre + Vec3{-keep / 2, -keep * 0.4F, high},
            centre + Vec3{keep / 2, -keep * 0.4F, high}, 1);
  if (s.rng.chance(0.6)) add_tower(centre + Vec3{keep / 2, 0, 0}, r * 0.7F, high * 1.35F);
}

// A temple with columns all round and a pediment.
void sculpt_temple(Sculptor& s) {
  const int columns = s.count(5, 9);
  const float pitch = s.draw(3.2, 4.4);
  const float width = pitch * static_cast<float>(columns);
  const int deep = columns + s.count(1, 5);
  const float depth = pitch * static_cast<float>(deep);
  const float base = s.draw(1.5, 3.5);
  const float height = pitch * s.draw(2.2, 3.2);
  s.steps(width * 1.02F, depth * 1.02F, base, 4);
  const uint32_t fluted = s.relief(3, 9);
  const float r = pitch * s.draw(0.16, 0.22);
  for (int i = 0; i < columns; ++i) {
    const float x = (static_cast<float>(i) + 0.5F) * pitch - width / 2;
    for (const float y : {-1.0F, 1.0F})
      round_column(s, {x, y * (depth - pitch) / 2, base}, r, height, fluted);
  }
  for (int i = 1; i + 1 < deep; ++i) {
    const float y = (static_cast<float>(i) + 0.5F) * pitch - depth / 2;
    for (const float x : {-1.0F, 1.0F})
      round_column(s, {x * (width - pitch) / 2, y, base}, r, height, fluted);
  }
  s.build.box({0, 0, base}, {width * 0.68F, depth * 0.76F, height}, s.front(3, 1), s.roof());
  const uint32_t frieze = s.relief(columns * 2, 2);
  s.build.box({0, 0, base + height}, {width, depth, pitch * 0.6F}, frieze, s.trim());
  s.cornice({0, 0, base + height + pitch * 0.6F}, width * 1.04F, depth * 1.02F, pitch * 0.12F);
  const uint32_t pediment = s.relief(s.count(5, 9), 3);
  const float z = base + height + pitch * 0.78F;
  if (s.rng.chance(0.75)) {
    s.build.place({0, 0, z}, kPi / 2);
    s.build.gable({}, depth, width, width * 0.2F, s.roof(), pediment);
    s.build.place({});
    for (const float x : {-0.48F, 0.0F, 0.48F})
      s.statue({x * width, -depth * 0.48F, z + (x == 0.0F ? width * 0.2F : 0.0F)}, pitch * 0.8F);
  } else {
    s.build.box({0, 0, z}, {width * 0.9F, depth * 0.9F, pitch * 0.6F}, pediment, s.roof());
    s.build.revolve({0, 0, z + pitch * 0.6F}, dome_profile(width * 0.32F, width * 0.3F, 2), 24,
                    s.roof(), 5);
  }
}

// A stepped or smooth pyramid, with a stair and a shrine.
void sculpt_pyramid(Sculptor& s) {
  const float width = s.draw(36, 54);
  const int tiers = s.count(4, 9);
  const float tier = width * s.draw(0.055, 0.08);
  const float shrink = s.draw(0.5, 0.75) / static_cast<float>(tiers);
  const float slope = s.draw(0, 0.04);
  const uint32_t face = s.relief(s.count(9, 16), 2);
  const uint32_t plain = s.wall();
  float w = width;
  float z = 0;
  for (int i = 0; i < tiers; ++i) {
    s.build.prism({0, 0, z}, 4, w * 0.7071F, w * (0.7071F - slope), tier, i % 2 == 0 ? face : plain,
                  s.trim(), {0, 0, i % 2 == 0 ? 1.0F : 3.0F, i % 2 == 0 ? 1.0F : 0.4F}, kPi / 4);
    z += tier;
    w -= width * shrink;
  }
  const float run = width / 2 + tier;
  const float stair = width * s.draw(0.12, 0.2);
  const int stairs = s.count(1, 4);
  const uint32_t tread = s.relief(2, 16);
  for (int i = 0; i < stairs; ++i) {
    s.build.place({}, kPi / 2 * static_cast<float>(i));
    s.build.quad({-stair / 2, -run - 1, 0}, {stair / 2, -run - 1, 0}, {stair / 2, -w / 2, z},
                 {-stair / 2, -w / 2, z}, tread);
    for (const float x : {-stair / 2, stair / 2})
      s.build.beam({x, -run - 1, 0.8F}, {x, -w / 2, z + 0.8F}, 1.6F, s.accent());
  }
  s.build.place({});
  const float shrine = w * 0.66F;
  s.build.box({0, 0, z}, {shrine, shrine, shrine * 0.6F}, s.front(3, 1), s.roof());
  s.cornice({0, 0, z + shrine * 0.6F}, shrine * 1.1F, shrine * 1.1F, shrine * 0.06F);
  s.spire({0, 0, z + shrine * 0.69F}, shrine * 0.4F, false);
}

// A long palace front with pavilions and a mansard roof.
void sculpt_palace(Sculptor& s) {
  const float width = s.draw(60, 84);
  const float depth = s.draw(14, 20);
  const float height = s.draw(12, 18);
  const int storeys = s.count(2, 4);
  const uint32_t face = s.front(s.count(7, 10), storeys);
  const uint32_t side = s.front(4, storeys);
  s.build.box({0, 0, 0}, {width, depth, height}, face, s.roof(), {0, 0, 2, 1}, {0, 0, 0.5F, 1});
  s.cornice({0, 0, height}, width * 1.01F, depth * 1.05F, 0.7F);
  const float mansard = height * s.draw(0.25, 0.45);
  const auto roof = [&](Vec3 base, float w, float d, float h) {
    const Vec3 lo[4] = {
        {-w / 2, -d / 2, 0}, {w / 2, -d / 2, 0}, {w / 2, d / 2, 0}, {-w / 2, d / 2, 0}};
    for (int i = 0; i < 4; ++i) {
      const auto raised = [&](Vec3 p) {
        return base + Vec3{p.x * (1 - 0.3F * d / w), p.y * 0.6F, h};
      };
      s.build.quad(base + lo[i], base + lo[(i + 1) % 4], raised(lo[(i + 1) % 4]), raised(lo[i]),
                   s.roof(), {0, 0, i % 2 == 0 ? w / 8 : d / 8, 1});
    }
    s.build.quad(base + Vec3{-w / 2, -d * 0.3F, h}, base + Vec3{w / 2, -d * 0.3F, h},
                 base + Vec3{w / 2, d * 0.3F, h}, base + Vec3{-w / 2, d * 0.3F, h}, s.roof());
  };
  roof({0, 0, height + 1}, width, depth, mansard);
  const float pavilion = width * s.draw(0.13, 0.18);
  const float extra = height * s.draw(1.08, 1.3);
  const uint32_t middle = s.front(3, storeys + 1);
  const Vec3 centre = {0, -depth * 0.15F, 0};
  s.build.box(centre, {pavilion * 1.3F, depth * 1.2F, extra}, middle, s.roof());
  s.cornice(centre + Vec3{0, 0, extra}, pavilion * 1.36F, depth * 1.24F, 0.7F);
  if (s.rng.chance(0.5))
    s.build.revolve(centre + Vec3{0, 0, extra + 1},
                    dome_profile(pavilion * 0.6F, pavilion * 0.8F, 2), 24, s.roof(), 5);
  else
    roof(centre + Vec3{0, 0, extra + 1}, pavilion * 1.3F, depth * 1.2F, mansard * 1.3F);
  s.spire(centre + Vec3{0, 0, extra + 1 + pavilion * 0.7F}, pavilion * 0.14F, true);
  if (s.rng.chance(0.7)) {
    for (const float x : {-1.0F, 1.0F}) {
      const Vec3 end = {x * (width - pavilion) / 2, -depth * 0.1F, 0};
      s.build.box(end, {pavilion, depth * 1.2F, height * 1.06F}, side, s.roof());
      roof(end + Vec3{0, 0, height * 1.06F}, pavilion, depth * 1.2F, mansard * 1.2F);
    }
  }
  const int statues = s.count(0, 6);
  for (int i = 0; i < statues; ++i)
    s.statue({width * (0.7F * (static_cast<float>(i) + 0.5F) / static_cast<float>(statues) - 0.35F),
              -depth * 0.5F, height + 1},
             2.6F);
  s.view_arc = 1.5F;
}

std::span<const Family> families() {
  static const std::array<Family, 16> kFamilies = {{{"tower", sculpt_tower},
                                                    {"lattice", sculpt_lattice},
                                                    {"arch", sculpt_arch},
                                                    {"dome", sculpt_dome},
                                                    {"cathedral", sculpt_cathedral},
                                                    {"bridge", sculpt_bridge},
                                                    {"column", sculpt_column},
                                                    {"pagoda", sculpt_pagoda},
                                                    {"stadium", sculpt_stadium},
                                                    {"castle", sculpt_castle},
                                                    {"temple", sculpt_temple},
                                                    {"pyramid", sculpt_pyramid},
                                                    {"skyscraper", sculpt_skyscraper},
                                                    {"wheel", sculpt_wheel},
                                                    {"palace", sculpt_palace},
                                                    {"windmill", sculpt_windmill}}};
  return kFamilies;
}

}  // namespace cairn::synth
