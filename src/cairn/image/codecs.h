// The decoders behind decode(), one per format. Internal to the image room.
//
// Each gets bytes that begin like its format, checks the size against max_pixels before it
// allocates pixels, and returns the upright photo or the reason why there is none.
#pragma once

#include <cstdint>
#include <span>

#include "cairn/base/error.h"
#include "cairn/image/image.h"

namespace cairn::image {

Result<Image> decode_jpeg(std::span<const uint8_t> bytes, const DecodeOptions& options,
                          Image memory);
Result<Image> decode_png(std::span<const uint8_t> bytes, const DecodeOptions& options);
Result<Image> decode_webp(std::span<const uint8_t> bytes, const DecodeOptions& options);
// HEIC, HEIF and AVIF. Their turning and mirroring is part of the format and always applied.
Result<Image> decode_heif(std::span<const uint8_t> bytes, const DecodeOptions& options);

// A failure where width × height is zero or over the limit, otherwise an empty reason.
std::string size_problem(uint64_t width, uint64_t height, const DecodeOptions& options);

// An image with its pixel memory allocated, or taken from memory. Call size_problem first.
Image make_image(uint64_t width, uint64_t height, Image memory = {});

// The photo turned upright. orientation is the EXIF value; 1 and anything unknown leave it alone.
Image apply_orientation(Image image, int orientation);

}  // namespace cairn::image
