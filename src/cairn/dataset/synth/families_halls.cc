// Halls, churches and gates.
#include <array>
#include <cmath>
#include <vector>

#include "cairn/dataset/synth/families.h"

namespace cairn::synth {

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
      s.pillar({x * width, side * (depth / 2 + width * 0.02F), 0}, width * 0.022F, body * 0.98F,
               s.trim());
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
  const float rise = r * s.draw(0.8, 1.3);
  s.dome({0, 0, body + 1.2F + drum}, r * 1.04F, rise, s.draw(1.6, 2.4), 28, 6);
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
        s.dome(base + Vec3{0, 0, cr}, cr * 1.08F, cr * 1.2F, 2, 14, 3);
      }
    }
  }
  if (s.rng.chance(0.6)) {
    const int n = s.count(4, 8);
    for (int i = 0; i < n; ++i)
      s.pillar({width * (0.6F * (static_cast<float>(i) + 0.5F) / static_cast<float>(n) - 0.3F),
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
      s.pillar({x, y * (depth - pitch) / 2, base}, r, height, fluted);
  }
  for (int i = 1; i + 1 < deep; ++i) {
    const float y = (static_cast<float>(i) + 0.5F) * pitch - depth / 2;
    for (const float x : {-1.0F, 1.0F})
      s.pillar({x * (width - pitch) / 2, y, base}, r, height, fluted);
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
    s.dome({0, 0, z + pitch * 0.6F}, width * 0.32F, width * 0.3F, 2, 24, 5);
  }
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
    s.dome(centre + Vec3{0, 0, extra + 1}, pavilion * 0.6F, pavilion * 0.8F, 2, 24, 5);
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

}  // namespace cairn::synth
