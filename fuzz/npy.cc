// NumPy headers, as part of a file of the input's size and of one that claims to be larger.
#include "cairn/base/npy.h"

#include "cairn/base/error.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const uint64_t file_size : {uint64_t{size}, uint64_t{1} << 40}) {
    try {
      const cairn::NpyHeader header = cairn::parse_npy_header({data, size}, file_size, "input.npy");
      cairn::fuzz::require(header.data_offset <= size);
      cairn::fuzz::require(header.element_count() <= file_size);
    } catch (const cairn::Error&) {
    }
  }
  return 0;
}

namespace cairn::fuzz {
namespace {

Seed seed(const std::string& name, const std::string& text) {
  return {name, {text.begin(), text.end()}};
}

// A version 2 or 3 header: four bytes of length.
std::string long_header(char version, const std::string& dict) {
  std::string text = "\x93NUMPY";
  text += {version, '\0', static_cast<char>(dict.size()), '\0', '\0', '\0'};
  return text + dict;
}

}  // namespace

std::vector<Seed> seeds() {
  const std::vector<int64_t> matrix = {3, 4};
  const std::vector<int64_t> vector = {12};
  const std::string values(48, '\x3F');
  return {seed("matrix.npy", npy_f32_header(matrix) + values),
          seed("vector.npy", npy_f32_header(vector) + values),
          seed("scalar.npy", npy_f32_header({}) + values.substr(0, 4)),
          seed("empty.npy", npy_f32_header(std::vector<int64_t>{0, 512})),
          seed("version2.npy",
               long_header(2, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n") +
                   values.substr(0, 16)),
          seed("version3.npy",
               long_header(3, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }\n"))};
}

}  // namespace cairn::fuzz
