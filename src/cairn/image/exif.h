// The one EXIF field that decoding needs.
#pragma once

#include <cstdint>
#include <span>

namespace cairn::image {

// The orientation (tag 0x0112, 1 to 8) in the first directory of a TIFF structure ("II*…" or
// "MM*…", as in EXIF after its "Exif\0\0" prefix, which is skipped where it is there). 1 where
// there is none or the bytes are malformed.
int exif_orientation(std::span<const uint8_t> tiff);

}  // namespace cairn::image
