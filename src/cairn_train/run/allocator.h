// Memory for training steps.
#pragma once

namespace cairn::run {

// From here on, LibTorch's CPU tensors keep freed memory and hand it out again. Every training step
// allocates the same sizes; with the C library's allocator the large ones go back to the kernel and
// return as page faults, which took up to a third of a step. Blocks of a megabyte and more lie on
// huge pages where the kernel has them. Call once, before the first tensor.
void keep_tensor_memory();

}  // namespace cairn::run
