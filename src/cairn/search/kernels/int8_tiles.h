// promising_rows for kWideQueries at once, in the matrix unit (AMX).
#pragma once

#include "cairn/base/amx.h"
#include "cairn/search/kernels/int8_panel.h"

namespace cairn::search::kernels {

// What the thread's tiles have to be meanwhile.
TileShapes shapes_of_wide_tiles();

// Where has_wide_tiles(). Gives nothing up: asking costs what it saves.
size_t promising_rows_of_wide_tile(const Panel& panel, const Tile& tile, size_t groups,
                                   Promising& promising);

}  // namespace cairn::search::kernels
