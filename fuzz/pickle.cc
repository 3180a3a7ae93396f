// Pickles alone: no archive's checksum keeps mutations out.
#include "cairn/weights/pickle.h"

#include "cairn/base/error.h"
#include "cairn/weights/testing/sample_files.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cairn;
  try {
    const weights::Pickle pickle = weights::parse_pickle({data, size}, "input");
    fuzz::require(pickle.size <= size && pickle.root < pickle.values.size());
    for (const weights::PickleValue& value : pickle.values) {
      for (const weights::PickleId item : value.items) fuzz::require(item < pickle.values.size());
    }
    for (const weights::PickleTensor& tensor : pickle.tensors)
      fuzz::require(tensor.offset <= pickle.storages.at(tensor.storage).count);
  } catch (const Error& error) {
    fuzz::require(std::string(error.what()).starts_with("input: "), error.what());
  }
  return 0;
}

namespace cairn::fuzz {

std::vector<Seed> seeds() {
  namespace make = weights::testing;
  const std::string ordered = make::global("collections", "OrderedDict");
  std::vector<Seed> all;
  for (const std::string& value :
       {make::sample_dict(),
        make::call(ordered, make::tuple({"](" + make::tuple({"N", "N"}) + "e"})),
        make::call(make::global("torch", "Size"), make::tuple({make::tuple({make::integer(3)})})),
        make::call(make::global("numpy.core.multiarray", "scalar"), "(C\1xt"),
        make::call(make::global("os", "system"), make::tuple({make::text("id")})),
        std::string("]q\1h\1a"), std::string("(((lld\x85\x8f(K\1\x90"), make::long_integer(-1)}) {
    all.push_back({"seed" + std::to_string(all.size()), make::as_bytes(make::pickle(value))});
  }
  return all;
}

}  // namespace cairn::fuzz
