#include "cairn/dataset/synth/other.h"

#include <array>
#include <cmath>

#include "cairn/dataset/synth/noise.h"

namespace cairn::synth {
namespace {

// Lines of made-up text, darker than the ground.
void paint_text(Canvas& canvas, float u0, float v0, float u1, float v1, int lines, Vec3 ink,
                Rng& rng) {
  const auto seed = static_cast<uint32_t>(rng.next());
  const float pitch = (v1 - v0) / static_cast<float>(lines);
  const float glyph = pitch * 0.55F;
  for (int j = 0; j < lines; ++j) {
    const float v = v1 - pitch * static_cast<float>(j + 1);
    const float end = mix(u0 + 0.3F * (u1 - u0), u1, std::sqrt(static_cast<float>(rng.uniform())));
    int i = 0;
    for (float u = u0; u + glyph < end; u += glyph * 1.15F, ++i) {
      if (hash01(i, j, seed) < 0.18F) continue;
      const auto letter = static_cast<uint32_t>(hash01(i, j, seed + 1) * 30);
      canvas.rectangle(u, v + pitch * 0.15F, u + glyph, v + pitch * 0.85F,
                       [&](float s, float t, Canvas::Texel& texel) {
                         const int x = static_cast<int>(s * 3);
                         const int y = static_cast<int>(t * 5);
                         if (hash01(x, y, 900 + letter) < 0.55F) texel.srgb = ink;
                       });
    }
  }
}

Vec3 srgb(Rng& rng, double low = 0, double high = 1) {
  const auto draw = [&] { return static_cast<float>(rng.uniform(low, high)); };
  return {draw(), draw(), draw()};
}

void paint_sign(Canvas& canvas, Rng& rng) {
  canvas = Canvas(canvas.size(), srgb(rng, 0.2, 0.9));
  const Vec3 board = srgb(rng);
  const Vec3 ink = dot(board, {1, 1, 1}) > 1.5F ? board * 0.15F : mix(board, Vec3{1, 1, 1}, 0.85F);
  const auto u = static_cast<float>(rng.uniform(0.05, 0.25));
  const auto v = static_cast<float>(rng.uniform(0.05, 0.3));
  canvas.rectangle(u - 0.02F, v - 0.02F, 1.02F - u, 1.02F - v, ink, 1);
  canvas.rectangle(u, v, 1 - u, 1 - v, board, 1);
  paint_text(canvas, u + 0.04F, v + 0.04F, 0.96F - u, 0.96F - v, 1 + static_cast<int>(rng.below(4)),
             ink, rng);
}

void paint_page(Canvas& canvas, Rng& rng) {
  canvas = Canvas(canvas.size(), srgb(rng, 0.8, 1));
  const Vec3 ink = srgb(rng, 0, 0.35);
  const int columns = 1 + static_cast<int>(rng.below(3));
  const float width = 0.92F / static_cast<float>(columns);
  for (int i = 0; i < columns; ++i) {
    const float u = 0.04F + width * static_cast<float>(i);
    const auto top = static_cast<float>(rng.uniform(0.45, 0.95));
    paint_text(canvas, u, 0.04F, u + width * 0.92F, top, 6 + static_cast<int>(rng.below(16)), ink,
               rng);
    if (top < 0.8F) canvas.rectangle(u, top + 0.02F, u + width * 0.92F, 0.96F, srgb(rng), 1);
  }
}

void paint_pattern(Canvas& canvas, Rng& rng) {
  const Vec3 a = srgb(rng);
  const Vec3 b = srgb(rng);
  const Vec3 c = srgb(rng);
  const auto seed = static_cast<uint32_t>(rng.next());
  const int kind = static_cast<int>(rng.below(5));
  const auto scale = static_cast<float>(rng.uniform(2, 9));
  const auto angle = static_cast<float>(rng.uniform(0, kPi));
  canvas.rectangle(0, 0, 1, 1, [&](float u, float v, Canvas::Texel& texel) {
    const float x = (u * std::cos(angle) + v * std::sin(angle)) * scale + 40;
    const float y = (v * std::cos(angle) - u * std::sin(angle)) * scale + 40;
    const float n = fractal_noise(x, y, 128, 4, seed);
    float t = n;
    if (kind == 1) t = 0.5F + 0.5F * std::sin(x * 6 + n * 9);
    if (kind == 2) t = std::abs(std::sin(x * 3.1F) * std::sin(y * 3.1F)) + 0.2F * n;
    if (kind == 3) t = in_motif(x - std::floor(x), y - std::floor(y), seed) ? 0.9F : 0.2F * n;
    if (kind == 4) t = std::fmod(std::hypot(u - 0.5F, v - 0.4F) * scale * 1.5F + n, 1.0F);
    texel.srgb = mix(mix(a, b, smoothstep(0.3F, 0.55F, t)), c, smoothstep(0.55F, 0.8F, t));
  });
}

// Coloured strokes on a ground: a drawing, a poster, a child's painting.
void paint_strokes(Canvas& canvas, Rng& rng) {
  canvas = Canvas(canvas.size(), srgb(rng, 0.3, 1));
  for (uint64_t i = 6 + rng.below(30); i > 0; --i) {
    const Vec3 colour = srgb(rng);
    const auto u = static_cast<float>(rng.uniform());
    const auto v = static_cast<float>(rng.uniform());
    const auto w = static_cast<float>(rng.uniform(0.02, 0.3));
    const auto h = static_cast<float>(rng.uniform(0.02, 0.3));
    if (rng.chance(0.5))
      canvas.rectangle(u - w / 2, v - h / 2, u + w / 2, v + h / 2, colour, 1);
    else
      canvas.ellipse(u, v, w / 2, h / 2,
                     [&](float, float, Canvas::Texel& texel) { texel.srgb = colour; });
  }
}

Photo finish(RadianceImage radiance, const Light& light, const std::string& kind, double difficulty,
             Rng& rng) {
  Photo photo;
  const image::Image image = develop(std::move(radiance), light, difficulty, rng);
  photo.quality = 50 + static_cast<int>(rng.below(46));
  photo.jpeg = image::encode_jpeg(image, photo.quality);
  photo.width = image.width;
  photo.height = image.height;
  photo.kind = kind;
  photo.weather = light.weather;
  photo.daytime = light.daytime;
  return photo;
}

Light indoor_light(Rng& rng) {
  Light light;
  light.weather = "indoors";
  light.to_sun =
      normalised({static_cast<float>(rng.uniform(-1, 1)), static_cast<float>(rng.uniform(-1, 0.3)),
                  static_cast<float>(rng.uniform(0.5, 1.5))});
  const Vec3 warm =
      mix(Vec3{1, 0.8F, 0.55F}, Vec3{0.85F, 0.92F, 1}, static_cast<float>(rng.uniform()));
  light.sun = warm * static_cast<float>(rng.uniform(0.2, 0.9));
  light.sky_light = warm * static_cast<float>(rng.uniform(0.2, 0.5));
  light.ground_light = light.sky_light * 0.6F;
  light.zenith = light.horizon = random_colour(rng, 0.2, 0.9);
  return light;
}

}  // namespace

void Stage::shoot(Vec3 from, Vec3 at) const {
  camera.position = from;
  camera.look_at(at, static_cast<float>(rng.normal()) * 0.04F);
}

RadianceImage paint_flat(const Camera& format, Rng& rng, std::string& kind) {
  struct FlatKind {
    const char* name;
    void (*paint)(Canvas&, Rng&);
  };
  constexpr std::array<FlatKind, 4> kKinds = {{{"sign", paint_sign},
                                               {"page", paint_page},
                                               {"pattern", paint_pattern},
                                               {"drawing", paint_strokes}}};
  const FlatKind& chosen = kKinds[rng.below(kKinds.size())];
  kind = chosen.name;
  Canvas canvas(256);
  chosen.paint(canvas, rng);
  canvas.weather(0.3F, static_cast<float>(rng.uniform(0, 0.3)), static_cast<uint32_t>(rng.next()));
  const Texture texture(canvas);
  RadianceImage out{format.width, format.height, {}};
  out.pixels.resize(static_cast<size_t>(out.width) * out.height);
  // Seen a little from the side.
  const auto turn = static_cast<float>(rng.normal() * 0.08);
  const auto zoom = static_cast<float>(rng.uniform(0.6, 1.0));
  const auto tilt = static_cast<float>(rng.normal() * 0.1);
  const float footprint = zoom * 256 / static_cast<float>(out.width);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const float px = (static_cast<float>(x) + 0.5F) / static_cast<float>(out.width) - 0.5F;
      const float py = 0.5F - (static_cast<float>(y) + 0.5F) / static_cast<float>(out.height);
      const float depth = zoom / (1 + tilt * px);
      out.pixels[static_cast<size_t>(y) * out.width + x] =
          texture
              .sample(0.5F + depth * (px * std::cos(turn) - py * std::sin(turn)),
                      0.5F + depth * (px * std::sin(turn) + py * std::cos(turn)), footprint)
              .colour;
    }
  }
  return out;
}

