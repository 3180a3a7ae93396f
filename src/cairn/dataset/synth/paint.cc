#include "cairn/dataset/synth/paint.h"

#include <cmath>

#include "cairn/dataset/synth/noise.h"

namespace cairn::synth {
namespace {

// Rows of blocks: which block a position lies in and how far from its joints (0 in the joint).
struct Block {
  int column, row;
  float joint;  // 0 in the mortar, 1 inside
};

Block block_at(float u, float v, float columns, float rows, float joint, uint32_t seed) {
  const float y = v * rows;
  const int row = static_cast<int>(std::floor(y));
  const float x = u * columns + ((row & 1) != 0 ? 0.5F : 0.0F) + 0.4F * hash01(row, 7, seed);
  const int column = static_cast<int>(std::floor(x));
  const float fx = x - static_cast<float>(column);
  const float fy = y - static_cast<float>(row);
  const float away_x = std::min(fx, 1 - fx) / columns;
  const float away_y = std::min(fy, 1 - fy) / rows;
  return {column % static_cast<int>(columns), row,
          smoothstep(0.3F * joint, joint, std::min(away_x, away_y))};
}

// The nearest of scattered points: cells of rubble.
Block rubble_at(float u, float v, int cells, uint32_t seed) {
  const float x = u * static_cast<float>(cells);
  const float y = v * static_cast<float>(cells);
  const int cx = static_cast<int>(std::floor(x));
  const int cy = static_cast<int>(std::floor(y));
  float best = 9;
  float second = 9;
  Block block{0, 0, 1};
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      const int i = (cx + dx + cells) % cells;
      const int j = (cy + dy + cells) % cells;
      const float px = static_cast<float>(cx + dx) + 0.15F + 0.7F * hash01(i, j, seed);
      const float py = static_cast<float>(cy + dy) + 0.15F + 0.7F * hash01(i, j, seed + 1);
      const float d = std::hypot(px - x, py - y);
      if (d < best) {
        second = best;
        best = d;
        block.column = i;
        block.row = j;
      } else {
        second = std::min(second, d);
      }
    }
  }
  block.joint = smoothstep(0.02F, 0.14F, second - best);
  return block;
}

void paint_blocks(Canvas& canvas, const Style& style, uint32_t seed) {
  const bool brick = style.pattern == WallPattern::kBrick;
  const float rows = std::floor(style.courses * (brick ? 2.2F : 1.0F));
  const float columns = std::floor(rows * (brick ? 0.5F : 0.6F));
  const float joint = brick ? 0.006F : 0.007F;
  const Vec3 mortar = brick ? mix(style.trim, Vec3{0.7F, 0.68F, 0.64F}, 0.5F) : style.wall * 0.62F;
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    Block b{};
    if (style.pattern == WallPattern::kRubble)
      b = rubble_at(u, v, static_cast<int>(style.courses), seed);
    else
      b = block_at(u, v, columns, rows, joint, seed);
    const float shade = 0.78F + 0.38F * hash01(b.column, b.row, seed + 3);
    Vec3 stone =
        mix(style.wall, style.wall2, hash01(b.column, b.row, seed + 4) < 0.2F ? 0.6F : 0.0F);
    if (style.pattern == WallPattern::kBanded && (b.row / 2) % 2 == 1) stone = style.wall2;
    texel.srgb = mix(mortar, stone * shade, b.joint);
    texel.height = b.joint * (0.6F + 0.5F * hash01(b.column, b.row, seed + 6));
  });
}

