// The scenes of the photos that show no landmark.
#include <array>
#include <cmath>
#include <vector>

#include "cairn/dataset/synth/other.h"

namespace cairn::synth {
namespace {

using Profile = std::vector<std::pair<float, float>>;

void lay_ground(const Stage& s) {
  const PropLibrary& lib = s.props.library();
  const std::array<uint32_t, 5> kinds = {lib.grass, lib.asphalt, lib.paving, lib.cobbles, lib.sand};
  s.props.ground(500, 0, kinds[s.rng.below(kinds.size())], s.draw(4, 12),
                 mix(Vec3{1, 1, 1}, random_colour(s.rng, 0.5, 1), 0.7F));
  if (s.rng.chance(0.5))
    s.props.hills(450, s.draw(15, 90),
                  linear_colour({s.draw(0.5, 1), s.draw(0.7, 1), s.draw(0.6, 1)}));
}

void street(const Stage& s) {
  lay_ground(s);
  const float half = s.draw(5, 11);
  for (const float side : {-1.0F, 1.0F}) {
    float y = s.draw(-4, 6);
    while (y < 110) {
      const float width = s.draw(7, 16);
      if (s.rng.chance(0.88))
        s.props.house({side * (half + 6), y + width / 2, 0}, kPi / 2, {width, 12, s.draw(5, 18)});
      y += width + (s.rng.chance(0.25) ? s.draw(2, 9) : 0.1F);
    }
  }
  for (int i = s.count(0, 6); i > 0; --i)
    s.props.car({s.draw(-half, half) * 0.6F, s.draw(10, 60), 0}, kPi / 2);
  for (int i = s.count(0, 8); i > 0; --i)
    s.props.person({s.draw(-half, half), s.draw(5, 40), 0}, s.draw(0, 6), s.draw(1.4, 1.9));
  for (int i = s.count(0, 4); i > 0; --i)
    s.props.tree({s.draw(-half, half) * 0.95F, s.draw(12, 60), 0}, s.draw(3, 7));
  s.shoot({s.draw(-3, 3), -2, s.draw(1.5, 4)}, {s.draw(-9, 9), 40, s.draw(1, 7)});
}

void houses(const Stage& s) {
  lay_ground(s);
  for (int i = s.count(1, 3); i > 0; --i)
    s.props.house({s.draw(-14, 14), s.draw(14, 34), 0}, s.draw(-0.8, 0.8),
                  {s.draw(7, 16), s.draw(6, 12), s.draw(3.5, 11)});
  for (int i = s.count(1, 9); i > 0; --i)
    s.props.tree({s.draw(-26, 26), s.draw(10, 60), 0}, s.draw(3, 9));
  for (int i = s.count(0, 2); i > 0; --i)
    s.props.car({s.draw(-8, 8), s.draw(7, 13), 0}, s.draw(0, 6));
  s.shoot({s.draw(-6, 6), -4, s.draw(1.4, 6)}, {s.draw(-4, 4), 22, s.draw(2, 5)});
}

void landscape(const Stage& s) {
  const PropLibrary& lib = s.props.library();
  s.props.ground(700, 0, s.rng.chance(0.4) ? lib.water : (s.rng.chance(0.6) ? lib.grass : lib.sand),
                 s.draw(8, 30), random_colour(s.rng, 0.75, 1));
  s.props.hills(600, s.draw(40, 260),
                linear_colour({s.draw(0.4, 1), s.draw(0.6, 1), s.draw(0.5, 1)}));
  s.props.hills(340, s.draw(5, 90),
                linear_colour({s.draw(0.4, 1), s.draw(0.7, 1), s.draw(0.4, 1)}));
  for (int i = s.count(0, 30); i > 0; --i)
    s.props.tree({s.draw(-50, 50), s.draw(14, 110), 0}, s.draw(3, 12));
  for (int i = s.count(0, 2); i > 0; --i)
    s.props.boat({s.draw(-20, 20), s.draw(25, 60), 0}, s.draw(0, 6), s.draw(4, 12));
  s.shoot({0, 0, s.draw(1.5, 14)}, {s.draw(-20, 20), 60, s.draw(-2, 12)});
}

void crowd(const Stage& s) {
  lay_ground(s);
  for (int i = s.count(3, 24); i > 0; --i)
    s.props.person({s.draw(-6, 6), s.draw(3, 18), 0}, s.draw(0, 6), s.draw(1.2, 1.95));
  for (int i = s.count(0, 4); i > 0; --i)
    s.props.tree({s.draw(-14, 14), s.draw(12, 40), 0}, s.draw(4, 9));
  if (s.rng.chance(0.5))
    s.props.house({s.draw(-10, 10), 32, 0}, s.draw(-0.4, 0.4), {s.draw(14, 40), 10, s.draw(6, 14)});
  s.shoot({0, 0, s.draw(1.3, 2.4)}, {s.draw(-1, 1), 8, s.draw(0.9, 1.6)});
}

void traffic(const Stage& s) {
  lay_ground(s);
  for (int i = s.count(1, 5); i > 0; --i)
    s.props.car({s.draw(-7, 7), s.draw(6, 22), 0}, s.draw(0, 6));
  for (int i = s.count(0, 5); i > 0; --i)
    s.props.tree({s.draw(-20, 20), s.draw(20, 60), 0}, s.draw(4, 9));
  for (int i = s.count(0, 4); i > 0; --i)
    s.props.lamp({s.draw(-9, 9), s.draw(9, 30), 0}, s.draw(4, 7));
  s.shoot({s.draw(-2, 2), 0, s.draw(1, 3)}, {0, 11, s.draw(0.4, 1.2)});
}

// Four legs, a trunk, a head: of any proportions.
void animal(const Stage& s) {
  lay_ground(s);
  Builder& b = s.props.raw();
  const PropLibrary& lib = s.props.library();
  for (int n = s.count(1, 3); n > 0; --n) {
    const float size = s.draw(0.5, 1.4);
    const float leg = size * s.draw(0.4, 1.3);
    const float trunk = size * s.draw(0.3, 0.55);
    b.place({s.draw(-1.5, 1.5), s.draw(3, 6.5), 0}, s.draw(0, 6.28));
    const Vec3 fur = random_colour(s.rng, 0.1, 0.85);
    b.tint(fur);
    const uint32_t skin = s.rng.chance(0.4) ? lib.foliage[0] : lib.plain;
    b.ellipsoid({0, 0, leg + trunk * 0.7F}, {size, trunk, trunk}, skin, 14);
    for (const float x : {-0.6F, 0.6F})
      for (const float y : {-0.5F, 0.5F})
        b.beam({x * size, y * trunk, 0}, {x * size, y * trunk, leg + trunk * 0.4F}, size * 0.16F,
               lib.plain);
    const Vec3 head = {size * s.draw(1.0, 1.3), 0, leg + trunk * s.draw(1, 2.6)};
    b.beam({size * 0.75F, 0, leg + trunk}, head, size * 0.28F, lib.plain);
    b.ellipsoid(head, {size * 0.36F, size * 0.22F, size * 0.24F}, skin, 10);
    for (const float y : {-1.0F, 1.0F})
      b.prism(head + Vec3{-0.1F * size, y * 0.15F * size, 0.1F * size}, 4, size * 0.09F, 0,
              size * s.draw(0.15, 0.5), lib.plain, lib.plain);
    b.beam({-size * 0.9F, 0, leg + trunk}, {-size * s.draw(1.1, 1.6), 0, leg * s.draw(0.4, 1.5)},
           size * 0.08F, lib.plain);
    b.tint({0.01F, 0.01F, 0.01F});
    for (const float y : {-1.0F, 1.0F})
      b.ellipsoid(head + Vec3{0.24F * size, y * 0.15F * size, 0.08F * size},
                  {size * 0.04F, size * 0.04F, size * 0.04F}, lib.plain, 6);
    b.tint({1, 1, 1});
  }
  b.place({});
  s.shoot({0, 0, s.draw(0.7, 1.8)}, {s.draw(-0.4, 0.4), 5, s.draw(0.5, 1)});
}

void plant(const Stage& s) {
  lay_ground(s);
  Builder& b = s.props.raw();
  const PropLibrary& lib = s.props.library();
  for (int n = s.count(1, 6); n > 0; --n) {
    const Vec3 foot = {s.draw(-0.7, 0.7), s.draw(1.4, 2.8), 0};
    const float height = s.draw(0.4, 1.3);
    const Vec3 green = linear_colour({s.draw(0.1, 0.5), s.draw(0.4, 0.8), s.draw(0.05, 0.4)});
    b.tint(green);
    b.beam(foot, foot + Vec3{0, 0, height}, 0.025F, lib.plain);
    for (int i = s.count(3, 12); i > 0; --i) {
      const float a = s.draw(0, 6.28);
      const Vec3 start = foot + Vec3{0, 0, height * s.draw(0.1, 0.9)};
      const Vec3 out = Vec3{std::cos(a), std::sin(a), s.draw(-0.3, 0.9)} * s.draw(0.15, 0.4);
      const Vec3 wide = Vec3{-std::sin(a), std::cos(a), 0} * s.draw(0.02, 0.09);
      b.quad(start, start + out * 0.5F + wide, start + out, start + out * 0.5F - wide,
             lib.foliage[1]);
    }
    const int petals = s.count(0, 14);
    b.tint(random_colour(s.rng, 0.2, 1));
    for (int i = 0; i < petals; ++i) {
      const float a = 2 * kPi * static_cast<float>(i) / static_cast<float>(petals);
      const Vec3 top = foot + Vec3{0, -0.02F, height};
      b.ellipsoid(top + Vec3{std::cos(a) * 0.1F, 0, std::sin(a) * 0.1F}, {0.05F, 0.015F, 0.07F},
                  lib.plain, 8);
    }
    b.tint(linear_colour({0.95F, 0.75F, 0.2F}));
    if (petals > 0)
      b.ellipsoid(foot + Vec3{0, -0.03F, height}, {0.05F, 0.03F, 0.05F}, lib.plain, 8);
    b.tint({1, 1, 1});
  }
  s.shoot({s.draw(-0.3, 0.3), 0, s.draw(0.5, 1.5)}, {0, 2, s.draw(0.4, 0.9)});
}

// A surface of revolution like a vase, cup, bottle or bowl.
void vessel(const Stage& s, Vec3 base, float size) {
  Profile shape = {{0.001F, 0}};
  float r = size * s.draw(0.2, 0.5);
  const int n = s.count(3, 7);
  for (int i = 0; i <= n; ++i) {
    shape.emplace_back(r, size * static_cast<float>(i) / static_cast<float>(n));
    r = std::clamp(r + size * s.draw(-0.2, 0.2), size * 0.08F, size * 0.6F);
  }
  s.props.raw().revolve(
      base, shape, 20, s.rng.chance(0.3) ? s.props.library().walls[0] : s.props.library().plain, 2);
}

void still_life(const Stage& s) {
  Builder& b = s.props.raw();
  const PropLibrary& lib = s.props.library();
  b.tint(random_colour(s.rng, 0.2, 0.95));
  b.box({0, 1.6F, -0.1F}, {4, 2.4F, 0.1F}, lib.plain, s.rng.chance(0.5) ? lib.walls[1] : lib.plain);
  b.tint(random_colour(s.rng, 0.2, 0.95));
  b.quad({-5, 3.2F, -1}, {5, 3.2F, -1}, {5, 3.2F, 4}, {-5, 3.2F, 4}, lib.walls[s.rng.below(4)],
         {0, 0, 2, 1});
  for (int i = s.count(2, 9); i > 0; --i) {
    const Vec3 at = {s.draw(-0.8, 0.8), s.draw(0.8, 2.2), 0};
    const float size = s.draw(0.12, 0.5);
    b.tint(random_colour(s.rng, 0.05, 1));
    switch (s.count(0, 3)) {
      case 0:
        b.ellipsoid(at + Vec3{0, 0, size * 0.5F},
                    {size * 0.5F, size * 0.5F, size * s.draw(0.4, 0.6)}, lib.plain, 16);
        break;
      case 1:
        b.place(at, s.draw(0, 3));
        b.box({}, {size, size * s.draw(0.4, 1.2), size * s.draw(0.3, 1.5)},
              s.rng.chance(0.3) ? lib.fronts[0] : lib.plain, lib.plain);
        b.place({});
        break;
      default:
        vessel(s, at, size);
    }
  }
  b.tint({1, 1, 1});
  s.shoot({s.draw(-0.6, 0.6), -0.8F, s.draw(0.4, 1.6)}, {s.draw(-0.2, 0.2), 1.5F, s.draw(0, 0.3)});
}

void food(const Stage& s) {
  Builder& b = s.props.raw();
  const PropLibrary& lib = s.props.library();
  b.tint(random_colour(s.rng, 0.2, 0.95));
  b.quad({-4, -4, 0}, {4, -4, 0}, {4, 4, 0}, {-4, 4, 0},
         s.rng.chance(0.5) ? lib.walls[2] : lib.plain, {0, 0, 6, 6});
  for (int plates = s.count(1, 3), p = 0; p < plates; ++p) {
    const Vec3 centre = p == 0 ? Vec3{0, 0, 0} : Vec3{s.draw(-1.2, 1.2), s.draw(-1, 1), 0};
    const float r = p == 0 ? 0.5F : s.draw(0.15, 0.35);
    b.tint(random_colour(s.rng, 0.6, 1));
    const Profile plate = {{0.01F, 0.02F}, {r * 0.7F, 0.02F}, {r, 0.08F}, {r * 0.95F, 0.05F}};
    b.revolve(centre, plate, 28, lib.plain, 3);
    for (int kinds = s.count(1, 5); kinds > 0; --kinds) {
      b.tint(linear_colour({s.draw(0.3, 1), s.draw(0.15, 0.9), s.draw(0.02, 0.5)}));
      const float lump = r * s.draw(0.06, 0.3);
      const Vec3 heap = centre + Vec3{s.draw(-0.4, 0.4), s.draw(-0.4, 0.4), 0} * r;
      for (int i = s.count(1, 12); i > 0; --i)
        b.ellipsoid(
            heap + Vec3{s.draw(-0.25, 0.25) * r, s.draw(-0.25, 0.25) * r, lump * 0.6F + 0.02F},
            {lump, lump * s.draw(0.4, 1), lump * s.draw(0.3, 0.8)},
            s.rng.chance(0.5) ? lib.foliage[2] : lib.plain, 9);
    }
  }
  b.tint({1, 1, 1});
  s.shoot({s.draw(-0.3, 0.3), -s.draw(0.2, 1.4), s.draw(0.9, 1.6)}, {0, 0, 0});
}

void room(const Stage& s) {
  Builder& b = s.props.raw();
  const PropLibrary& lib = s.props.library();
  const float w = s.draw(3.5, 7);
  const float d = s.draw(4, 8);
  const float h = s.draw(2.4, 3.4);
  b.tint(random_colour(s.rng, 0.4, 1));
  b.quad({-w / 2, 0, 0}, {w / 2, 0, 0}, {w / 2, d, 0}, {-w / 2, d, 0},
         s.rng.chance(0.5) ? lib.paving : lib.roofs[0], {0, 0, 2, 2});
  b.tint(random_colour(s.rng, 0.6, 1));
  b.quad({-w / 2, 0, h}, {w / 2, 0, h}, {w / 2, d, h}, {-w / 2, d, h}, lib.plain);
  const uint32_t paper = s.rng.chance(0.5) ? lib.plain : lib.walls[s.rng.below(4)];
  b.tint(random_colour(s.rng, 0.4, 1));
  b.quad({-w / 2, d, 0}, {w / 2, d, 0}, {w / 2, d, h}, {-w / 2, d, h}, paper, {0, 0, 2, 1});
  for (const float x : {-w / 2, w / 2})
    b.quad({x, 0, 0}, {x, d, 0}, {x, d, h}, {x, 0, h}, paper, {0, 0, 2, 1});
  for (int i = s.count(1, 4); i > 0; --i) {  // pictures and windows
    const float x = s.draw(-0.4, 0.4) * w;
    const float z = s.draw(0.45, 0.7) * h;
    const float size = s.draw(0.2, 0.6);
    b.tint({0.05F, 0.04F, 0.03F});
    b.quad({x - size * 1.08F, d - 0.02F, z - size * 0.8F},
           {x + size * 1.08F, d - 0.02F, z - size * 0.8F},
           {x + size * 1.08F, d - 0.02F, z + size * 0.8F},
           {x - size * 1.08F, d - 0.02F, z + size * 0.8F}, lib.plain);
    b.tint(s.rng.chance(0.4) ? Vec3{1.2F, 1.3F, 1.5F} : random_colour(s.rng, 0.2, 1));
    b.quad({x - size, d - 0.04F, z - size * 0.7F}, {x + size, d - 0.04F, z - size * 0.7F},
           {x + size, d - 0.04F, z + size * 0.7F}, {x - size, d - 0.04F, z + size * 0.7F},
           s.rng.chance(0.4) ? lib.plain : lib.foliage[s.rng.below(3)]);
  }
  for (int i = s.count(2, 8); i > 0; --i) {  // furniture
    b.place({s.draw(-0.42, 0.42) * w, s.draw(0.4, 0.95) * d, 0},
            static_cast<float>(s.count(0, 3)) * kPi / 2);
    b.tint(random_colour(s.rng, 0.1, 0.9));
    const Vec3 size = {s.draw(0.4, 1.8), s.draw(0.4, 0.9), s.draw(0.4, 1.9)};
    if (s.rng.chance(0.4)) {  // a table with legs
      b.box({0, 0, 0.7F}, {size.x, size.y, 0.06F}, lib.plain, lib.plain);
      for (const float x : {-0.45F, 0.45F})
        for (const float y : {-0.45F, 0.45F})
          b.beam({x * size.x, y * size.y, 0}, {x * size.x, y * size.y, 0.7F}, 0.06F, lib.plain);
      b.tint(random_colour(s.rng, 0.1, 1));
      vessel(s, {0, 0, 0.76F}, s.draw(0.15, 0.4));
    } else {
      b.box({}, size, lib.plain, lib.plain);
      b.tint(random_colour(s.rng, 0.1, 0.9));
      b.box({0, size.y * 0.4F, size.z}, {size.x, size.y * 0.2F, size.z * 0.6F}, lib.plain,
            lib.plain);
    }
  }
  b.place({});
  b.tint({1, 1, 1});
  if (s.rng.chance(0.3)) s.props.person({s.draw(-0.3, 0.3) * w, d * 0.6F, 0}, s.draw(0, 6), 1.7F);
  s.shoot({s.draw(-0.3, 0.3) * w, 0.1F, s.draw(1.2, 1.8)},
          {s.draw(-0.3, 0.3) * w, d, s.draw(0.7, 1.5)});
}

void portrait(const Stage& s) {
  Builder& b = s.props.raw();
  const PropLibrary& lib = s.props.library();
  b.tint(random_colour(s.rng, 0.1, 1));
  b.quad({-6, 4, -4}, {6, 4, -4}, {6, 4, 5}, {-6, 4, 5},
         s.rng.chance(0.5) ? lib.foliage[s.rng.below(3)] : lib.walls[s.rng.below(4)],
         {0, 0, 2, 1.5F});
  const int people = s.rng.chance(0.7) ? 1 : s.count(2, 3);
  for (int i = 0; i < people; ++i) {
    b.place({(static_cast<float>(i) - 0.5F * static_cast<float>(people - 1)) * 0.62F,
             s.draw(-0.1, 0.3), s.draw(-0.1, 0.1)},
            s.draw(-0.6, 0.6));
    const Vec3 skin =
        linear_colour(mix(Vec3{0.97F, 0.82F, 0.72F}, Vec3{0.36F, 0.24F, 0.17F}, s.draw(0, 1)));
    const float wide = s.draw(0.12, 0.16);
    const float tall = s.draw(0.17, 0.21);
    b.tint(random_colour(s.rng, 0.05, 0.95));
    b.ellipsoid({0, 0.04F, -0.52F}, {s.draw(0.28, 0.36), 0.17F, 0.34F},
                s.rng.chance(0.3) ? lib.walls[0] : lib.plain, 18);
    b.tint(skin);
    b.prism({0, 0, -0.26F}, 10, 0.065F, 0.06F, 0.16F, lib.plain, lib.plain);
    b.ellipsoid({0, 0, 0}, {wide, 0.15F, tall}, lib.plain, 20);
    b.ellipsoid({0, -0.15F, -0.02F}, {0.02F, 0.03F, 0.04F}, lib.plain, 8);
    const Vec3 hair = random_colour(s.rng, 0.02, 0.7);
    b.tint(hair);
    b.ellipsoid({0, 0.035F, 0.06F}, {wide * 1.12F, 0.15F, tall * s.draw(0.75, 0.95)},
                lib.foliage[1], 16);
    if (s.rng.chance(0.4))
      b.ellipsoid({0, 0.07F, -0.1F}, {wide * 1.25F, 0.12F, tall * 1.3F}, lib.foliage[1], 14);
    for (const float x : {-1.0F, 1.0F}) {
      b.tint({0.9F, 0.9F, 0.9F});
      b.ellipsoid({x * wide * 0.42F, -0.128F, 0.025F}, {0.022F, 0.012F, 0.012F}, lib.plain, 8);
      b.tint({0.02F, 0.015F, 0.01F});
      b.ellipsoid({x * wide * 0.42F, -0.138F, 0.025F}, {0.009F, 0.008F, 0.01F}, lib.plain, 6);
      b.tint(hair * 0.7F);
      b.beam({x * wide * 0.2F, -0.138F, 0.058F}, {x * wide * 0.65F, -0.125F, 0.055F}, 0.01F,
             lib.plain);
    }
    b.tint(linear_colour({0.72F, 0.32F, 0.32F}));
    b.ellipsoid({0, -0.132F, -0.085F}, {0.042F, 0.012F, s.draw(0.006, 0.018)}, lib.plain, 8);
    b.tint({1, 1, 1});
  }
  b.place({});
  s.shoot({s.draw(-0.3, 0.3), -s.draw(1.1, 2), s.draw(-0.1, 0.3)}, {0, 0, s.draw(-0.15, 0)});
}

// A shelf of boxes, books or goods.
void shelf(const Stage& s) {
  Builder& b = s.props.raw();
  const PropLibrary& lib = s.props.library();
  const Vec3 wood = random_colour(s.rng, 0.2, 0.8);
  const int rows = s.count(2, 5);
  const float pitch = 2.0F / static_cast<float>(rows);
  b.tint(wood * 0.5F);
  b.quad({-2, 0.4F, 0}, {2, 0.4F, 0}, {2, 0.4F, 2.1F}, {-2, 0.4F, 2.1F}, lib.plain);
  for (int j = 0; j < rows; ++j) {
    const float z = pitch * static_cast<float>(j);
    b.tint(wood);
    b.box({0, 0.2F, z - 0.04F}, {4, 0.4F, 0.04F}, lib.plain, lib.plain);
    float x = -1.9F;
    const bool bottles = s.rng.chance(0.35);
    while (x < 1.9F) {
      const float width = s.draw(0.03, 0.16);
      b.tint(random_colour(s.rng, 0.05, 1));
      if (bottles)
        vessel(s, {x + width / 2, 0.15F, z}, pitch * s.draw(0.3, 0.6));
      else
        b.box({x + width / 2, 0.18F, z}, {width * 0.96F, 0.3F, pitch * s.draw(0.5, 0.88)},
              s.rng.chance(0.2) ? lib.roofs[1] : lib.plain, lib.plain);
      x += width * (s.rng.chance(0.1) ? 2.5F : 1.0F);
    }
  }
  b.tint({1, 1, 1});
  s.shoot({s.draw(-0.8, 0.8), -s.draw(1, 2.2), s.draw(0.8, 1.5)},
          {s.draw(-0.5, 0.5), 0.2F, s.draw(0.7, 1.2)});
}

}  // namespace

std::span<const OtherKind> outdoor_kinds() {
  static constexpr std::array<OtherKind, 7> kKinds = {{{"street", false, street},
                                                       {"houses", false, houses},
                                                       {"landscape", false, landscape},
                                                       {"crowd", false, crowd},
                                                       {"traffic", false, traffic},
                                                       {"animal", false, animal},
                                                       {"plant", false, plant}}};
  return kKinds;
}

std::span<const OtherKind> indoor_kinds() {
  static constexpr std::array<OtherKind, 5> kKinds = {{{"still life", true, still_life},
                                                       {"food", true, food},
                                                       {"room", true, room},
                                                       {"portrait", true, portrait},
                                                       {"shelf", true, shelf}}};
  return kKinds;
}

}  // namespace cairn::synth
