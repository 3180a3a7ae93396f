// Files of weights: PyTorch's zip and legacy formats, their pickles, and safetensors. Every element
// of what is accepted must be there.
#include "cairn/base/error.h"
#include "cairn/weights/testing/sample_files.h"
#include "cairn/weights/weight_file.h"
#include "target.h"

namespace {

using namespace cairn;

// Reads the first and the last element; a sanitizer sees where they do not lie in the file.
void touch(const weights::StoredTensor& tensor) {
  const int64_t elements = weights::checked_elements(tensor.shape);
  fuzz::require(elements >= 0 && tensor.shape.size() == tensor.strides.size());
  if (elements == 0) return;
  int64_t last = 0;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    fuzz::require(tensor.strides[d] >= 0);
    last += (tensor.shape[d] - 1) * tensor.strides[d];
  }
  const auto size = static_cast<size_t>(weights::size_of(tensor.dtype));
  const size_t end = (static_cast<size_t>(last) + 1) * size;
  fuzz::require(end <= tensor.data.size(), "an element is past the end");
  const volatile uint8_t sum = static_cast<uint8_t>(tensor.data[0] + tensor.data[end - 1]);
  static_cast<void>(sum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    weights::WeightFile file = weights::parse_weights({data, size}, "input");
    weights::strip_wrappers(file);
    for (const weights::NamedTensor& weight : file.tensors) touch(weight.tensor);
  } catch (const Error& error) {
    fuzz::require(std::string(error.what()).starts_with("input: "), error.what());
  }
  return 0;
}

namespace cairn::fuzz {

std::vector<Seed> seeds() {
  std::vector<Seed> all;
  for (weights::testing::SampleFile& file : weights::testing::sample_files())
    all.push_back({file.name, std::move(file.bytes)});
  return all;
}

}  // namespace cairn::fuzz
