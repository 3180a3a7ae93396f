// embed_fixture DIR: what tests/cli_embed.sh works with. Writes tiny.onnx (a small network with
// cairn metadata), good.jpg, and huge.jpg (a header that claims 65500 × 65500 pixels).
#include <algorithm>
#include <array>
#include <filesystem>

#include "cairn/base/files.h"
#include "cairn/embed/testing/fixtures.h"
#include "cairn/image/image.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  const auto network = cairn::embed::testing::tiny_network(-1, {{"cairn.input_size", "96"},
                                                                {"cairn.mean", "127.5"},
                                                                {"cairn.std", "127.5"},
                                                                {"cairn.output", "embedding"}});
  cairn::write_file_atomically(folder / "tiny.onnx", network);

  std::vector<uint8_t> jpeg =
      cairn::image::encode_jpeg(cairn::embed::testing::drawn_photo(1, 320, 240), 85);
  cairn::write_file_atomically(folder / "good.jpg", jpeg);
  // Start of frame: FF C0, two bytes of length, one of precision, two of height, two of width.
  constexpr std::array<uint8_t, 2> kStartOfFrame = {0xFF, 0xC0};
  const auto frame =
      std::search(jpeg.begin(), jpeg.end(), kStartOfFrame.begin(), kStartOfFrame.end());
  if (jpeg.end() - frame < 9) return 1;
  for (int i = 5; i < 9; i += 2) {
    frame[i] = 65500 >> 8;
    frame[i + 1] = 65500 & 255;
  }
  cairn::write_file_atomically(folder / "huge.jpg", jpeg);
  return 0;
}
