#include "cairn/embed/testing/fixtures.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <fstream>

#include "cairn/base/files.h"
#include "cairn/base/random.h"
#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::embed::testing {

std::vector<uint8_t> tiny_network(int64_t side,
                                  const std::map<std::string, std::string>& metadata) {
  engine::testing::OnnxBuilder builder;
  builder.input("photo", {-1, 3, side, side}).weights("kernels", {16, 3, 3, 3});
  builder.node("Conv", {"photo", "kernels"}, {"edges"}).ints("pads", {1, 1, 1, 1});
  builder.node("Relu", {"edges"}, {"map"});
  builder.node("GlobalAveragePool", {"map"}, {"average"});
  builder.node("Flatten", {"average"}, {"embedding"});
  builder.output("map").output("embedding");
  for (const auto& [key, value] : metadata) {
    onnx::StringStringEntryProto* entry = builder.proto().add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  return builder.bytes();
}

std::vector<uint8_t> mean_colour_network() {
  engine::testing::OnnxBuilder builder;
  builder.input("photo", {-1, 3, -1, -1});
  builder.node("GlobalAveragePool", {"photo"}, {"average"});
  builder.node("Flatten", {"average"}, {"colour"});
  builder.output("colour");
  return builder.bytes();
}

std::shared_ptr<const engine::Model> parse(const std::vector<uint8_t>& onnx) {
  return engine::Model::parse(onnx, "tiny.onnx");
}

image::Image drawn_photo(uint64_t seed, int width, int height) {
  constexpr int kBlock = 8;
  image::Image photo{width, height, std::vector<uint8_t>(size_t{3} * width * height)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const uint64_t block = static_cast<uint64_t>(y / kBlock) * 4096 + x / kBlock;
      Rng rng = Rng::for_stream(seed, block);
      for (int c = 0; c < 3; ++c) {
        photo.pixels[(size_t{3} * y * width) + size_t{3} * x + c] =
            static_cast<uint8_t>(rng.below(256));
      }
    }
  }
  return photo;
}

void write_photos(const fs::path& folder, size_t count) {
  make_folder(folder);
  for (size_t i = 0; i < count; ++i) {
    const image::Image photo = drawn_photo(i, 24 + static_cast<int>(i % 5), 32);
    const std::vector<uint8_t> jpeg = image::encode_jpeg(photo, 90);
    std::ofstream(folder / fmt::format("photo_{:04}.jpg", i), std::ios::binary)
        .write(reinterpret_cast<const char*>(jpeg.data()),
               static_cast<std::streamsize>(jpeg.size()));
  }
}

}  // namespace cairn::embed::testing
