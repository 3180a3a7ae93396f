// Checkpoints of other programs become models: `cairn model import`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cairn_train/nn/arch.h"
#include "cairn_train/nn/stored_weights.h"
#include "cairn_train/nn/weights.h"

namespace cairn::run {

struct ImportOptions {
  std::string arch;                  // a name of nn::arch_names
  std::filesystem::path checkpoint;  // .pth, .safetensors
  std::string key;                   // a training checkpoint's entry; empty: found
  int size = 0;                      // of the photos; 0: the reference's
  std::vector<double> mean;          // one or three, in 0-255 pixel units; empty: the reference's
  std::vector<double> std;
};

struct Imported {
  ImportOptions options;
  nn::Arch arch;                     // with the checkpoint's weights, as far as they fit
  nn::StoredWeights file;            // the names are the network's
  nn::LoadReport report;             // without what makes no difference
  std::vector<std::string> ignored;  // keys that the output does not depend on
  torch::Tensor head;                // the classifier's centres; undefined where there are none
};

// Reads the checkpoint into the network. Throws Error where nothing of it fits.
Imported import_checkpoint(const ImportOptions& options);

// Throws Error with the report unless every key of the network is there and every tensor is used.
void require_complete(const Imported& imported);

// The network with its metadata (docs/formats.md).
void write_onnx(const Imported& imported, const std::filesystem::path& file);

// Weights for a recipe's `init`: the network's, and a classifier of so many classes. Its first rows
// are the checkpoint's; what is left starts as in training, from the seed. Without classes, no
// classifier. Returns the number of rows kept. Throws Error where the network has no embedding.
int64_t write_weights(const Imported& imported, int64_t classes, int64_t centers, uint64_t seed,
                      const std::filesystem::path& file);

}  // namespace cairn::run
