#include "cairn/dataset/synth/light.h"

#include <array>
#include <cmath>

#include "cairn/dataset/synth/noise.h"

namespace cairn::synth {
namespace {

Vec3 random_sun(Rng& rng, double low_degrees, double high_degrees) {
  const auto elevation = static_cast<float>(rng.uniform(low_degrees, high_degrees)) * kPi / 180;
  const auto azimuth = static_cast<float>(rng.uniform(0, 2 * kPi));
  return {std::cos(elevation) * std::sin(azimuth), std::cos(elevation) * std::cos(azimuth),
          std::sin(elevation)};
}

void set_day(Light& light, Rng& rng) {
  light.to_sun = random_sun(rng, 18, 68);
  const float warm = smoothstep(0.9F, 0.3F, light.to_sun.z);
  light.sun = mix(Vec3{1.0F, 0.96F, 0.9F}, Vec3{1.05F, 0.85F, 0.62F}, warm) *
              static_cast<float>(rng.uniform(0.85, 1.25));
  light.sky_light = {0.3F, 0.35F, 0.44F};
  light.ground_light = {0.2F, 0.19F, 0.17F};
  const auto deep = static_cast<float>(rng.uniform(0, 1));
  light.zenith = mix(Vec3{0.22F, 0.42F, 0.75F}, Vec3{0.08F, 0.22F, 0.58F}, deep);
  light.horizon = mix(Vec3{0.72F, 0.82F, 0.92F}, Vec3{0.5F, 0.66F, 0.86F}, deep);
  light.cloud_cover = static_cast<float>(rng.uniform(0.0, 0.3));
}

void set_dusk(Light& light, Rng& rng) {
  light.daytime = "dusk";
  light.to_sun = random_sun(rng, 4, 16);
  light.sun = Vec3{0.95F, 0.5F, 0.24F} * static_cast<float>(rng.uniform(0.5, 0.9));
  light.sky_light = {0.2F, 0.2F, 0.3F};
  light.ground_light = {0.1F, 0.07F, 0.05F};
  light.zenith = {0.1F, 0.16F, 0.38F};
  light.horizon =
      mix(Vec3{0.95F, 0.5F, 0.25F}, Vec3{0.9F, 0.55F, 0.55F}, static_cast<float>(rng.uniform()));
  light.cloud = {0.75F, 0.5F, 0.45F};
  light.cloud_cover = static_cast<float>(rng.uniform(0.1, 0.5));
  light.glow = 0.5F;
}

void set_night(Light& light, Rng& rng) {
  light.daytime = "night";
  light.to_sun = random_sun(rng, 25, 60);  // the moon
  light.sun = {0.03F, 0.035F, 0.05F};
  light.sky_light = {0.03F, 0.035F, 0.055F};
  light.ground_light = {0.05F, 0.04F, 0.025F};
  light.zenith = {0.008F, 0.012F, 0.035F};
  light.horizon =
      mix(Vec3{0.03F, 0.035F, 0.07F}, Vec3{0.1F, 0.07F, 0.05F}, static_cast<float>(rng.uniform()));
  light.cloud = {0.04F, 0.04F, 0.05F};
  light.cloud_cover = static_cast<float>(rng.uniform(0, 0.5));
  light.glow = 1;
  light.flood = static_cast<float>(rng.uniform(0.25, 0.5));
  light.flood_colour =
      mix(Vec3{1, 0.72F, 0.4F}, Vec3{0.9F, 0.95F, 1}, static_cast<float>(rng.uniform()));
}

// Hides the sun behind clouds: its light then comes from the whole sky.
void overcast(Light& light, float amount) {
  const float strength = (light.sun.x + light.sun.y + light.sun.z) / 3;
  light.sky_light = mix(light.sky_light, Vec3{0.62F, 0.64F, 0.68F} * strength, amount);
  light.ground_light = mix(light.ground_light, Vec3{0.25F, 0.25F, 0.25F} * strength, amount);
  light.sun = light.sun * (1 - 0.95F * amount);
  const float sky = (light.horizon.x + light.horizon.y + light.horizon.z) / 3;
  light.zenith = mix(light.zenith, Vec3{0.75F, 0.78F, 0.82F} * sky, amount);
  light.horizon = mix(light.horizon, Vec3{0.92F, 0.94F, 0.96F} * sky, amount);
}

void set_weather(Light& light, Rng& rng, double difficulty) {
  const double bad = 0.15 + 0.4 * difficulty;
  light.haze = static_cast<float>(rng.uniform(0.02, 0.1));
  light.cloud_seed = static_cast<uint32_t>(rng.next());
  if (!rng.chance(bad)) {
    if (light.cloud_cover > 0.15F) light.weather = "clouds";
    return;
  }
  const std::array<const char*, 5> kinds = {"clouds", "overcast", "fog", "rain", "snow"};
  light.weather = kinds[rng.below(kinds.size())];
  if (light.weather == "clouds") {
    light.cloud_cover = static_cast<float>(rng.uniform(0.4, 0.75));
    overcast(light, 0.3F);
  } else {
    overcast(light, static_cast<float>(rng.uniform(0.75, 1)));
    light.cloud_cover = static_cast<float>(rng.uniform(0.3, 0.9));
    const float grey = (light.cloud.x + light.cloud.y + light.cloud.z) / 3;
    light.cloud = mix(light.cloud, Vec3{grey, grey, grey * 1.04F}, 0.8F) * 0.85F;
  }
  if (light.weather == "fog")
    light.haze = static_cast<float>(rng.uniform(0.35, 0.6 + 0.6 * difficulty));
  if (light.weather == "rain") light.haze = static_cast<float>(rng.uniform(0.12, 0.35));
  if (light.weather == "snow") {
    light.haze = static_cast<float>(rng.uniform(0.15, 0.4));
    light.snow = static_cast<float>(rng.uniform(0.4, 1.0));
  }
}

// One tile of clouds, shared by all photos; a light shifts and thresholds it.
class CloudTile {
 public:
  static constexpr int kSize = 256;
  CloudTile() : density_(static_cast<size_t>(kSize) * kSize) {
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x)
        density_[static_cast<size_t>(y) * kSize + x] =
            fractal_noise(static_cast<float>(x) / 32, static_cast<float>(y) / 32, 8, 5, 4711);
  }
  float at(float x, float y) const {
    const float fx = std::floor(x);
    const float fy = std::floor(y);
    const int x0 = static_cast<int>(fx) & (kSize - 1);
    const int y0 = static_cast<int>(fy) & (kSize - 1);
    const int x1 = (x0 + 1) & (kSize - 1);
    const int y1 = (y0 + 1) & (kSize - 1);
    return mix(mix(texel(x0, y0), texel(x1, y0), x - fx), mix(texel(x0, y1), texel(x1, y1), x - fx),
               y - fy);
  }

