#include "cairn/dataset/synth/texture.h"

#include <array>
#include <cmath>

#include "cairn/dataset/synth/noise.h"

namespace cairn::synth {
namespace {

float srgb_curve_inverse(float s) {
  return s <= 0.04045F ? s / 12.92F : std::pow((s + 0.055F) / 1.055F, 2.4F);
}

uint8_t to_byte(float v) { return static_cast<uint8_t>(clamp01(v) * 255.0F + 0.5F); }

const std::array<float, 256>& linear_table() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> t{};
    for (int i = 0; i < 256; ++i)
      t[static_cast<size_t>(i)] = srgb_curve_inverse(static_cast<float>(i) / 255.0F);
    return t;
  }();
  return table;
}

constexpr int kCodeSteps = 4096;

const std::array<uint8_t, kCodeSteps + 1>& code_table() {
  static const std::array<uint8_t, kCodeSteps + 1> table = [] {
    std::array<uint8_t, kCodeSteps + 1> t{};
    for (int i = 0; i <= kCodeSteps; ++i) {
      const float v = static_cast<float>(i) / kCodeSteps;
      t[static_cast<size_t>(i)] =
          to_byte(v <= 0.0031308F ? v * 12.92F : 1.055F * std::pow(v, 1 / 2.4F) - 0.055F);
    }
    return t;
  }();
  return table;
}

// Half the size; light is averaged, not its code.
std::vector<uint8_t> halved(const std::vector<uint8_t>& source, int size) {
  const int half = size / 2;
  std::vector<uint8_t> out(static_cast<size_t>(half) * half * 4);
  const auto& linear = linear_table();
  for (int y = 0; y < half; ++y) {
    for (int x = 0; x < half; ++x) {
      const uint8_t* a = &source[(static_cast<size_t>(2 * y) * size + 2 * x) * 4];
      const uint8_t* b = a + static_cast<size_t>(size) * 4;
      uint8_t* o = &out[(static_cast<size_t>(y) * half + x) * 4];
      for (int c = 0; c < 3; ++c)
        o[c] =
            linear_to_srgb((linear[a[c]] + linear[a[c + 4]] + linear[b[c]] + linear[b[c + 4]]) / 4);
      o[3] = static_cast<uint8_t>((a[3] + a[7] + b[3] + b[7] + 2) / 4);
    }
  }
  return out;
}

// How much dirt darkens a texture; it varies slowly, so every fourth texel is computed.
class DirtMap {
 public:
  DirtMap(int size, float grime, uint32_t seed)
      : cells_(std::max(1, size / kStep)), factors_(static_cast<size_t>(cells_) * cells_) {
    for (int y = 0; y < cells_; ++y) {
      for (int x = 0; x < cells_; ++x) {
        const float u = static_cast<float>(x) / static_cast<float>(cells_);
        const float v = static_cast<float>(y) / static_cast<float>(cells_);
        const float patch = smoothstep(0.4F, 0.8F, fractal_noise(u * 4, v * 4, 4, 4, seed));
        const float streak = value_noise(u * 32, v * 3, 96, seed + 77);
        factors_[static_cast<size_t>(y) * cells_ + x] =
            1 - grime * (0.55F * patch + 0.25F * streak);
      }
    }
  }

  float factor_at(int x, int y) const {
    const int x0 = x / kStep % cells_;
    const int y0 = y / kStep % cells_;
    const int x1 = (x0 + 1) % cells_;
    const int y1 = (y0 + 1) % cells_;
    const float tx = static_cast<float>(x % kStep) / kStep;
    const float ty = static_cast<float>(y % kStep) / kStep;
    const auto cell = [&](int i, int j) { return factors_[static_cast<size_t>(j) * cells_ + i]; };
    return mix(mix(cell(x0, y0), cell(x1, y0), tx), mix(cell(x0, y1), cell(x1, y1), tx), ty);
  }

 private:
  static constexpr int kStep = 4;
  int cells_;
  std::vector<float> factors_;
};

}  // namespace

float srgb_to_linear(uint8_t value) { return linear_table()[value]; }

uint8_t linear_to_srgb(float value) {
  return code_table()[static_cast<size_t>(clamp01(value) * kCodeSteps + 0.5F)];
}

Vec3 linear_colour(Vec3 srgb) {
  return {srgb_curve_inverse(srgb.x), srgb_curve_inverse(srgb.y), srgb_curve_inverse(srgb.z)};
}

Canvas::Canvas(int size, Vec3 srgb) : size_(size), texels_(static_cast<size_t>(size) * size) {
  for (Texel& texel : texels_) texel.srgb = srgb;
}

void Canvas::rectangle(float u0, float v0, float u1, float v1, const Paint& paint) {
  const auto n = static_cast<float>(size_);
  const int x0 = std::max(0, static_cast<int>(std::lround(u0 * n)));
  const int x1 = std::min(size_, static_cast<int>(std::lround(u1 * n)));
  const int y0 = std::max(0, static_cast<int>(std::lround(v0 * n)));
  const int y1 = std::min(size_, static_cast<int>(std::lround(v1 * n)));
  for (int y = y0; y < y1; ++y) {
    const float t = ((static_cast<float>(y) + 0.5F) / n - v0) / (v1 - v0);
    for (int x = x0; x < x1; ++x)
      paint(((static_cast<float>(x) + 0.5F) / n - u0) / (u1 - u0), t, at(x, y));
  }
}

