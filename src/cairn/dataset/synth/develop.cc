// What happens in the air before the lens and in the camera.
#include <bit>
#include <cmath>

#include "cairn/dataset/synth/photo.h"

namespace cairn::synth {
namespace {

float draw(Rng& rng, double low, double high) { return static_cast<float>(rng.uniform(low, high)); }

float luminance(Vec3 c) { return 0.2126F * c.x + 0.7152F * c.y + 0.0722F * c.z; }

void blend(RadianceImage& image, int x, int y, Vec3 colour, float amount) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  Vec3& p = image.pixels[static_cast<size_t>(y) * image.width + x];
  p = mix(p, colour, amount);
}

void add_rain(RadianceImage& image, const Light& light, Rng& rng) {
  const int count = image.width * image.height / 400;
  const float slant = draw(rng, -0.3, 0.3);
  const Vec3 colour = light.horizon * 1.1F;
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<float>(rng.below(static_cast<uint64_t>(image.width)));
    const auto y = static_cast<float>(rng.below(static_cast<uint64_t>(image.height)));
    const float length = draw(rng, 0.02, 0.07) * static_cast<float>(image.height);
    for (float t = 0; t < length; t += 1)
      blend(image, static_cast<int>(x + slant * t), static_cast<int>(y + t), colour, 0.22F);
  }
}

void add_snowfall(RadianceImage& image, const Light& light, Rng& rng) {
  const int count = image.width * image.height / 260;
  const Vec3 colour = (light.horizon + Vec3{0.1F, 0.1F, 0.1F}) * 1.15F;
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<int>(rng.below(static_cast<uint64_t>(image.width)));
    const auto y = static_cast<int>(rng.below(static_cast<uint64_t>(image.height)));
    const float amount = draw(rng, 0.3, 0.9);
    blend(image, x, y, colour, amount);
    if (rng.chance(0.4)) {
      blend(image, x + 1, y, colour, amount * 0.6F);
      blend(image, x, y + 1, colour, amount * 0.6F);
    }
  }
}

// Convolves along one direction: step is 1 (rows) or the width (columns).
void convolve(RadianceImage& image, const std::vector<float>& kernel, bool rows) {
  const int radius = static_cast<int>(kernel.size() / 2);
  const int lines = rows ? image.height : image.width;
  const int length = rows ? image.width : image.height;
  const size_t step = rows ? 1 : static_cast<size_t>(image.width);
  std::vector<Vec3> line(static_cast<size_t>(length));
  for (int l = 0; l < lines; ++l) {
    Vec3* pixels =
        &image.pixels[rows ? static_cast<size_t>(l) * image.width : static_cast<size_t>(l)];
    for (int i = 0; i < length; ++i)
      line[static_cast<size_t>(i)] = pixels[static_cast<size_t>(i) * step];
    for (int i = 0; i < length; ++i) {
      Vec3 sum;
      for (int k = -radius; k <= radius; ++k)
        sum += line[static_cast<size_t>(std::clamp(i + k, 0, length - 1))] *
               kernel[static_cast<size_t>(k + radius)];
      pixels[static_cast<size_t>(i) * step] = sum;
    }
  }
}

std::vector<float> gaussian(float sigma) {
  const int radius = std::max(1, static_cast<int>(std::ceil(2.5F * sigma)));
  std::vector<float> kernel;
  float total = 0;
  for (int i = -radius; i <= radius; ++i) {
    kernel.push_back(std::exp(-0.5F * static_cast<float>(i * i) / (sigma * sigma)));
    total += kernel.back();
  }
  for (float& k : kernel) k /= total;
  return kernel;
}

void blur(RadianceImage& image, double difficulty, Rng& rng) {
  const float unit = static_cast<float>(std::max(image.width, image.height)) / 192;
  if (rng.chance(0.5)) {
    const float sigma = unit * draw(rng, 0.3, 0.5 + 0.8 * difficulty);
    convolve(image, gaussian(sigma), true);
    convolve(image, gaussian(sigma), false);
  }
  if (rng.chance(0.12 * difficulty)) {  // the hand shook
    const int length = 3 + 2 * static_cast<int>(rng.below(static_cast<uint64_t>(1 + 2 * unit)));
    convolve(image,
             std::vector<float>(static_cast<size_t>(length), 1.0F / static_cast<float>(length)),
             rng.chance(0.7));
  }
}

// Roughly normal with standard deviation 1: the number of set bits of 21 random ones.
float quick_normal(uint64_t bits) {
  return (static_cast<float>(std::popcount(bits & 0x1FFFFFU)) - 10.5F) * 0.4364F;
}

