// Triangles and the solids that landmarks are built from.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "cairn/dataset/synth/texture.h"
#include "cairn/dataset/synth/vec.h"

namespace cairn::synth {

struct Vertex {
  Vec3 position;  // metres
  Vec3 normal;
  float u = 0, v = 0;
};

struct Triangle {
  uint32_t a = 0, b = 0, c = 0;
  uint32_t texture = 0;
  Vec3 tint = {1, 1, 1};  // multiplies the texture's linear colour
};

struct Mesh {
  std::vector<Vertex> vertices;
  std::vector<Triangle> triangles;
};

// A mesh with its textures.
struct Scene {
  Mesh mesh;
  std::vector<Texture> textures;
};

// A rectangle of a texture.
struct UvRect {
  float u0 = 0, v0 = 0, u1 = 1, v1 = 1;
};

// One opening of an arched wall: a rectangle up to `spring`, then a round or pointed arch.
struct Opening {
  float centre = 0;  // along the wall, from its middle
  float width = 1;
  float spring = 1;  // height of the arch's start
  bool pointed = false;
};

// Adds solids to a mesh. Faces are seen from both sides, so their winding does not matter.
class Builder {
 public:
  explicit Builder(Mesh& mesh) : mesh_(mesh) {}

  // Everything that follows is turned about z and then moved.
  void place(Vec3 origin, float yaw = 0) {
    origin_ = origin;
    yaw_ = yaw;
  }
  void tint(Vec3 linear) { tint_ = linear; }
  Mesh& mesh() { return mesh_; }

  // Corners in the order bottom left, bottom right, top right, top left.
  void quad(Vec3 a, Vec3 b, Vec3 c, Vec3 d, uint32_t texture, UvRect uv = {});
  void triangle(Vec3 a, Vec3 b, Vec3 c, uint32_t texture, UvRect uv = {});

  // A box that stands on base (the middle of its bottom). Each side shows `front` of the texture
  // (the faces to -y and +y) or `side`; the lid is drawn with lid_texture.
  void box(Vec3 base, Vec3 size, uint32_t texture, uint32_t lid_texture, UvRect front = {},
           UvRect side = {});

  // A prism or pyramid stump of n sides that stands on base; flat sides, each showing uv.
  void prism(Vec3 base, int sides, float radius0, float radius1, float height, uint32_t texture,
             uint32_t lid_texture, UvRect uv = {}, float turn = 0);

  // A surface of revolution about the axis through base: profile of (radius, height), smooth unless
  // `flat`. The texture repeats u_repeat times around, once (v_repeat times) along the profile.
  void revolve(Vec3 base, std::span<const std::pair<float, float>> profile, int segments,
               uint32_t texture, float u_repeat, float v_repeat = 1, float squash_y = 1);

  void ellipsoid(Vec3 centre, Vec3 radii, uint32_t texture, int segments = 12);

  // A square bar between two points.
  void beam(Vec3 from, Vec3 to, float thickness, uint32_t texture, float v_per_metre = 0.2F);

  // A wall with openings along x, of the given length, thickness (y) and height, that stands on
  // base. Both faces show uv of `texture`, the insides of the openings `soffit`.
  void arched_wall(Vec3 base, float length, float thickness, float height,
                   std::span<const Opening> openings, uint32_t texture, uint32_t soffit,
                   UvRect uv = {});

  // A roof with the ridge along x over a rectangle that stands on base.
  void gable(Vec3 base, float length, float width, float height, uint32_t roof, uint32_t wall,
             float repeat = 4);

 private:
  uint32_t vertex(Vec3 p, Vec3 normal, float u, float v);
  Vec3 to_world(Vec3 p) const { return turned(p, yaw_) + origin_; }

  Mesh& mesh_;
  Vec3 origin_;
  float yaw_ = 0;
  Vec3 tint_ = {1, 1, 1};
};

}  // namespace cairn::synth
