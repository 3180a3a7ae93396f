// Landmarks: structures of a few families, each drawn from its own seed.
#pragma once

#include <span>
#include <string>

#include "cairn/base/random.h"
#include "cairn/dataset/synth/mesh.h"
#include "cairn/dataset/synth/style.h"

namespace cairn::synth {

// What a family's builder works with. It stands on z = 0 around the origin; its front faces -y.
class Sculptor {
 public:
  Sculptor(Rng& rng, Scene& scene);

  Rng& rng;
  Style style;
  Builder build;
  bool over_water = false;  // a bridge
  float view_arc = kPi;     // photos are taken within this angle of the front

  float draw(double low, double high) { return static_cast<float>(rng.uniform(low, high)); }
  int count(int low, int high) {
    const int choices = high - low + 1;
    return low + static_cast<int>(rng.below(static_cast<uint64_t>(choices)));
  }

  // Texture numbers; the bare materials are painted once and shared.
  uint32_t wall();
  uint32_t roof();
  uint32_t trim();
  uint32_t accent();
  uint32_t front(int bays, int storeys, bool ground_arcade = true, bool frieze = true);
  uint32_t relief(int columns, int rows);
  uint32_t rose(bool clock);
  uint32_t glass(int columns, int rows);
  uint32_t add(Texture texture);

  // Parts that several families share. z is the height they stand on.
  void steps(float width, float depth, float height, int number);  // around the origin
  void cornice(Vec3 base, float width, float depth, float height);
  void statue(Vec3 base, float height);
  // A roof over a square or round tower: pyramid, dome, onion or cone, by the sculptor's choice.
  void spire(Vec3 base, float radius, bool round);
  void crenels(Vec3 from, Vec3 to, float size);
  // A dome of the given rise; power 2 is round, less is pointed, more is flat on top.
  void dome(Vec3 base, float radius, float rise, float power, int segments, float repeat);
  // A round column with base and capital.
  void pillar(Vec3 base, float radius, float height, uint32_t texture);

 private:
  Scene& scene_;
  int wall_ = -1, roof_ = -1, trim_ = -1, accent_ = -1;
  const int spire_kind_;
};

struct Family {
  const char* name;
  void (*sculpt)(Sculptor&);
};

// tower, lattice, arch, dome, cathedral, bridge, column, pagoda, stadium, castle, temple, pyramid,
// skyscraper, wheel, palace, windmill
std::span<const Family> families();

// A finished landmark; layer 0 of the renderer.
struct Landmark {
  std::string family;
  Scene scene;
  float height = 0;  // metres
  float radius = 0;  // of its footprint
  float view_arc = kPi;
  bool over_water = false;
  Style style;
};

Landmark make_landmark(size_t family, Rng rng);

}  // namespace cairn::synth
