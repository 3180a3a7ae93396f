// The painters of whole textures.
#include <cmath>

#include "cairn/dataset/synth/noise.h"
#include "cairn/dataset/synth/paint.h"

namespace cairn::synth {
namespace {

uint32_t seed_from(Rng& rng) { return static_cast<uint32_t>(rng.next()); }

// The field of a grid that holds (u, v), and where in it.
struct Field {
  int i, j;
  float fx, fy;  // 0–1
};

Field field_at(float u, float v, int columns, int rows) {
  const float x = u * static_cast<float>(columns);
  const float y = v * static_cast<float>(rows);
  const int i = static_cast<int>(x);
  const int j = static_cast<int>(y);
  return {i, j, x - static_cast<float>(i), y - static_cast<float>(j)};
}

}  // namespace

Texture wall_texture(const Style& style, Rng& rng, int size) {
  Canvas canvas(size);
  paint_wall(canvas, style, seed_from(rng));
  canvas.weather(0.7F, style.grime, seed_from(rng));
  return Texture(canvas);
}

Texture front_texture(const Style& style, const FrontPlan& plan, Rng& rng, int size) {
  Canvas canvas(size);
  const uint32_t seed = seed_from(rng);
  paint_wall(canvas, style, seed);
  const float top = plan.frieze ? 0.9F : 0.97F;
  const float storey = top / static_cast<float>(plan.storeys);
  const float bay = 1.0F / static_cast<float>(plan.bays);
  if (plan.frieze) {
    paint_frieze(canvas, style, 0.91F, 0.985F, std::max(6, plan.bays * 3), seed + 1);
    canvas.rectangle(0, 0.985F, 1, 1, style.trim, 2.5F);
  }
  for (int j = 0; j < plan.storeys; ++j) {
    const float v0 = storey * static_cast<float>(j);
    // A string course between storeys.
    canvas.rectangle(0, v0, 1, v0 + 0.05F * storey, style.trim * 0.95F, 1.4F);
    for (int i = 0; i < plan.bays; ++i) {
      const float u = bay * (static_cast<float>(i) + 0.5F);
      const uint32_t own = seed + static_cast<uint32_t>(i * 131 + j * 17 + 1000);
      if (j == 0 && plan.ground_arcade) {
        paint_doorway(canvas, style, u, v0, bay * 0.6F, storey * 0.8F, own);
        continue;
      }
      if (hash01(i, j, seed + 9) < 0.1F) {  // a blind bay with an ornament instead of a window
        canvas.rectangle(u - bay * 0.3F, v0 + storey * 0.25F, u + bay * 0.3F, v0 + storey * 0.8F,
                         [&](float s, float t, Canvas::Texel& texel) {
                           const bool figure = in_motif(s, t, own);
                           texel.srgb = figure ? style.accent : style.trim;
                           texel.height = figure ? 1.8F : 0.8F;
                         });
        continue;
      }
      paint_window(canvas, style,
                   {u, v0 + storey * 0.53F, bay * style.window_width, storey * style.window_height},
                   own);
    }
  }
  if (style.pilasters) {
    for (int i = 0; i <= plan.bays; ++i) {
      const float u = bay * static_cast<float>(i);
      canvas.rectangle(
          u - bay * 0.07F, 0, u + bay * 0.07F, top, [&](float s, float t, Canvas::Texel& texel) {
            texel.srgb =
                mix(style.trim, style.wall, 0.35F) * (t > 0.96F || t < 0.03F ? 1.1F : 1.0F);
            texel.height = 1.7F + 0.6F * std::sin(s * kPi);
          });
    }
  }
  canvas.weather(0.6F, style.grime, seed + 2);
  return Texture(canvas);
}

Texture relief_texture(const Style& style, int columns, int rows, Rng& rng, int size) {
  Canvas canvas(size);
  const uint32_t seed = seed_from(rng);
  paint_wall(canvas, style, seed);
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    const auto [i, j, fx, fy] = field_at(u, v, columns, rows);
    if (std::min({fx, fy, 1 - fx, 1 - fy}) < 0.06F) {
      texel.srgb = style.trim;
      texel.height = 1.6F;
      return;
    }
    // Figures: wavy blobs that differ from field to field, or ornaments.
    const uint32_t own = seed + static_cast<uint32_t>(i * 57 + j * 101);
    const bool ornament = hash01(i, j, seed + 8) < 0.5F;
    const bool figure = ornament ? in_motif((fx - 0.06F) / 0.88F, (fy - 0.06F) / 0.88F, own)
                                 : fractal_noise(fx * 4, fy * 4, 64, 2, own) > 0.52F;
    texel.height = figure ? 2.0F : 0.4F;
    texel.srgb = mix(
        texel.srgb,
        figure ? mix(style.trim, style.accent, ornament ? 0.6F : 0.15F) : style.wall * 0.8F, 0.75F);
  });
  canvas.weather(0.9F, style.grime, seed + 2);
  return Texture(canvas);
}

