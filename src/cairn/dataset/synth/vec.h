// Small vectors for the renderer. The world is right-handed with z up, in metres; colours are
// linear RGB unless a name says srgb.
#pragma once

#include <algorithm>
#include <cmath>

namespace cairn::synth {

struct Vec3 {
  float x = 0, y = 0, z = 0;
};

inline Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vec3 operator*(Vec3 a, Vec3 b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
inline Vec3 operator*(Vec3 a, float s) { return {a.x * s, a.y * s, a.z * s}; }
inline Vec3 operator*(float s, Vec3 a) { return a * s; }
inline Vec3& operator+=(Vec3& a, Vec3 b) { return a = a + b; }

inline float dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 cross(Vec3 a, Vec3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(Vec3 a) { return std::sqrt(dot(a, a)); }
inline Vec3 normalised(Vec3 a) {
  const float len = length(a);
  return len > 0 ? a * (1 / len) : a;
}
inline Vec3 mix(Vec3 a, Vec3 b, float t) { return a + (b - a) * t; }
inline float mix(float a, float b, float t) { return a + (b - a) * t; }
inline float clamp01(float v) { return std::clamp(v, 0.0F, 1.0F); }
inline float smoothstep(float low, float high, float v) {
  const float t = clamp01((v - low) / (high - low));
  return t * t * (3 - 2 * t);
}

// Turned about the z axis, counter-clockwise seen from above.
inline Vec3 turned(Vec3 a, float radians) {
  const float c = std::cos(radians);
  const float s = std::sin(radians);
  return {a.x * c - a.y * s, a.x * s + a.y * c, a.z};
}

constexpr float kPi = 3.14159265358979F;

}  // namespace cairn::synth