void Canvas::rectangle(float u0, float v0, float u1, float v1, Vec3 srgb, float height) {
  rectangle(u0, v0, u1, v1, [&](float, float, Texel& texel) {
    texel.srgb = srgb;
    texel.height = height;
  });
}

void Canvas::ellipse(float u, float v, float radius_u, float radius_v, const Paint& paint) {
  rectangle(u - radius_u, v - radius_v, u + radius_u, v + radius_v,
            [&](float s, float t, Texel& texel) {
              const float x = 2 * s - 1;
              const float y = 2 * t - 1;
              if (x * x + y * y <= 1) paint(s, t, texel);
            });
}

void Canvas::weather(float relief, float grime, uint32_t seed) {
  const int mask = size_ - 1;
  const int step = std::max(1, size_ / 128);
  std::vector<float> shade(texels_.size());
  for (int y = 0; y < size_; ++y) {
    for (int x = 0; x < size_; ++x) {
      const float h = at(x, y).height;
      const float above = at(x, (y + step) & mask).height;
      const float left = at((x - step) & mask, y).height;
      const float right = at((x + step) & mask, y).height;
      const float below = at(x, (y - step) & mask).height;
      // Light falls from above, a little from the left; hollows are dark.
      const float slope = (h - above) + 0.4F * (h - left);
      const float hollow = std::max(0.0F, (above + left + right + below) / 4 - h);
      shade[static_cast<size_t>(y) * size_ + x] =
          std::clamp(1 + relief * (0.35F * slope - 0.5F * hollow), 0.35F, 1.45F);
    }
  }
  const DirtMap dirt(size_, grime, seed);
  for (int y = 0; y < size_; ++y) {
    for (int x = 0; x < size_; ++x) {
      const float speck = 0.94F + 0.12F * hash01(x, y, seed + 5);
      Texel& texel = at(x, y);
      texel.srgb =
          texel.srgb * (shade[static_cast<size_t>(y) * size_ + x] * dirt.factor_at(x, y) * speck);
    }
  }
}

Texture::Texture(const Canvas& canvas) : size_(canvas.size()) {
  std::vector<uint8_t> base(static_cast<size_t>(size_) * size_ * 4);
  for (int y = 0; y < size_; ++y) {
    for (int x = 0; x < size_; ++x) {
      const Canvas::Texel& texel = canvas.at(x, y);
      uint8_t* o = &base[(static_cast<size_t>(y) * size_ + x) * 4];
      o[0] = to_byte(texel.srgb.x);
      o[1] = to_byte(texel.srgb.y);
      o[2] = to_byte(texel.srgb.z);
      o[3] = to_byte(texel.glow);
    }
  }
  levels_.push_back(std::move(base));
  for (int size = size_; size > 1; size /= 2) levels_.push_back(halved(levels_.back(), size));
}

Texture::Sample Texture::sample(float u, float v, float texels_per_sample) const {
  int level = 0;
  for (float t = texels_per_sample; t > 1.41F && level + 1 < static_cast<int>(levels_.size());
       t *= 0.5F)
    ++level;
  const int n = size_ >> level;
  const float x = (u - std::floor(u)) * static_cast<float>(n) - 0.5F;
  const float y = (v - std::floor(v)) * static_cast<float>(n) - 0.5F;
  const float fx = std::floor(x);
  const float fy = std::floor(y);
  const float tx = x - fx;
  const float ty = y - fy;
  const int mask = n - 1;
  const int x0 = static_cast<int>(fx) & mask;
  const int x1 = (x0 + 1) & mask;
  const int y0 = static_cast<int>(fy) & mask;
  const int y1 = (y0 + 1) & mask;
  const uint8_t* texels = levels_[static_cast<size_t>(level)].data();
  const uint8_t* corner[4] = {texels + (static_cast<size_t>(y0) * n + x0) * 4,
                              texels + (static_cast<size_t>(y0) * n + x1) * 4,
                              texels + (static_cast<size_t>(y1) * n + x0) * 4,
                              texels + (static_cast<size_t>(y1) * n + x1) * 4};
  const float weight[4] = {(1 - tx) * (1 - ty), tx * (1 - ty), (1 - tx) * ty, tx * ty};
  static const float* linear = linear_table().data();
  Sample out{{0, 0, 0}, 0};
  for (int i = 0; i < 4; ++i) {
    out.colour +=
        Vec3{linear[corner[i][0]], linear[corner[i][1]], linear[corner[i][2]]} * weight[i];
    out.glow += weight[i] * static_cast<float>(corner[i][3]);
  }
  out.glow *= 1 / 255.0F;
  return out;
}

}  // namespace cairn::synth
