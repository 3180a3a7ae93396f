// YOLOv5's letterbox: a photo scaled into a box of another shape, the rest grey.
#pragma once

#include "cairn/image/image.h"

namespace cairn::detect {

struct Letterbox {
  int width = 0;  // of the whole input
  int height = 0;
  int inner_width = 0;  // of the scaled photo in it
  int inner_height = 0;
  int left = 0;  // grey columns before it
  int top = 0;
  int right = 0;  // and after it
  int bottom = 0;
  double ratio = 1;  // input pixels a photo pixel
};

// Scales by min(size/height, size/width), enlarging too. tight: grey only up to the next multiple
// of 32 ("auto" in the reference); else up to size × size. An odd grey line goes to the right and
// to the bottom.
Letterbox letterbox(int photo_height, int photo_width, int size, bool tight);

// Bilinear scaling, grey of 114, divided by 255: planes R, G, B of box.height × box.width.
void letterbox_input(const image::Image& photo, const Letterbox& box, float* out);

}  // namespace cairn::detect
