#include "cairn/base/amx.h"

#ifdef CAIRN_HAS_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace cairn {

#ifdef CAIRN_HAS_AMX
namespace {

// Intel's Software Developer's Manual: CPUID leaf 7, EDX.
constexpr unsigned kTileBits = (1U << 22) | (1U << 24) | (1U << 25);  // AMX-BF16, -TILE, -INT8
// Linux, arch/x86/include/uapi/asm/prctl.h: the tiles' state is given to who asks.
constexpr long kRequestPermission = 0x1023;
constexpr long kTileData = 18;

bool processor_has_tiles() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kTileBits) == kTileBits;
}

}  // namespace

bool has_amx() {
  static const bool has =
      processor_has_tiles() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return has;
}

TileScope::TileScope(const TileShapes& shapes) {
  asm volatile("sttilecfg %0" : "=m"(before_));
  asm volatile("ldtilecfg %0" ::"m"(shapes));
}

// Without shapes before, palette 0 gives the tiles back to the system.
TileScope::~TileScope() { asm volatile("ldtilecfg %0" ::"m"(before_)); }

#else

bool has_amx() { return false; }
TileScope::TileScope(const TileShapes&) {}
TileScope::~TileScope() = default;

#endif

}  // namespace cairn
