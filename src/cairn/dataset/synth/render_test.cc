// The renderer: cameras, triangles and textures agree with each other from every side.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "cairn/dataset/synth/photo.h"

namespace cairn::synth {
namespace {

Camera square_camera(Vec3 position, Vec3 target, int size = 200) {
  Camera camera;
  camera.width = camera.height = size;
  camera.focal = static_cast<float>(size);
  camera.centre_x = camera.centre_y = static_cast<float>(size) / 2;
  camera.position = position;
  camera.look_at(target, 0.1F);
  return camera;
}

TEST(Camera, sees_its_target_in_the_middle_and_up_above) {
  const Camera camera = square_camera({3, -20, 2}, {1, 4, 7});
  const Vec3 target = camera.to_camera({1, 4, 7});
  EXPECT_NEAR(target.x / target.z, 0, 1e-5);
  EXPECT_NEAR(target.y / target.z, 0, 1e-5);
  EXPECT_LT(camera.to_camera({1, 4, 9}).y, 0);
  EXPECT_NEAR(dot(camera.right, camera.down), 0, 1e-6);
  EXPECT_NEAR(dot(cross(camera.right, camera.down), camera.forward), 1, 1e-5);  // no mirror
}

TEST(Camera, ray_and_projection_are_inverse) {
  const Camera camera = square_camera({3, -20, 2}, {1, 4, 7});
  const Vec3 p = camera.position + camera.ray(31.5F, 170.25F) * 12.0F;
  const Vec3 seen = camera.to_camera(p);
  EXPECT_NEAR(seen.z, 12, 1e-4);
  EXPECT_NEAR(camera.focal * seen.x / seen.z + camera.centre_x, 31.5, 1e-3);
  EXPECT_NEAR(camera.focal * seen.y / seen.z + camera.centre_y, 170.25, 1e-3);
}

TEST(ScanTriangle, neighbours_cover_every_sample_exactly_once) {
  // A fan of triangles about an odd point covers the square.
  constexpr int kSize = 37;
  std::vector<int> hits(kSize * kSize, 0);
  Rng rng(5);
  const double cx = 17.3;
  const double cy = 20.5;
  std::vector<std::pair<double, double>> rim;
  for (int i = 0; i < 40; ++i) {
    const double t = i * 4 / 40.0;
    const double s = (t - std::floor(t)) * kSize;
    const int side = static_cast<int>(t);
    rim.emplace_back(side == 0 ? s : (side == 1 ? kSize : (side == 2 ? kSize - s : 0)),
                     side == 0 ? 0 : (side == 1 ? s : (side == 2 ? kSize : kSize - s)));
  }
  for (size_t i = 0; i < rim.size(); ++i) {
    const auto& a = rim[i];
    const auto& b = rim[(i + 1) % rim.size()];
    scan_triangle({cx, a.first, b.first}, {cy, a.second, b.second}, kSize, kSize,
                  [&](int y, int x0, int x1) {
                    for (int x = x0; x < x1; ++x) ++hits[static_cast<size_t>(y * kSize + x)];
                  });
  }
  for (const int hit : hits) EXPECT_EQ(hit, 1);
}

TEST(VisibleSurfaces, shows_the_nearer_of_two_walls_at_its_depth) {
  Scene scene;
  Rng rng(1);
  scene.textures.push_back(plain_texture({1, 1, 1}, 0, rng, 4));
  Builder build(scene.mesh);
  build.quad({-9, 10, -9}, {9, 10, -9}, {9, 10, 9}, {-9, 10, 9}, 0);
  build.quad({-9, 5, -9}, {0, 5, -9}, {0, 5, 9}, {-9, 5, 9}, 0);
  Camera camera = square_camera({0, 0, 0}, {0, 1, 0}, 20);
  camera.look_at({0, 1, 0}, 0);
  VisibleSurfaces surfaces(camera, 1);
  surfaces.draw(scene, 3);
  EXPECT_NEAR(surfaces.depth_at(5, 10), 5, 1e-3);
  EXPECT_NEAR(surfaces.depth_at(15, 10), 10, 1e-3);
  EXPECT_EQ(surfaces.triangle_at(15, 10)->layer, 3);
  EXPECT_DOUBLE_EQ(surfaces.share_of(3), 1);
}

TEST(VisibleSurfaces, clips_what_reaches_behind_the_camera) {
  Scene scene;
  Rng rng(1);
  scene.textures.push_back(plain_texture({1, 1, 1}, 0, rng, 4));
  Builder(scene.mesh).quad({-99, -99, -1}, {99, -99, -1}, {99, 99, -1}, {-99, 99, -1}, 0);
  Camera camera = square_camera({0, 0, 0}, {0, 1, 0}, 20);
  camera.look_at({0, 1, 0}, 0);
  VisibleSurfaces surfaces(camera, 1);
  surfaces.draw(scene, 0);
  EXPECT_EQ(surfaces.triangle_at(10, 9), nullptr);
  EXPECT_NEAR(surfaces.depth_at(10, 14), 1 / 0.225, 1e-3);  // the ground, 4.5 pixels below
}

TEST(ShadowMap, darkens_only_what_lies_behind) {
  Mesh mesh;
  Builder(mesh).quad({-1, -1, 5}, {1, -1, 5}, {1, 1, 5}, {-1, 1, 5}, 0);
  ShadowMap shadows({0, 0, 1}, {0, 0, 0}, 8, 128);
  shadows.draw(mesh);
  const Vec3 up = {0, 0, 1};
  EXPECT_EQ(shadows.light_at({0, 0, 0}, up), 0);
  EXPECT_EQ(shadows.light_at({0, 0, 5}, up), 1);
  EXPECT_EQ(shadows.light_at({3, 0, 0}, up), 1);
  EXPECT_EQ(shadows.light_at({90, 0, 0}, up), 1);
}

// The colour of a photo in neutral light at a position between pixels.
Vec3 colour_at(const RadianceImage& image, float x, float y) {
  const int x0 = static_cast<int>(std::floor(x - 0.5F));
  const int y0 = static_cast<int>(std::floor(y - 0.5F));
  const float tx = x - 0.5F - static_cast<float>(x0);
  const float ty = y - 0.5F - static_cast<float>(y0);
  const auto at = [&](int i, int j) {
    return image.pixels[static_cast<size_t>(j) * image.width + i];
  };
  return mix(mix(at(x0, y0), at(x0 + 1, y0), tx), mix(at(x0, y0 + 1), at(x0 + 1, y0 + 1), tx), ty);
}

struct View {
  Camera camera;
  VisibleSurfaces surfaces;
  RadianceImage image;