 private:
  float texel(int x, int y) const { return density_[static_cast<size_t>(y) * kSize + x]; }
  std::vector<float> density_;
};

Vec3 sky_colour(Vec3 direction, const Light& light) {
  static const CloudTile clouds;
  const float up = std::max(direction.z, 0.0F);
  Vec3 sky = mix(light.horizon, light.zenith, smoothstep(0.0F, 0.75F, std::sqrt(up)));
  const float toward = std::max(0.0F, dot(direction, light.to_sun));
  if (light.daytime != "night") {
    const float halo = toward * toward * toward * toward;
    sky += light.sun * (0.25F * halo * halo * halo + (toward > 0.9993F ? 3.0F : 0.0F));
  }
  if (light.cloud_cover > 0 && direction.z > 0.01F) {
    const float spread = 40.0F / (direction.z + 0.12F);
    const float shift = static_cast<float>(light.cloud_seed & 1023U);
    const float density =
        clouds.at(direction.x * spread + shift,
                  direction.y * spread + static_cast<float>(light.cloud_seed >> 22U));
    const float edge = 0.78F - 0.55F * light.cloud_cover;
    const float cover =
        smoothstep(edge, edge + 0.16F, density) * smoothstep(0.01F, 0.12F, direction.z);
    const float body = 1 - 0.35F * smoothstep(edge + 0.05F, edge + 0.35F, density);
    const float brightness = (light.horizon.x + light.horizon.y + light.horizon.z) / 3;
    sky = mix(sky, light.cloud * body * std::max(brightness, light.daytime == "day" ? 0.6F : 0.0F),
              0.9F * cover);
  }
  return sky;
}

// What a lit surface sends to the eye.
struct Surface {
  Vec3 point, normal, albedo;
  float glow = 0;
  int layer = 0;
};

Vec3 lit_colour(const Surface& s, const Light& light, const ShadowMap* shadows) {
  Vec3 albedo = s.albedo;
  if (light.snow > 0 && s.normal.z > 0.25F)
    albedo =
        mix(albedo, Vec3{0.85F, 0.87F, 0.92F}, light.snow * smoothstep(0.25F, 0.7F, s.normal.z));
  float facing = std::max(0.0F, dot(s.normal, light.to_sun));
  if (facing > 0 && shadows != nullptr) facing *= shadows->light_at(s.point, s.normal);
  const float up = 0.5F + 0.5F * s.normal.z;
  // Walls get less sky near the ground, where other walls stand in its way.
  const float open = s.normal.z > 0.7F ? 1.0F : 0.72F + 0.28F * smoothstep(0, 6, s.point.z);
  Vec3 incoming =
      light.sun * facing + (light.sky_light * up + light.ground_light * (1 - up)) * open;
  if (light.flood > 0 && s.layer == 0)
    incoming += light.flood_colour * (light.flood * (0.35F + 0.65F * (1 - std::abs(s.normal.z))) *
                                      (0.4F + 0.6F * std::exp(-s.point.z / 40)));
  const Vec3 lamp = Vec3{1.0F, 0.72F, 0.35F} * (s.glow * light.glow * 1.2F);
  return albedo * incoming + lamp;
}

}  // namespace

