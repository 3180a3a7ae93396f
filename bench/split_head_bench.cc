// split_head_bench CLASSES DIM BATCH PROCESSES: a step of a classification head that is split over
// so many processes (1: whole): embeddings in, loss, backward, SGD with momentum. Prints the time
// of a step and the memory of a process.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "cairn_train/loss/arcface.h"
#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/optim/optimiser.h"
#include "cairn_train/run/allocator.h"
#include "cairn_train/run/distributed/autograd.h"
#include "cairn_train/run/distributed/job.h"
#include "cairn_train/run/distributed/split_softmax.h"

namespace cairn::run {
namespace {

double megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void steps(const Ranks& ranks, int64_t classes, int64_t dim, int64_t batch) {
  constexpr int kSteps = 4;
  torch::set_num_threads(1);
  const double before = megabytes();
  const Slice own = slice_of(classes, ranks.rank(), ranks.world());
  loss::CosineHead head(dim, classes, 1, loss::Similarity::kCosine, own);
  const loss::ArcFace margin({.scale = 30, .margin = 0.3});
  optim::OptimiserOptions options;
  options.type = "sgd";
  optim::Optimiser optimiser(options, {{"head", head.weight(), 1, true}},
                             [&](double whole, double part) { return ranks.sum(whole, part); });
  const Slice rows = slice_of(batch, ranks.rank(), ranks.world());
  torch::manual_seed(ranks.rank());
  const torch::Tensor embeddings = torch::randn({rows.size(), dim}, torch::requires_grad());
  const torch::Tensor labels = torch::arange(batch, torch::kLong) * (classes / batch);
  auto started = std::chrono::steady_clock::now();
  for (int step = 0; step <= kSteps; ++step) {
    if (step == 1) started = std::chrono::steady_clock::now();
    optimiser.zero_grad();
    const torch::Tensor cosines = head.forward(gather_rows(embeddings, ranks));
    const torch::Tensor here = labels_in(own, labels);
    const torch::Tensor losses =
        split_class_losses(margin.logits(cosines, here), here, classes, ranks);
    (losses.mean() / ranks.world()).backward();
    optimiser.step(0.01);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  fmt::print("rank {} of {}: {} of {} classes x {}, batch {}: {:.2f} s a step, {:.0f} MB\n",
             ranks.rank(), ranks.world(), own.size(), classes, dim, batch, seconds.count() / kSteps,
             megabytes() - before);
  std::fflush(stdout);
  ranks.meet();
}

}  // namespace
}  // namespace cairn::run

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: split_head_bench CLASSES DIM BATCH PROCESSES\n");
    return 2;
  }
  const auto number = [&](int i) { return std::stoll(argv[i]); };
  const int world = static_cast<int>(number(4));
  ::setenv("MASTER_ADDR", "127.0.0.1", 1);
  ::setenv("MASTER_PORT", std::to_string(cairn::run::free_port()).c_str(), 1);
  ::setenv("WORLD_SIZE", argv[4], 1);
  for (int rank = 0; rank < world; ++rank) {
    if (::fork() != 0) continue;
    ::setenv("RANK", std::to_string(rank).c_str(), 1);
    cairn::run::keep_tensor_memory();  // as cairn train does
    cairn::run::run_job(
        600, [&](const auto& ranks) { cairn::run::steps(ranks, number(1), number(2), number(3)); });
    std::_Exit(0);
  }
  int status = 0;
  int code = 0;
  while (::wait(&status) > 0) code |= status;
  return code == 0 ? 0 : 1;
}