Photo photograph_other(const PropLibrary& library, int long_side, double difficulty, Rng rng) {
  Camera camera;
  draw_format(long_side, rng, camera);
  camera.focal = static_cast<float>(long_side) * static_cast<float>(rng.uniform(0.8, 1.7));
  if (rng.chance(0.22)) {
    std::string kind;
    RadianceImage radiance = paint_flat(camera, rng, kind);
    Light light = indoor_light(rng);
    return finish(std::move(radiance), light, kind, difficulty, rng);
  }
  const bool indoors = rng.chance(0.5);
  const auto kinds = indoors ? indoor_kinds() : outdoor_kinds();
  const OtherKind& kind = kinds[rng.below(kinds.size())];
  Light light = kind.indoors ? indoor_light(rng) : Light::random(rng, difficulty);
  Mesh mesh;
  PropBuilder props(library, mesh, rng);
  kind.set_up({props, rng, camera, light});
  light.haze_per_metre = light.haze / (kind.indoors ? 100.0F : 35.0F);
  VisibleSurfaces surfaces(camera, 2);
  surfaces.draw(mesh, library.textures, 1);
  ShadowMap shadows(light.to_sun, camera.position + camera.forward * 12.0F, kind.indoors ? 8 : 40,
                    256);
  const bool sunny = light.sun.x > 0.1F && !kind.indoors;
  if (sunny) shadows.draw(mesh);
  return finish(shade(surfaces, camera, light, sunny ? &shadows : nullptr), light, kind.name,
                difficulty, rng);
}

}  // namespace cairn::synth
