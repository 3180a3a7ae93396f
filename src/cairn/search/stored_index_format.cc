#include "cairn/search/stored_index_format.h"

#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/quantise.h"

namespace cairn::search::stored {

Sections::Sections(uint64_t rows, uint64_t dim) {
  const uint64_t panels = PanelLayout::panels(rows);
  const uint64_t numbers = padded(panels * kernels::kPanelRows * sizeof(float));
  scales = values + padded(panels * PanelLayout(dim).bytes());
  residuals = scales + numbers;
  lines = residuals + numbers;
  checksums = lines + padded((rows + 1) * sizeof(uint64_t));
}

}  // namespace cairn::search::stored
