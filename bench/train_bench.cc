// Training steps of EfficientNet-B0 with an ArcFace head on random photos in memory: photos a
// second.
//
//   train_bench [SIZE] [BATCH] [CLASSES] [CENTRES] [STEPS] [f32|bf16]
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "cairn_train/loss/arcface.h"
#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/optim/optimiser.h"
#include "cairn_train/run/allocator.h"
#include "cairn_train/run/forward.h"

int main(int argc, char** argv) {
  using namespace cairn;
  using Clock = std::chrono::steady_clock;
  const auto number = [&](int i, int otherwise) {
    return argc > i ? std::stoi(argv[i]) : otherwise;
  };
  const int size = number(1, 224);
  const int batch = number(2, 16);
  const int classes = number(3, 1000);
  const int centres = number(4, 1);
  const int steps = number(5, 12);
  const std::string precision = argc > 6 ? argv[6] : "f32";
  run::keep_tensor_memory();
  torch::set_num_threads(2);
  torch::manual_seed(1);
  nn::EmbeddingNet net(nn::NetOptions{});
  run::keep_channels_last(net);
  loss::CosineHead head(512, classes, centres);
  const loss::ArcFace arcface({.scale = 45, .margin = 0.3});
  std::vector<optim::TrainedParameter> parameters;
  for (const auto& entry : net.named_parameters())
    parameters.push_back({entry.key(), entry.value()});
  parameters.push_back({"head", head.weight()});
  optim::OptimiserOptions options;
  options.type = centres > 1 ? "ranger" : "sgd";
  options.lr = 1e-3;
  optim::Optimiser optimiser(options, parameters);
  const torch::Tensor images = torch::randn({batch, 3, size, size});
  const torch::Tensor labels = torch::randint(0, classes, {batch}, torch::kLong);
  std::vector<double> times;
  for (int i = 0; i < steps; ++i) {
    const Clock::time_point started = Clock::now();
    optimiser.zero_grad();
    const torch::Tensor cosines = head.forward(run::forward(net, images, precision));
    loss::class_losses(arcface.logits(cosines, labels), labels).mean().backward();
    optimiser.step(options.lr);
    times.push_back(std::chrono::duration<double>(Clock::now() - started).count());
  }
  const double first = times[0];
  std::sort(times.begin() + std::min<long>(2, steps - 1), times.end());
  const double median = times[static_cast<size_t>(2 + (steps - 2) / 2) % times.size()];
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("cairn {} {} px batch {}: {:.2f} photos/s (first step {:.1f} s), peak RSS {:.2f} GB\n",
             precision, size, batch, batch / median, first,
             static_cast<double>(usage.ru_maxrss) / 1048576);
}