Texture roof_texture(const Style& style, Rng& rng, int size) {
  Canvas canvas(size);
  const uint32_t seed = seed_from(rng);
  const int rows = 16;
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    const float y = v * rows;
    const int j = static_cast<int>(y);
    const float fy = y - static_cast<float>(j);
    const float x = u * rows + (j % 2 == 1 ? 0.5F : 0.0F);
    const int i = static_cast<int>(x) % rows;
    const float fx = x - std::floor(x);
    float tone = 0.75F + 0.4F * hash01(i, j, seed);
    switch (style.roof_pattern) {
      case RoofPattern::kTiles:
        texel.height = 0.8F * std::sin(fx * kPi) + 0.6F * (1 - fy);
        break;
      case RoofPattern::kSlates:
        texel.height = (fx < 0.06F ? 0.0F : 0.6F) + 0.8F * (1 - fy);
        break;
      case RoofPattern::kSheets: {
        const float rib = u * rows - std::floor(u * rows);
        texel.height = rib < 0.14F ? 1.6F : 0.3F;
        tone = 0.9F + 0.15F * hash01(static_cast<int>(u * rows), 0, seed);
        break;
      }
      case RoofPattern::kScales: {
        const float d = std::hypot(fx - 0.5F, fy * 0.9F);
        texel.height = d < 0.55F ? 1.2F - d : 0.1F;
        tone = d < 0.5F ? tone : 0.6F;
        break;
      }
    }
    // A pattern of coloured tiles on some roofs.
    const bool figured = (seed & 3U) == 0 && in_motif((u * 3) - std::floor(u * 3),
                                                      (v * 3) - std::floor(v * 3), style.motif);
    texel.srgb = (figured ? style.accent : style.roof) * tone;
  });
  canvas.weather(0.7F, style.grime, seed + 1);
  return Texture(canvas);
}

Texture rose_texture(const Style& style, bool clock, Rng& rng, int size) {
  Canvas canvas(size);
  const uint32_t seed = seed_from(rng);
  paint_wall(canvas, style, seed);
  const float petals = static_cast<float>(6 + rng.below(9));
  const auto hour = static_cast<float>(rng.uniform(0, 2 * kPi));
  canvas.ellipse(0.5F, 0.5F, 0.47F, 0.47F, [&](float s, float t, Canvas::Texel& texel) {
    const float x = 2 * s - 1;
    const float y = 2 * t - 1;
    const float r = std::hypot(x, y);
    const float angle = std::atan2(y, x);
    texel.height = 1;
    if (r > 0.86F) {
      texel.srgb = style.trim;
      texel.height = 2.5F;
    } else if (clock) {
      const bool tick = r > 0.66F && std::cos(angle * 12) > 0.8F;
      const bool hand = (r < 0.55F && std::cos(angle - hour) > 0.985F) ||
                        (r < 0.75F && std::cos(angle - hour * 12) > 0.994F);
      texel.srgb = tick || hand ? Vec3{0.08F, 0.07F, 0.07F}
                                : mix(style.accent, Vec3{0.96F, 0.95F, 0.9F}, 0.75F);
      texel.glow = tick || hand ? 0.0F : 0.7F;
    } else {
      const float wave = std::cos(angle * petals) * (r > 0.5F ? 1.0F : -1.0F);
      const bool lead = std::abs(wave) < 0.28F || std::abs(r - 0.5F) < 0.04F || r < 0.12F;
      const int pane = static_cast<int>((angle + kPi) / (2 * kPi) * petals) + (r > 0.5F ? 50 : 0);
      const float hue = hash01(pane, 1, seed);
      texel.srgb = lead ? style.trim * 0.8F
                        : mix(hue < 0.5F ? style.accent : style.glass, style.roof,
                              hash01(pane, 2, seed) * 0.6F) *
                              0.8F;
      texel.glow = lead ? 0.0F : 0.7F;
      texel.height = lead ? 1.5F : -1.0F;
    }
  });
  canvas.weather(0.6F, style.grime * 0.5F, seed + 2);
  return Texture(canvas);
}