  View(const Landmark& landmark, const Camera& from) : camera(from), surfaces(from, 2), image{} {
    surfaces.draw(landmark.scene, 0);
    Light light;
    light.neutral = true;
    image = shade(surfaces, camera, light, nullptr);
  }

  // The photo's colour where the point is seen; false where it is hidden, outside or at an edge.
  bool look(Vec3 point, Vec3& colour) const {
    const Vec3 p = camera.to_camera(point);
    if (p.z < 1) return false;
    const float x = camera.focal * p.x / p.z + camera.centre_x;
    const float y = camera.focal * p.y / p.z + camera.centre_y;
    if (x < 3 || y < 3 || x > static_cast<float>(camera.width - 3) ||
        y > static_cast<float>(camera.height - 3))
      return false;
    for (const float dx : {-1.0F, 0.0F, 1.0F})
      for (const float dy : {-1.0F, 0.0F, 1.0F})
        if (std::abs(
                surfaces.depth_at(static_cast<int>((x + dx) * 2), static_cast<int>((y + dy) * 2)) -
                p.z) > 0.01F * p.z)
          return false;
    colour = colour_at(image, x, y);
    return true;
  }
};

class EveryFamily : public ::testing::TestWithParam<size_t> {};

TEST_P(EveryFamily, shows_the_same_surface_colours_from_two_sides) {
  const Landmark landmark = make_landmark(GetParam(), Rng(77));
  const float reach = 2.2F * std::max(landmark.radius, landmark.height);
  const Vec3 middle = {0, 0, landmark.height * 0.45F};
  const View one(landmark, square_camera({-0.25F * reach, -reach, landmark.height * 0.6F}, middle));
  const View two(landmark,
                 square_camera({0.2F * reach, -0.9F * reach, landmark.height * 0.8F}, middle));
  Rng rng(3);
  int compared = 0;
  double same = 0;
  double shuffled = 0;
  std::vector<Vec3> first;
  std::vector<Vec3> second;
  for (int i = 0; i < 60000 && compared < 400; ++i) {
    // Points of surfaces that the first view sees.
    const int x = static_cast<int>(rng.below(400));
    const int y = static_cast<int>(rng.below(400));
    if (one.surfaces.triangle_at(x, y) == nullptr) continue;
    const Vec3 point = one.camera.position + one.camera.ray((static_cast<float>(x) + 0.5F) / 2,
                                                            (static_cast<float>(y) + 0.5F) / 2) *
                                                 one.surfaces.depth_at(x, y);
    Vec3 a;
    Vec3 b;
    if (!one.look(point, a) || !two.look(point, b)) continue;
    first.push_back(a);
    second.push_back(b);
    ++compared;
  }
  ASSERT_GE(compared, 30) << landmark.family;
  for (size_t i = 0; i < first.size(); ++i) {
    same += length(first[i] - second[i]);
    shuffled += length(first[i] - second[(i + first.size() / 2) % first.size()]);
  }
  same /= compared;
  shuffled /= compared;
  // What is left is the texture's blur at two distances and angles.
  EXPECT_LT(same, 0.08) << landmark.family;
  EXPECT_LT(same, 0.7 * shuffled + 0.01) << landmark.family;
}

TEST_P(EveryFamily, is_another_one_with_another_seed) {
  const Landmark one = make_landmark(GetParam(), Rng(1));
  const Landmark two = make_landmark(GetParam(), Rng(2));
  EXPECT_GT(one.height, 5);
  EXPECT_GT(one.scene.mesh.triangles.size(), 50U);
  EXPECT_NE(one.height, two.height);
}

INSTANTIATE_TEST_SUITE_P(Landmark, EveryFamily, ::testing::Range<size_t>(0, families().size()),
                         [](const auto& tested) { return families()[tested.param].name; });

}  // namespace
}  // namespace cairn::synth