struct CameraLook {
  float exposure = 1;
  Vec3 balance = {1, 1, 1};
  float contrast = 1;
  float saturation = 1;
  float vignette = 0;
  float noise = 0;
  float chroma_noise = 0;
};

CameraLook draw_look(const RadianceImage& radiance, const Light& light, double difficulty,
                     Rng& rng) {
  CameraLook look;
  // Metered with more weight in the middle. Between the geometric mean, which a dark sky draws
  // down, and the mean, which lamps draw up.
  double logs = 0;
  double sum = 0;
  double weights = 0;
  for (int y = 0; y < radiance.height; ++y) {
    const bool middle_row = std::abs(2 * y - radiance.height) < radiance.height * 0.65;
    for (int x = 0; x < radiance.width; ++x) {
      const bool middle = middle_row && std::abs(2 * x - radiance.width) < radiance.width * 0.65;
      const double weight = middle ? 1 : 0.25;
      const float value = luminance(radiance.pixels[static_cast<size_t>(y) * radiance.width + x]);
      logs += weight * std::log(1e-3F + value);
      sum += weight * value;
      weights += weight;
    }
  }
  const auto mean =
      static_cast<float>(std::sqrt(std::exp(logs / weights) * (0.8 * sum / weights + 1e-3)));
  // The exposure meter brings night up, but not to day.
  const float level = light.daytime == "night" ? 0.75F : 0.9F;
  const float key = light.daytime == "night" ? 0.2F : 0.28F;
  const float wanted = key * std::pow(mean / key, 1 - level);
  look.exposure =
      wanted / mean * std::exp(static_cast<float>(rng.normal() * (0.15 + 0.2 * difficulty)));
  const auto spread = static_cast<float>(0.05 + 0.1 * difficulty);
  const float warm = draw(rng, -spread, spread);
  const float green = draw(rng, -spread, spread) * 0.4F;
  look.balance = {1 + warm, 1 + green, 1 - warm};
  look.contrast = draw(rng, 1.0 - 0.15 * difficulty, 1.1 + 0.2 * difficulty);
  look.saturation = draw(rng, 0.85 - 0.3 * difficulty, 1.15);
  if (rng.chance(0.03 * difficulty)) look.saturation = 0;  // black and white
  look.vignette = draw(rng, 0, 0.3);
  look.noise =
      draw(rng, 0.002, 0.006 + 0.012 * difficulty) * (light.daytime == "night" ? 1.8F : 1.0F);
  look.chroma_noise = look.noise * 0.6F;
  return look;
}

}  // namespace

image::Image develop(RadianceImage radiance, const Light& light, double difficulty, Rng& rng) {
  const CameraLook look = draw_look(radiance, light, difficulty, rng);
  if (light.weather == "rain") add_rain(radiance, light, rng);
  if (light.weather == "snow") add_snowfall(radiance, light, rng);
  blur(radiance, difficulty, rng);
  image::Image out{radiance.width, radiance.height, {}};
  out.pixels.resize(radiance.pixels.size() * 3);
  const float middle_x = static_cast<float>(out.width) / 2;
  const float middle_y = static_cast<float>(out.height) / 2;
  const float corner = middle_x * middle_x + middle_y * middle_y;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const size_t i = static_cast<size_t>(y) * out.width + x;
      const float dx = static_cast<float>(x) - middle_x;
      const float dy = static_cast<float>(y) - middle_y;
      const float shade = 1 - look.vignette * (dx * dx + dy * dy) / corner;
      Vec3 c = radiance.pixels[i] * look.balance * (look.exposure * shade);
      const float grey = luminance(c);
      c = mix(Vec3{grey, grey, grey}, c, look.saturation);
      const uint64_t bits = rng.next();
      const float common = quick_normal(bits) * look.noise;
      const auto channel = [&](float v, int shift) {
        // A shoulder above one half keeps highlights; contrast turns about middle grey.
        v = std::max(v, 0.0F);
        v = v < 0.5F ? v : 1 - 0.5F * std::exp(-(v - 0.5F) / 0.5F);
        const float code = static_cast<float>(linear_to_srgb(v)) / 255;
        const float noise = common + quick_normal(bits >> shift) * look.chroma_noise;
        const float value = 0.5F + (code - 0.5F) * look.contrast + noise;
        return static_cast<uint8_t>(clamp01(value) * 255 + 0.5F);
      };
      out.pixels[i * 3] = channel(c.x, 21);
      out.pixels[i * 3 + 1] = channel(c.y, 32);
      out.pixels[i * 3 + 2] = channel(c.z, 43);
    }
  }
  return out;
}

}  // namespace cairn::synth
