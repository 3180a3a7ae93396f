// Networks by name, as checkpoints of the references know them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cairn_train/nn/module.h"

namespace cairn::nn {

struct Arch {
  ModulePtr net;  // parameters under the key names of the reference's checkpoints
  // What the net computes of images N×3×H×W, and the name of the ONNX output: "features"
  // (N×channels×h×w, backbones alone) or "embedding" (N×channels).
  std::string output;
  int64_t channels = 0;
  // Beginnings of keys that neither the features nor the embedding depend on: a checkpoint may have
  // them, lack them, or have them in another shape ("classifier.", "base.fc.").
  std::vector<std::string> ignorable;
};

// A network with random weights, in inference mode. Names: "backbones/…" (a backbone alone),
// "models/…" (backbone, pooling, neck), "torchvision/…"; the folder may be left out where one only
// has the name. Throws Error, listing the names, for another.
Arch make_arch(const std::string& name);
std::vector<std::string> arch_names();  // with their folders

// Writes the network as ONNX, atomically: opset 13, dynamic batch and size, input "input", output
// arch.output, batch norms folded; metadata as for EmbeddingNet (cairn.input_size, cairn.mean, …).
void export_onnx(const Arch& arch, const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata);

}  // namespace cairn::nn