Texture plain_texture(Vec3 srgb, float grain, Rng& rng, int size) {
  Canvas canvas(size, srgb);
  const uint32_t seed = seed_from(rng);
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    texel.srgb = texel.srgb * (1 + grain * (fractal_noise(u * 8, v * 8, 8, 3, seed) - 0.5F));
  });
  canvas.weather(0, grain * 0.5F, seed + 1);
  return Texture(canvas);
}

Texture glass_texture(const Style& style, int columns, int rows, Rng& rng, int size) {
  Canvas canvas(size);
  const uint32_t seed = seed_from(rng);
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    const auto [i, j, fx, fy] = field_at(u, v, columns, rows);
    const bool frame = fx < 0.12F || fy < 0.16F;
    const float tone = 0.6F + 0.8F * hash01(i, j, seed);
    texel.srgb = frame ? style.trim : mix(style.glass, style.wall2, 0.25F) * tone;
    if (!frame && hash01(i, j, seed + 1) < 0.08F) texel.srgb = style.accent * 0.8F;
    if (j % 8 == 7) texel.srgb = style.accent * 0.7F;
    texel.glow = !frame && hash01(i, j, seed + 2) < 0.4F ? 0.8F : 0.0F;
    texel.height = frame ? 1.0F : 0.0F;
  });
  canvas.weather(0.4F, style.grime * 0.4F, seed + 3);
  return Texture(canvas);
}

Texture ground_texture(GroundKind kind, Rng& rng, int size) {
  Canvas canvas(size);
  const uint32_t seed = seed_from(rng);
  Style style = Style::random(rng);
  style.grime = 0.3F;
  const auto noise_ground = [&](Vec3 a, Vec3 b, float scale) {
    canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
      const int period = static_cast<int>(scale);
      const float n = fractal_noise(u * scale, v * scale, period, 4, seed);
      texel.srgb = mix(a, b, smoothstep(0.3F, 0.7F, n));
      texel.height = n;
    });
  };
  switch (kind) {
    case GroundKind::kPaving:
      style.wall = mix(style.wall, Vec3{0.62F, 0.6F, 0.56F}, 0.6F);
      style.wall2 = style.wall * 0.8F;
      style.pattern = rng.chance(0.5) ? WallPattern::kChequer : WallPattern::kAshlar;
      style.courses = 8;
      paint_wall(canvas, style, seed);
      break;
    case GroundKind::kCobbles:
      style.wall = mix(style.wall, Vec3{0.5F, 0.48F, 0.46F}, 0.7F);
      style.wall2 = style.wall * 0.85F;
      style.pattern = WallPattern::kRubble;
      style.courses = 12;
      paint_wall(canvas, style, seed);
      break;
    case GroundKind::kGrass:
      noise_ground({0.24F, 0.36F, 0.14F}, {0.42F, 0.50F, 0.22F}, 12);
      break;
    case GroundKind::kSand:
      noise_ground({0.74F, 0.64F, 0.46F}, {0.82F, 0.74F, 0.56F}, 10);
      break;
    case GroundKind::kWater:
      noise_ground({0.12F, 0.24F, 0.30F}, {0.30F, 0.44F, 0.50F}, 8);
      break;
    case GroundKind::kAsphalt:
      noise_ground({0.26F, 0.26F, 0.27F}, {0.34F, 0.34F, 0.34F}, 16);
      break;
  }
  canvas.weather(0.4F, 0.25F, seed + 1);
  return Texture(canvas);
}

Texture foliage_texture(Vec3 srgb, Rng& rng, int size) {
  Canvas canvas(size);
  const uint32_t seed = seed_from(rng);
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    const float n = fractal_noise(u * 10, v * 10, 10, 3, seed);
    texel.srgb =
        srgb * (0.35F + 1.3F * n * n) +
        Vec3{0.05F, 0.05F, 0} * hash01(static_cast<int>(u * 64), static_cast<int>(v * 64), seed);
  });
  return Texture(canvas);
}

}  // namespace cairn::synth
