// Files of torch.save: the zip format (PyTorch 1.6 and later) and the legacy one before it.
//
// Zip: NAME/data.pkl is a pickle, NAME/data/KEY the bytes of each storage that it names. Legacy:
// four pickles (a magic number, the protocol 1001, facts of the machine, the values), a pickled
// list of storage keys, and for each key a count (int64) and its elements. Both as in
// torch/serialization.py.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/weights/pickle.h"

namespace cairn::weights {

struct TorchFile {
  Pickle pickle;
  // The bytes of each of pickle.storages: views of the file, or of `aligned` where its place in the
  // file does not suit the elements.
  std::vector<std::span<const uint8_t>> storages;
  std::vector<std::vector<uint8_t>> aligned;

  StoredTensor tensor(const PickleValue& value) const;  // a kTensor
};

bool is_torch_zip(std::span<const uint8_t> bytes);
bool is_torch_legacy(std::span<const uint8_t> bytes);

// Throw Error ("where: …") unless the file is whole and every storage has the bytes that it claims.
TorchFile parse_torch_zip(std::span<const uint8_t> bytes, const std::string& where);
TorchFile parse_torch_legacy(std::span<const uint8_t> bytes, const std::string& where);

}  // namespace cairn::weights
