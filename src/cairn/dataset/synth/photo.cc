#include "cairn/dataset/synth/photo.h"

#include <cmath>

namespace cairn::synth {
namespace {

constexpr int kSupersampling = 2;
constexpr int kShadowSize = 512;
constexpr int kMaxTries = 8;

float draw(Rng& rng, double low, double high) { return static_cast<float>(rng.uniform(low, high)); }

// The landmark's box in the photo; false where some of it is behind the camera.
struct PhotoBox {
  float x0 = 1e9F, y0 = 1e9F, x1 = -1e9F, y1 = -1e9F;
};
bool bound(const Mesh& mesh, const Camera& camera, PhotoBox& box) {
  const size_t step = std::max<size_t>(1, mesh.vertices.size() / 600);
  for (size_t i = 0; i < mesh.vertices.size(); i += step) {
    const Vec3 p = camera.to_camera(mesh.vertices[i].position);
    if (p.z < 0.5F) return false;
    const float x = camera.focal * p.x / p.z;
    const float y = camera.focal * p.y / p.z;
    box.x0 = std::min(box.x0, x);
    box.x1 = std::max(box.x1, x);
    box.y0 = std::min(box.y0, y);
    box.y1 = std::max(box.y1, y);
  }
  return true;
}

}  // namespace

void draw_format(int long_side, Rng& rng, Camera& camera) {
  const double kind = rng.uniform();
  const auto shorter = static_cast<int>(std::lround(long_side * (kind < 0.2 ? 0.667 : 0.75)));
  camera.width = kind < 0.6 ? long_side : (kind < 0.9 ? shorter : long_side);
  camera.height = kind < 0.6 ? shorter : long_side;
  camera.centre_x = static_cast<float>(camera.width) / 2;
  camera.centre_y = static_cast<float>(camera.height) / 2;
}

Camera draw_camera(const Landmark& landmark, const ViewWish& wish, Rng& rng) {
  Camera camera;
  draw_format(wish.long_side, rng, camera);
  const auto hard = static_cast<float>(wish.difficulty);
  const auto size = static_cast<float>(wish.long_side);
  camera.focal = size * draw(rng, 0.75, 1.8) * (1 - 0.5F * wish.closeness);
  // How much of the photo the landmark fills.
  const double kind = rng.uniform();
  float fill = draw(rng, 0.62, 1.05);
  if (kind < 0.2 * hard) fill = draw(rng, 1.1, 1.3 + 0.7 * hard);
  if (kind > 1 - 0.25 * hard) fill = draw(rng, 0.5 - 0.2 * hard, 0.62);
  const double stand = rng.uniform();
  float slope = 0;  // of the line from the landmark's foot up to the camera
  float eye = draw(rng, 1.5, 1.9);
  if (stand > 0.6) eye = draw(rng, 3, 14);
  if (stand > 0.85) slope = std::tan(draw(rng, 8, 34) * kPi / 180);
  if (landmark.over_water) eye += 1.5F;
  const float nearest = landmark.radius * 1.12F + 3;
  const float roll = static_cast<float>(rng.normal()) * 0.03F * (0.5F + hard);
  const Vec3 outward = {std::sin(wish.azimuth), -std::cos(wish.azimuth), 0};
  float distance = std::max(nearest, 2.5F * std::max(landmark.radius, landmark.height));
  Vec3 target = {0, 0, landmark.height / 2};
  for (int i = 0; i < 4; ++i) {
    camera.position = outward * distance + Vec3{0, 0, eye + slope * distance};
    camera.look_at(target, 0);
    PhotoBox box;
    if (!bound(landmark.scene.mesh, camera, box)) {
      distance *= 1.5F;
      continue;
    }
    // Aim at the middle of what is seen, then go nearer or farther.
    const float x = (box.x0 + box.x1) / 2;
    const float y = (box.y0 + box.y1) / 2;
    const float depth = length(target - camera.position);
    target += (camera.right * x + camera.down * y) * (depth / camera.focal);
    const float filled = std::max((box.x1 - box.x0) / static_cast<float>(camera.width),
                                  (box.y1 - box.y0) / static_cast<float>(camera.height));
    distance = std::max(nearest, distance * filled / fill);
  }
  camera.position = outward * distance + Vec3{0, 0, eye + slope * distance};
  const float depth = length(target - camera.position);
  const float shift = (0.06F + 0.12F * hard) * size * depth / camera.focal;
  camera.look_at(
      target + camera.right * draw(rng, -shift, shift) + camera.down * draw(rng, -shift, shift),
      roll);
  return camera;
}

Mesh draw_occluders(const Landmark& landmark, const PropLibrary& library, const Camera& camera,
                    double difficulty, Rng& rng) {
  Mesh mesh;
  PropBuilder props(library, mesh, rng);
  const Vec3 ahead = normalised({camera.forward.x, camera.forward.y, 0});
  const Vec3 aside = {ahead.y, -ahead.x, 0};
  const float reach = std::max(6.0F, length(camera.position) - landmark.radius * 1.05F);
  // A spot on the ground that the camera sees, at most as far as the landmark.
  const auto spot = [&](float nearest) {
    const float depth = mix(nearest, reach, std::sqrt(draw(rng, 0, 1)));
    const float half = 0.5F * static_cast<float>(camera.width) / camera.focal * depth;
    Vec3 p = camera.position + ahead * depth + aside * draw(rng, -half, half);
    p.z = 0.04F;
    return p;
  };
  const auto many = static_cast<uint64_t>(3 + 12 * difficulty);
  if (landmark.over_water) {
    for (uint64_t i = rng.below(4); i > 0; --i)
      props.boat(spot(12), draw(rng, 0, 2 * kPi), draw(rng, 4, 14));
  } else {
    for (uint64_t i = rng.below(many); i > 0; --i)
      props.person(spot(4), draw(rng, 0, 2 * kPi), draw(rng, 1.3, 1.9));
    for (uint64_t i = rng.below(many / 3 + 1); i > 0; --i)
      props.car(spot(9), draw(rng, 0, 2 * kPi));
    if (rng.chance(0.3 * difficulty)) props.tree(spot(10), draw(rng, 4, 8));
  }
  // Leaves or a post right before the lens.
  if (rng.chance(0.25 * difficulty)) {
    const float depth = 3;
    const float half_x = 0.5F * static_cast<float>(camera.width) / camera.focal * depth;
    const float half_y = 0.5F * static_cast<float>(camera.height) / camera.focal * depth;
    const float side = rng.chance(0.5) ? 1.0F : -1.0F;
    const auto at = [&](float x, float y) {
      return camera.position + camera.forward * depth + camera.right * (x * half_x) +
             camera.down * (y * half_y);
    };
    if (rng.chance(0.6)) {
      for (int i = 0; i < 9; ++i) {
        const float r = draw(rng, 0.05, 0.16) * half_x;
        props.raw().ellipsoid(at(side * draw(rng, 0.45, 1.05), -draw(rng, 0.5, 1.1)),
                              {r * 1.4F, r, r}, library.foliage[0], 6);
      }
    } else {
      props.raw().tint(random_colour(rng, 0.1, 0.5));
      const float x = side * draw(rng, 0.6, 0.95);
      props.raw().beam(at(x, -1.3F), at(x, 1.3F), half_x * 0.09F, library.plain);
      props.raw().tint({1, 1, 1});
    }
  }
  return mesh;
}

Photo photograph(const Landmark& landmark, const Mesh& site, const PropLibrary& library,
                 const ViewWish& wish, Rng rng) {
  Photo photo;
  photo.kind = landmark.family;
  for (int attempt = 0;; ++attempt) {
    // Each try draws its own numbers, easier every time.
    Rng own = Rng::for_stream(rng.state(), static_cast<uint64_t>(attempt));
    const double ease = static_cast<double>(attempt) / kMaxTries;
    ViewWish tried = wish;
    tried.difficulty *= 1 - ease;
    tried.closeness = static_cast<float>(ease);
    const Camera camera = draw_camera(landmark, tried, own);
    const Mesh occluders = draw_occluders(landmark, library, camera, tried.difficulty, own);
    VisibleSurfaces surfaces(camera, kSupersampling);
    surfaces.draw(landmark.scene, 0);
    const double alone = surfaces.share_of(0);
    surfaces.draw(site, library.textures, 1);
    surfaces.draw(occluders, library.textures, 2);
    const double seen = surfaces.share_of(0);
    const bool enough = seen > 0.68 * alone && seen > 0.04;
    if (!enough && attempt + 1 < kMaxTries) continue;
    Light light = Light::random(own, wish.difficulty);
    light.haze_per_metre = light.haze / std::max(10.0F, length(camera.position));
    const float reach = 1.3F * std::max(landmark.radius, landmark.height) + 4;
    ShadowMap shadows(light.to_sun, {0, 0, landmark.height * 0.4F}, reach, kShadowSize);
    const bool sunny = light.sun.x > 0.1F;
    if (sunny) {
      shadows.draw(landmark.scene.mesh);
      shadows.draw(occluders);
    }
    const image::Image image = develop(shade(surfaces, camera, light, sunny ? &shadows : nullptr),
                                       light, wish.difficulty, own);
    photo.quality = 50 + static_cast<int>(own.below(46));
    photo.jpeg = image::encode_jpeg(image, photo.quality);
    photo.width = image.width;
    photo.height = image.height;
    photo.has_camera = true;
    photo.camera = camera;
    photo.visible = seen;
    photo.weather = light.weather;
    photo.daytime = light.daytime;
    return photo;
  }
}

}  // namespace cairn::synth
