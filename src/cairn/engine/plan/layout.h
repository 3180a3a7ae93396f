// Memory layouts of float32 values: row-major, or oneDNN's blocked ones. A value that is float32 to
// the graph may lie in memory as bfloat16 or in 8 bits, where its layout says so.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include "cairn/engine/tensor.h"

namespace cairn::engine {

using Layout = dnnl::memory::desc;
using DataType = dnnl::memory::data_type;

// Whether oneDNN can hold the shape at all (no empty or huge dimensions, up to six of them).
bool fits_dnnl(const Shape& shape);

// Row-major; a scalar is a vector of one.
Layout plain_layout(const Shape& shape, DataType type = DataType::f32);

// What a primitive may choose itself.
Layout any_layout(const Shape& shape, DataType type = DataType::f32);

// Blocks of channels as wide as the processor's vectors (nChw16c or nChw8c), for shapes of 3 to 5
// dimensions.
Layout blocked_layout(const Shape& shape, DataType type = DataType::f32);

// The channels of a position side by side (nhwc), for shapes of 3 to 5 dimensions.
Layout channels_last_layout(const Shape& shape, DataType type);
bool is_channels_last(const Layout& layout);

bool is_bf16(const Layout& layout);
bool is_8bit(const Layout& layout);

// The same places for elements of another type.
Layout with_type(const Layout& layout, DataType type);

// Whether two layouts of the same shape put every element at the same address, without padding, as
// the same type. A
// 1280 x 1 x 1 feature is the same bytes in blocks of 16 channels and row-major.
bool same_bytes(const Layout& a, const Layout& b);

// 16 or 8 where the layout is N, C/block, spatial…, block channels (nChw16c, nChw8c); the number of
// channels where they come last, as one block; 1 where it is row-major; 0 for anything else.
int channel_block(const Layout& layout);

}  // namespace cairn::engine