void paint_tiles(Canvas& canvas, const Style& style, uint32_t seed) {
  const int n = static_cast<int>(style.courses) | 1;
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    const float x = u * static_cast<float>(n);
    const float y = v * static_cast<float>(n);
    const int i = static_cast<int>(x);
    const int j = static_cast<int>(y);
    const float fx = x - static_cast<float>(i);
    const float fy = y - static_cast<float>(j);
    Vec3 c = (i + j) % 2 == 0 ? style.wall : style.wall2;
    if (style.pattern == WallPattern::kMosaic) {
      const uint32_t motif = style.motif + (hash01(i, j, seed) < 0.5F ? 0U : 9U);
      c = in_motif(fx, fy, motif) ? style.accent : mix(style.wall, style.trim, 0.3F);
      if (hash01(i, j, seed + 1) < 0.12F) c = mix(c, style.roof, 0.6F);
    }
    const float edge = smoothstep(0.0F, 0.07F, std::min({fx, fy, 1 - fx, 1 - fy}));
    texel.srgb = c * (0.85F + 0.25F * hash01(i, j, seed + 2)) * (0.65F + 0.35F * edge);
    texel.height = edge * 0.5F;
  });
}

void paint_plaster(Canvas& canvas, const Style& style, uint32_t seed) {
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    const float patch = fractal_noise(u * 6, v * 6, 6, 4, seed);
    texel.srgb =
        mix(style.wall, style.wall2, smoothstep(0.52F, 0.72F, patch)) * (0.9F + 0.2F * patch);
    texel.height = 0.5F + 0.3F * patch;
    if (style.pattern != WallPattern::kPanels) return;
    const float rows = std::floor(style.courses / 2);
    const Block b = block_at(u, v, std::floor(rows * 0.75F), rows, 0.008F, seed);
    texel.srgb =
        texel.srgb * (0.55F + 0.45F * b.joint) * (0.88F + 0.22F * hash01(b.column, b.row, seed));
    texel.height = b.joint;
  });
}

// Whether (s, t) in the window's box is inside its outline.
bool inside_window(WindowShape shape, float s, float t) {
  const float x = 2 * s - 1;
  switch (shape) {
    case WindowShape::kRectangle:
      return true;
    case WindowShape::kRound:
    case WindowShape::kTwin:
      return t < 0.7F || x * x + (t - 0.7F) * (t - 0.7F) / 0.09F < 1;
    case WindowShape::kPointed:
      return std::abs(x) < std::pow(std::max(0.0F, (1 - t) / 0.45F), 0.6F);
    case WindowShape::kPorthole:
      return x * x + (2 * t - 1) * (2 * t - 1) < 1;
  }
  return true;
}

}  // namespace

void paint_wall(Canvas& canvas, const Style& style, uint32_t seed) {
  switch (style.pattern) {
    case WallPattern::kAshlar:
    case WallPattern::kBrick:
    case WallPattern::kRubble:
    case WallPattern::kBanded:
      return paint_blocks(canvas, style, seed);
    case WallPattern::kChequer:
    case WallPattern::kMosaic:
      return paint_tiles(canvas, style, seed);
    case WallPattern::kPlaster:
    case WallPattern::kPanels:
      return paint_plaster(canvas, style, seed);
  }
}

void paint_frieze(Canvas& canvas, const Style& style, float v0, float v1, int motifs,
                  uint32_t seed) {
  canvas.rectangle(0, v0, 1, v1, [&](float s, float t, Canvas::Texel& texel) {
    texel.srgb = style.trim;
    texel.height = 1.5F;
    if (t < 0.1F || t > 0.9F) {
      texel.height = 2.2F;
      return;
    }
    const float x = s * static_cast<float>(motifs);
    const int i = static_cast<int>(x);
    // Two figures in turn, now and then one of its own.
    uint32_t motif = style.motif + static_cast<uint32_t>(i % 2);
    if (hash01(i, 3, seed) < 0.3F) motif = seed + static_cast<uint32_t>(i) * 31U;
    if (in_motif(x - static_cast<float>(i), (t - 0.1F) / 0.8F, motif)) {
      texel.srgb = style.accent;
      texel.height = 2.2F;
    }
  });
}

