// How a landmark's surfaces look: materials, palette, windows and ornaments, all drawn from a seed.
#pragma once

#include <cstdint>

#include "cairn/base/random.h"
#include "cairn/dataset/synth/texture.h"

namespace cairn::synth {

enum class WallPattern { kAshlar, kBrick, kRubble, kPlaster, kBanded, kChequer, kMosaic, kPanels };
enum class WindowShape { kRectangle, kRound, kPointed, kTwin, kPorthole };
enum class RoofPattern { kTiles, kSlates, kSheets, kScales };

// All colours are sRGB.
struct Style {
  Vec3 wall, wall2, trim, roof, accent, glass;
  WallPattern pattern = WallPattern::kAshlar;
  WindowShape window = WindowShape::kRectangle;
  RoofPattern roof_pattern = RoofPattern::kTiles;
  float courses = 12;         // stone courses in the height of a texture
  float window_width = 0.5F;  // of its bay
  float window_height = 0.6F;
  bool pilasters = false;
  bool balconies = false;
  float grime = 0.3F;
  uint32_t motif = 0;  // seed of the ornaments

  static Style random(Rng& rng);
};

// A symmetric ornament of 9 × 9 cells: whether (s, t) in [0, 1)² lies in its figure.
bool in_motif(float s, float t, uint32_t seed);

// Painters of whole textures; size is a power of two. Each draws its own details from rng.
// A bare wall.
Texture wall_texture(const Style& style, Rng& rng, int size);
// A front with a grid of bays and storeys, with frieze, cornice and details that differ from bay to
// bay; ground_arcade makes the lowest storey one of doors.
struct FrontPlan {
  int bays = 5;
  int storeys = 4;
  bool ground_arcade = true;
  bool frieze = true;
};
Texture front_texture(const Style& style, const FrontPlan& plan, Rng& rng, int size);
// Rows of ornaments and figures cut into stone.
Texture relief_texture(const Style& style, int columns, int rows, Rng& rng, int size);
Texture roof_texture(const Style& style, Rng& rng, int size);
// A round window or clock, to be put on a square.
Texture rose_texture(const Style& style, bool clock, Rng& rng, int size);
// Plain material in one colour with a little grain: trims, steel, statues.
Texture plain_texture(Vec3 srgb, float grain, Rng& rng, int size);
// Curtain wall of glass and mullions.
Texture glass_texture(const Style& style, int columns, int rows, Rng& rng, int size);

// Grounds and nature; they repeat without seams.
enum class GroundKind { kPaving, kCobbles, kGrass, kSand, kWater, kAsphalt };
Texture ground_texture(GroundKind kind, Rng& rng, int size);
Texture foliage_texture(Vec3 srgb, Rng& rng, int size);

}  // namespace cairn::synth
