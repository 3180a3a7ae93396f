#include "cairn/search/quantised_rows.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/quantise.h"

namespace cairn::search {
namespace {

// Pages of the system, in large ones where it has them: a scan looks up fewer of them.
uint8_t* allocate(size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  ::madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<uint8_t*>(memory);
}

}  // namespace

void QuantisedRows::Unmap::operator()(uint8_t* values) const { ::munmap(values, bytes); }

QuantisedRows::QuantisedRows(const Rows& rows, int threads)
    : rows_(rows), values_(nullptr, Unmap{0}) {
  using kernels::kPanelRows;
  CAIRN_ASSERT(rows.values.size() == rows.count() * rows.dim);
  const PanelLayout layout(rows.dim);
  const size_t panels = PanelLayout::panels(rows.count());
  const size_t bytes = std::max<size_t>(1, panels * layout.bytes());
  values_ = {allocate(bytes), Unmap{bytes}};
  numbers_.resize(panels * kPanelRows * RowNumbers<float>::kArrays);
  const auto numbers = RowNumbers<float>::in(numbers_.data(), panels * kPanelRows);
  std::vector<double> longest(panels, 0);
  parallel_for(panels, resolve_threads(threads), [&](size_t begin, size_t end) {
    for (size_t p = begin; p < end; ++p) {
      const size_t first = p * kPanelRows;
      longest[p] = layout.fill(rows_.row(first), std::min(kPanelRows, rows_.count() - first),
                               &values_[p * layout.bytes()], numbers.from(first));
    }
  });
  copies_ = {rows_.count(),
             rows_.dim,
             values_.get(),
             RowNumbers<const float>::in(numbers_.data(), panels * kPanelRows),
             panels == 0 ? 0 : *std::max_element(longest.begin(), longest.end()),
             rows_.values.data()};
}

}  // namespace cairn::search