void paint_window(Canvas& canvas, const Style& style, const WindowPlace& place, uint32_t seed) {
  const float w = place.width / 2;
  const float h = place.height / 2;
  const float frame = 0.16F * std::min(place.width, place.height);
  const bool lit = hash01(1, 1, seed) < 0.45F;
  const bool shutters = hash01(2, 2, seed) < 0.15F;
  const float blind = hash01(3, 3, seed) < 0.3F ? hash01(4, 4, seed) * 0.6F : 0;
  canvas.rectangle(place.u - w - frame, place.v - h - frame, place.u + w + frame,
                   place.v + h + frame, [&](float s, float t, Canvas::Texel& texel) {
                     if (!inside_window(style.window, s, t)) return;
                     texel.srgb = style.trim;
                     texel.height = 1.8F;
                   });
  // The sill.
  canvas.rectangle(place.u - w - 1.5F * frame, place.v - h - 1.5F * frame,
                   place.u + w + 1.5F * frame, place.v - h - 0.4F * frame, style.trim * 0.9F, 2.2F);
  canvas.rectangle(place.u - w, place.v - h, place.u + w, place.v + h,
                   [&](float s, float t, Canvas::Texel& texel) {
                     if (!inside_window(style.window, s, t)) return;
                     const bool bar =
                         std::abs(s - 0.5F) < 0.05F || std::abs(t - 0.45F) < 0.03F ||
                         (style.window == WindowShape::kTwin && std::abs(s - 0.5F) < 0.12F);
                     texel.height = -1.5F;
                     texel.srgb = style.glass * (0.7F + 0.7F * t);
                     if (t > 1 - blind) texel.srgb = mix(style.trim, style.glass, 0.25F);
                     texel.glow = lit ? 0.9F : 0.04F;
                     if (shutters && std::abs(s - 0.5F) > 0.28F) {
                       texel.srgb = style.accent * 0.8F;
                       texel.glow = 0;
                     }
                     if (bar) {
                       texel.srgb = style.trim * 0.8F;
                       texel.height = -0.6F;
                       texel.glow = 0;
                     }
                   });
  if (style.balconies && hash01(5, 5, seed) < 0.7F) {
    canvas.rectangle(place.u - 1.4F * w, place.v - h * 1.1F, place.u + 1.4F * w,
                     place.v - 0.45F * h, [&](float s, float t, Canvas::Texel& texel) {
                       const float rail = s * 9 - std::floor(s * 9);
                       if (t < 0.15F || t > 0.88F || rail < 0.4F) {
                         texel.srgb = mix(style.accent, Vec3{0.1F, 0.1F, 0.1F}, 0.5F);
                         texel.height = 2;
                       }
                     });
  }
}

void paint_doorway(Canvas& canvas, const Style& style, float u, float v0, float width, float height,
                   uint32_t seed) {
  const bool wooden = hash01(8, 8, seed) < 0.5F;
  canvas.rectangle(u - width * 0.62F, v0, u + width * 0.62F, v0 + height * 1.1F,
                   [&](float s, float t, Canvas::Texel& texel) {
                     const float x = 2 * s - 1;
                     if (t > 0.55F && x * x + (t - 0.55F) * (t - 0.55F) / 0.2F > 1) return;
                     texel.srgb = style.trim;
                     texel.height = 1.9F;
                   });
  canvas.rectangle(
      u - width / 2, v0, u + width / 2, v0 + height, [&](float s, float t, Canvas::Texel& texel) {
        const float x = 2 * s - 1;
        if (t > 0.55F && x * x + (t - 0.55F) * (t - 0.55F) / 0.2F > 1) return;
        texel.height = -2;
        texel.srgb = wooden
                         ? style.accent * (0.5F + 0.3F * hash01(static_cast<int>(s * 8), 1, seed))
                         : style.glass * 0.6F;
        texel.glow = wooden ? 0.0F : 0.6F;
      });
}

}  // namespace cairn::synth
