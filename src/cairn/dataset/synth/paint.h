// Strokes shared by the painters of textures.
#pragma once

#include "cairn/dataset/synth/style.h"

namespace cairn::synth {

// Lays the style's wall pattern over the whole canvas.
void paint_wall(Canvas& canvas, const Style& style, uint32_t seed);

// A band of repeated ornaments between v0 and v1.
void paint_frieze(Canvas& canvas, const Style& style, float v0, float v1, int motifs,
                  uint32_t seed);

// A window in its bay: frame, glass, bars; lit at night by chance.
struct WindowPlace {
  float u = 0.5F, v = 0.5F;  // middle
  float width = 0.1F, height = 0.15F;
};
void paint_window(Canvas& canvas, const Style& style, const WindowPlace& place, uint32_t seed);

// A door or arcade arch that stands on v0.
void paint_doorway(Canvas& canvas, const Style& style, float u, float v0, float width, float height,
                   uint32_t seed);

}  // namespace cairn::synth