Light Light::random(Rng& rng, double difficulty) {
  Light light;
  const double kind = rng.uniform();
  const double dark = 0.1 + 0.12 * difficulty;
  if (kind < dark)
    set_night(light, rng);
  else if (kind < 2.2 * dark)
    set_dusk(light, rng);
  else
    set_day(light, rng);
  set_weather(light, rng, difficulty);
  return light;
}

RadianceImage shade(const VisibleSurfaces& surfaces, const Camera& camera, const Light& light,
                    const ShadowMap* shadows) {
  const int fine = surfaces.supersampling();
  RadianceImage image{camera.width, camera.height,
                      std::vector<Vec3>(static_cast<size_t>(camera.width) * camera.height)};
  const float weight = 1.0F / static_cast<float>(fine * fine);
  for (int y = 0; y < surfaces.height(); ++y) {
    for (int x = 0; x < surfaces.width(); ++x) {
      const double xc = x + 0.5;
      const double yc = y + 0.5;
      const Vec3 ray = camera.ray(static_cast<float>(xc) / static_cast<float>(fine),
                                  static_cast<float>(yc) / static_cast<float>(fine));
      Vec3 colour;
      if (const ScreenTriangle* t = surfaces.triangle_at(x, y)) {
        const float z = 1 / t->inverse_depth.at(xc, yc);
        const float u = t->uv[0].at(xc, yc) * z;
        const float v = t->uv[1].at(xc, yc) * z;
        const auto slope = [z](const Plane& q, float value, const Plane& w) {
          const float dx = static_cast<float>(q.dx - value * w.dx) * z;
          const float dy = static_cast<float>(q.dy - value * w.dy) * z;
          return dx * dx + dy * dy;
        };
        const float footprint = std::sqrt(std::max(slope(t->uv[0], u, t->inverse_depth),
                                                   slope(t->uv[1], v, t->inverse_depth))) *
                                static_cast<float>(t->texture->size());
        const Texture::Sample texel = t->texture->sample(u, v, footprint);
        Surface s;
        s.albedo = texel.colour * t->tint;
        if (light.neutral) {
          colour = s.albedo;
        } else {
          s.point = camera.position + ray * z;
          s.normal = normalised(
              {t->normal[0].at(xc, yc), t->normal[1].at(xc, yc), t->normal[2].at(xc, yc)});
          if (dot(s.normal, ray) > 0) s.normal = s.normal * -1.0F;
          s.glow = texel.glow;
          s.layer = t->layer;
          const float haze = 1 - std::exp(-z * light.haze_per_metre);
          colour = mix(lit_colour(s, light, shadows), light.horizon, haze);
        }
      } else if (!light.neutral) {
        colour = sky_colour(normalised(ray), light);
      }
      image.pixels[static_cast<size_t>(y / fine) * camera.width + x / fine] += colour * weight;
    }
  }
  return image;
}

}  // namespace cairn::synth
