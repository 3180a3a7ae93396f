// What stands around: houses, trees, people, cars; and the textures that all scenes of a world
// share.
#pragma once

#include <vector>

#include "cairn/base/random.h"
#include "cairn/dataset/synth/landmark.h"

namespace cairn::synth {

// Painted once per world, then only read.
struct PropLibrary {
  explicit PropLibrary(uint64_t seed);

  std::vector<Texture> textures;
  std::vector<uint32_t> fronts, walls, roofs, foliage;
  uint32_t plain = 0;  // white with a little grain: takes any tint
  uint32_t paving = 0, cobbles = 0, grass = 0, sand = 0, water = 0, asphalt = 0;
};

// Builds props into a mesh that is drawn with the library's textures.
class PropBuilder {
 public:
  PropBuilder(const PropLibrary& library, Mesh& mesh, Rng& rng)
      : library_(library), rng_(rng), build_(mesh) {}

  void house(Vec3 base, float yaw, Vec3 size);
  void tree(Vec3 base, float height);
  void person(Vec3 base, float yaw, float height);
  void car(Vec3 base, float yaw);
  void boat(Vec3 base, float yaw, float length);
  void lamp(Vec3 base, float height);
  // A square of ground around the origin, cut into tiles; one texture repeat every `repeat` metres.
  void ground(float half, float height, uint32_t texture, float repeat, Vec3 tint);
  void disc(float radius, float height, uint32_t texture, float repeat, Vec3 tint);
  // A ring of hills around the origin.
  void hills(float distance, float height, Vec3 tint);

  Builder& raw() { return build_; }
  const PropLibrary& library() const { return library_; }

 private:
  float draw(double low, double high) { return static_cast<float>(rng_.uniform(low, high)); }
  uint32_t any(const std::vector<uint32_t>& set) { return set[rng_.below(set.size())]; }
  Vec3 colour(double low, double high);

  const PropLibrary& library_;
  Rng& rng_;
  Builder build_;
};

// A muted or vivid random linear colour.
Vec3 random_colour(Rng& rng, double low, double high);

// The fixed surroundings of a landmark, drawn with the library's textures.
Mesh make_site(const Landmark& landmark, const PropLibrary& library, Rng rng);

}  // namespace cairn::synth
