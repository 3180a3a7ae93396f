// compare_weights A.safetensors B.safetensors TOLERANCE: exit code 1 where any number differs by
// more.
#include <cstdio>
#include <cstdlib>

#include "cairn_train/nn/safetensors.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto a = cairn::nn::load_safetensors(argv[1]).tensors;
  const auto b = cairn::nn::load_safetensors(argv[2]).tensors;
  double most = a.size() == b.size() ? 0 : HUGE_VAL;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const bool same = a[i].first == b[i].first && a[i].second.sizes() == b[i].second.sizes();
    most = std::max(most, same ? (a[i].second - b[i].second).abs().max().item<double>() : HUGE_VAL);
  }
  std::printf("largest difference %g\n", most);
  return most <= std::atof(argv[3]) ? 0 : 1;
}
