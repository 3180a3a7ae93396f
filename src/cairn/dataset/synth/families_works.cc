// Bridges, arenas, castles and pyramids.
#include <array>
#include <cmath>
#include <vector>

#include "cairn/dataset/synth/families.h"

namespace cairn::synth {

namespace {

// Where the deck of a bridge lies.
struct Deck {
  float length, width, height;
};

void stone_bridge(Sculptor& s, const Deck& d) {
  const int n = s.count(3, 6);
  std::vector<Opening> openings;
  const float pitch = d.length / static_cast<float>(n);
  const float span = pitch * s.draw(0.68, 0.84);
  const bool pointed = s.rng.chance(0.2);
  for (int i = 0; i < n; ++i)
    openings.push_back({-d.length / 2 + pitch * (static_cast<float>(i) + 0.5F), span,
                        std::max(0.5F, d.height - 2 - span / 2), pointed});
  const uint32_t face = s.relief(n * 2, 2);
  s.build.arched_wall({}, d.length, d.width, d.height, openings, face, s.wall());
  const uint32_t rail = s.relief(n * 4, 1);
  for (const float y : {-d.width / 2, d.width / 2})
    s.build.box({0, y, d.height}, {d.length, 0.6F, 1.4F}, rail, s.trim());
  const int towers = s.count(0, 2);
  for (int i = 0; i < towers; ++i) {
    const std::array<Opening, 1> gate = {Opening{0, d.width * 0.5F, d.height * 0.5F, false}};
    const uint32_t tower = s.front(3, 3, false);
    s.build.place({(i == 0 ? -0.42F : 0.42F) * d.length, 0, d.height}, kPi / 2);
    s.build.arched_wall({}, d.width * 1.1F, d.width * 0.8F, d.height * 1.3F, gate, tower, s.wall());
    s.spire({0, 0, d.height * 1.3F}, d.width * 0.5F, false);
    s.build.place({});
  }
}

void suspension_bridge(Sculptor& s, const Deck& d) {
  const float rise = s.draw(30, 44);
  const float pylon = d.length * s.draw(0.24, 0.32);
  const uint32_t stone = s.front(1, 4, false, true);
  const uint32_t side = s.relief(20, 1);
  s.build.box({0, 0, d.height}, {d.length * 1.25F, d.width, 1.6F}, side, s.wall());
  for (const float x : {-pylon, pylon}) {
    for (const float y : {-d.width * 0.55F, d.width * 0.55F})
      s.build.box({x, y, 0}, {4, 3, rise}, stone, s.trim(), {0, 0, 0.5F, 1}, {0, 0, 0.5F, 1});
    for (const float z : {0.55F, 0.78F, 0.97F})
      s.build.box({x, 0, rise * z}, {3, d.width * 1.3F, 2}, s.accent(), s.trim());
  }
  const auto cable = [&](float x) {
    const float away = std::abs(x);
    if (away > pylon) return mix(rise, d.height + 1.5F, (away - pylon) / (d.length * 0.6F - pylon));
    return mix(d.height + 3, rise, (away / pylon) * (away / pylon));
  };
  constexpr int kSteps = 40;
  for (const float y : {-d.width * 0.52F, d.width * 0.52F}) {
    for (int i = 0; i < kSteps; ++i) {
      const float x0 = d.length * (1.2F * static_cast<float>(i) / kSteps - 0.6F);
      const float x1 = d.length * (1.2F * static_cast<float>(i + 1) / kSteps - 0.6F);
      s.build.beam({x0, y, cable(x0)}, {x1, y, cable(x1)}, 0.7F, s.accent());
      s.build.beam({x0, y, d.height + 1}, {x0, y, cable(x0)}, 0.25F, s.accent());
    }
  }
}

void truss_bridge(Sculptor& s, const Deck& d) {
  const float rise = s.draw(16, 30);
  const uint32_t steel = s.accent();
  const uint32_t side = s.relief(18, 1);
  const uint32_t pier = s.front(2, 2, false);
  s.build.box({0, 0, d.height}, {d.length * 1.2F, d.width, 1.5F}, side, s.wall());
  for (const float x : {-0.5F, 0.5F})
    s.build.box({x * d.length, 0, 0}, {6, d.width * 1.3F, d.height * 1.6F}, pier, s.trim());
  constexpr int kSteps = 16;
  const auto low = [&](int i, float y) {
    return Vec3{d.length * (static_cast<float>(i) / kSteps - 0.5F), y, d.height + 1};
  };
  const auto high = [&](int i, float y) {
    return low(i, y) + Vec3{0, 0, rise * std::sin(kPi * static_cast<float>(i) / kSteps)};
  };
  for (const float y : {-d.width * 0.5F, d.width * 0.5F}) {
    for (int i = 0; i < kSteps; ++i) {
      s.build.beam(high(i, y), high(i + 1, y), 1.4F, steel);
      s.build.beam(low(i + 1, y), high(i + 1, y), 0.6F, steel);
      s.build.beam(low(i + i % 2, y), high(i + 1 - i % 2, y), 0.5F, steel);
    }
  }
  for (int i = 2; i < kSteps - 1; i += 2)
    s.build.beam(high(i, -d.width * 0.5F), high(i, d.width * 0.5F), 0.5F, steel);
}

}  // namespace

// A bridge over water: stone arches, suspended, or with a truss.
void sculpt_bridge(Sculptor& s) {
  s.over_water = true;
  s.view_arc = 1.1F;
  Deck deck{s.draw(80, 120), s.draw(7, 11), s.draw(9, 15)};
  switch (s.count(0, 2)) {
    case 0:
      deck.height *= 1.5F;
      return stone_bridge(s, deck);
    case 1:
      return suspension_bridge(s, deck);
    default:
      return truss_bridge(s, deck);
  }
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

}  // namespace cairn::synth
