// Small networks and photos for the tests of embedding.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cairn/engine/model.h"
#include "cairn/image/image.h"

namespace cairn::embed::testing {

// An ONNX file: a convolution with 16 drawn kernels, ReLU, the average over all pixels. Input
// "photo" (N × 3 × side × side, side -1: any size), outputs "embedding" (N × 16) and "map" (before
// the average).
std::vector<uint8_t> tiny_network(int64_t side = -1,
                                  const std::map<std::string, std::string>& metadata = {});

// An ONNX file whose embedding is the average colour of its normalised input (N × 3).
std::vector<uint8_t> mean_colour_network();

std::shared_ptr<const engine::Model> parse(const std::vector<uint8_t>& onnx);

// Coloured blocks, other ones for each seed.
image::Image drawn_photo(uint64_t seed, int width, int height);

// photo_0000.jpg … of changing sizes.
void write_photos(const std::filesystem::path& folder, size_t count);

}  // namespace cairn::embed::testing
