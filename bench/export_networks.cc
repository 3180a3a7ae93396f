// Writes the networks of the benchmarks, with random weights, as ONNX models.
//
//   export_networks FOLDER ARCH…
//
// FOLDER/NAME.onnx each, without the folder of ARCH (models/vt_net: vt_net.onnx). The batch norms
// have seen smooth noise, and residual branches are weak, so that the maps are of the size that
// trained networks have and rounding does not grow from block to block.
#include <torch/torch.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "cairn_train/nn/arch.h"

namespace {

constexpr int kBatches = 12;
constexpr int kPhotos = 4;
constexpr int kSide = 128;
constexpr double kBranch = 0.25;  // scale of the last norm of a block

void write_network(const std::string& name, const std::filesystem::path& file) {
  torch::manual_seed(1);
  const cairn::nn::Arch arch = cairn::nn::make_arch(name);
  for (const auto& parameter : arch.net->named_parameters())
    if (parameter.key().ends_with("bn3.weight")) parameter.value().fill_(kBranch);
  arch.net->train();
  for (int i = 0; i < kBatches; ++i) {
    const torch::Tensor waves = torch::upsample_bilinear2d(
        torch::randn({kPhotos, 3, kSide / 16, kSide / 16}), {kSide, kSide}, false);
    arch.net->forward(0.6 * waves + 0.2 * torch::randn_like(waves));
  }
  arch.net->eval();
  cairn::nn::export_onnx(arch, file,
                         {{"cairn.input_size", "256"},
                          {"cairn.mean", "127.5"},
                          {"cairn.std", "127.5"},
                          {"cairn.resize", "bilinear"},
                          {"cairn.output", arch.output}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: export_networks FOLDER ARCH...\n");
    return 2;
  }
  try {
    const torch::NoGradGuard no_grad;
    const std::filesystem::path folder = argv[1];
    std::filesystem::create_directories(folder);
    for (int i = 2; i < argc; ++i) {
      const std::string name = argv[i];
      write_network(name, folder / (name.substr(name.find('/') + 1) + ".onnx"));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "export_networks: %s\n", error.what());
    return 1;
  }
  return 0;
}
