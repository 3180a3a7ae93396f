#include "cairn/search/stored_index_format.h"

#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/quantise.h"

namespace cairn::search::stored {

Sections::Sections(uint64_t rows, uint64_t dim) {
  const uint64_t panels = PanelLayout::panels(rows);
  numbers = values + padded(panels * PanelLayout(dim).bytes());
  lines =
      numbers + padded(panels * kernels::kPanelRows * RowNumbers<float>::kArrays * sizeof(float));
  checksums = lines + padded((rows + 1) * sizeof(uint64_t));
}

}  // namespace cairn::search::stored
