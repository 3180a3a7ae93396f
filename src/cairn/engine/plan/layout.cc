#include "cairn/engine/plan/layout.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace cairn::engine {
namespace {

constexpr int64_t kMaxDim = 1 << 24;
constexpr int64_t kMaxElements = int64_t{1} << 31;
constexpr size_t kMaxDnnlRank = 6;

using Tag = dnnl::memory::format_tag;
// Blocks of 16 and of 8 channels, for 3, 4 and 5 dimensions.
constexpr std::array<std::pair<Tag, Tag>, 3> kBlockedTags = {
    {{Tag::nCw16c, Tag::nCw8c}, {Tag::nChw16c, Tag::nChw8c}, {Tag::nCdhw16c, Tag::nCdhw8c}}};

constexpr std::array<Tag, 3> kChannelsLastTags = {Tag::nwc, Tag::nhwc, Tag::ndhwc};

using Axis = std::pair<int64_t, int64_t>;  // size, stride

// The axes along which the elements of each dimension lie, outermost first, with neighbours that
// make one run of addresses merged. Equal lists are equal addresses.
std::vector<std::vector<Axis>> axes_of(const dnnl_memory_desc_t& layout) {
  const dnnl_blocking_desc_t& blocking = layout.format_desc.blocking;
  std::vector<std::vector<Axis>> inner(static_cast<size_t>(layout.ndims));
  std::vector<int64_t> block(static_cast<size_t>(layout.ndims), 1);
  int64_t stride = 1;
  for (int i = blocking.inner_nblks; i-- > 0;) {
    const auto d = static_cast<size_t>(blocking.inner_idxs[i]);
    inner[d].insert(inner[d].begin(), {blocking.inner_blks[i], stride});
    stride *= blocking.inner_blks[i];
    block[d] *= blocking.inner_blks[i];
  }
  std::vector<std::vector<Axis>> axes;
  for (size_t d = 0; d < inner.size(); ++d) {
    std::vector<Axis> all = {{layout.padded_dims[d] / block[d], blocking.strides[d]}};
    all.insert(all.end(), inner[d].begin(), inner[d].end());
    std::vector<Axis> merged;
    for (const Axis& axis : all) {
      if (axis.first == 1) continue;
      if (!merged.empty() && merged.back().second == axis.first * axis.second)
        merged.back() = {merged.back().first * axis.first, axis.second};
      else
        merged.push_back(axis);
    }
    axes.push_back(merged);
  }
  return axes;
}

bool is_dense(const dnnl_memory_desc_t& layout) {
  return layout.format_kind == dnnl_blocked && layout.extra.flags == 0 &&
         std::equal(layout.dims, layout.dims + layout.ndims, layout.padded_dims);
}

}  // namespace

bool fits_dnnl(const Shape& shape) {
  if (shape.size() > kMaxDnnlRank) return false;
  int64_t count = 1;
  for (const int64_t dim : shape) {
    if (dim < 1 || dim > kMaxDim) return false;
    count *= dim;
    if (count > kMaxElements) return false;
  }
  return true;
}

Layout plain_layout(const Shape& shape, DataType type) {
  if (shape.empty()) return plain_layout({1}, type);
  dnnl::memory::dims strides(shape.size(), 1);
  for (size_t i = shape.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * shape[i + 1];
  return {shape, type, strides};
}

Layout any_layout(const Shape& shape, DataType type) {
  return {shape, type, dnnl::memory::format_tag::any};
}

bool same_bytes(const Layout& a, const Layout& b) {
  return a == b || (a.data.data_type == b.data.data_type && is_dense(a.data) && is_dense(b.data) &&
                    axes_of(a.data) == axes_of(b.data));
}

Layout blocked_layout(const Shape& shape, DataType type) {
  static const bool wide = dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core;
  const auto [sixteen, eight] = kBlockedTags.at(shape.size() - 3);
  return {shape, type, wide ? sixteen : eight};
}

Layout channels_last_layout(const Shape& shape, DataType type) {
  return {shape, type, kChannelsLastTags.at(shape.size() - 3)};
}

bool is_channels_last(const Layout& layout) {
  const Shape shape = layout.dims();
  return shape.size() >= 3 && shape.size() <= 5 &&
         layout == channels_last_layout(shape, layout.data_type());
}

Layout with_type(const Layout& layout, DataType type) {
  dnnl_memory_desc_t data = layout.data;
  data.data_type = dnnl::memory::convert_to_c(type);
  return Layout(data);
}

bool is_8bit(const Layout& layout) {
  return layout.data_type() == DataType::u8 || layout.data_type() == DataType::s8;
}

bool is_bf16(const Layout& layout) { return layout.data_type() == DataType::bf16; }

int channel_block(const Layout& layout) {
  const Shape shape = layout.dims();
  const DataType type = layout.data_type();
  if (layout == plain_layout(shape, type)) return 1;
  if (shape.size() < 3 || shape.size() > 5) return 0;
  if (is_channels_last(layout)) return static_cast<int>(shape[1]);
  const auto [sixteen, eight] = kBlockedTags.at(shape.size() - 3);
  if (layout == Layout(shape, type, sixteen)) return 16;
  if (layout == Layout(shape, type, eight)) return 8;
  return 0;
}

}  // namespace cairn::engine
