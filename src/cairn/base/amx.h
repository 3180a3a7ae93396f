// Matrix tiles (Intel AMX): whether they may be used here, and their configuration.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__)
#define CAIRN_HAS_AMX
#endif

namespace cairn {

// Whether this processor multiplies tiles of bfloat16 and of 8 bits, and the system lets this
// process do so, which is asked once.
bool has_amx();

// What each tile is: up to 16 rows of up to 64 bytes. As LDTILECFG reads it.
struct alignas(64) TileShapes {
  static constexpr size_t kRows = 16;
  static constexpr size_t kBytes = 64;

  void set(size_t tile, size_t tile_rows, size_t tile_bytes) {
    rows[tile] = static_cast<uint8_t>(tile_rows);
    bytes[tile] = static_cast<uint16_t>(tile_bytes);
  }

  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t bytes[16] = {};  // of a row
  uint8_t rows[16] = {};
};

// The thread's tiles have these shapes as long as this lives; then those they had before. To be
// made only where has_amx().
class TileScope {
 public:
  explicit TileScope(const TileShapes& shapes);
  ~TileScope();
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;

 private:
  TileShapes before_;
};

}  // namespace cairn
