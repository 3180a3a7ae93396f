// The processes that train one network together, and what they do in step: sums, gathers,
// broadcasts (LibTorch's c10d: Gloo for tensors of the CPU, NCCL for those of a GPU where LibTorch
// has it). One process alone is a world of one, in which every operation leaves things as they are.
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/slice.h"
#include "cairn_train/run/distributed/environment.h"

namespace cairn::run {

// Another process ended or does not answer; says which, where that is known.
class LostRank : public Error {
 public:
  using Error::Error;
};

// All operations are collective: every rank calls them in the same order with tensors of the same
// shape and type, and gets the same bits. They throw LostRank within the timeout where a rank is
// gone (at once where its connections closed).
class Ranks {
 public:
  Ranks();  // one process
  // Meets the others. Throws Error where they do not all come within the timeout.
  Ranks(const ProcessPlace& place, double timeout_seconds);
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return place_.rank; }
  int world() const { return place_.world; }
  bool alone() const { return place_.world == 1; }
  bool first() const { return place_.rank == 0; }
  const ProcessPlace& place() const { return place_; }

  void sum(torch::Tensor& tensor) const;  // in place, over the ranks
  void max(torch::Tensor& tensor) const;
  double sum(double value) const;
  // Rank 0's first number and everybody's second, added: what all know, and their parts.
  double sum(double of_first, double of_each) const;
  void from_first(torch::Tensor& tensor) const;  // everybody gets rank 0's
  std::string from_first(const std::string& text) const;
  std::vector<torch::Tensor> gather(const torch::Tensor& tensor) const;  // by rank
  // The rows of all ranks, rank 0's first. Their numbers may differ; a rank may have none.
  std::vector<torch::Tensor> gather_rows(const torch::Tensor& rows) const;
  std::vector<std::string> gather(const std::string& text) const;
  // gather_rows() to rank 0; nothing on the others.
  std::vector<torch::Tensor> rows_at_first(const torch::Tensor& rows) const;

  // Starts a sum over the ranks and returns at once; the returned function waits for it. These form
  // a sequence of their own, independent of the operations above.
  std::function<void()> start_sum(torch::Tensor tensor) const;

  // Rank 0 does something that takes as long as it takes; the others wait, without the timeout.
  void first_does(const std::function<void()>& work) const;

  // Waits for all.
  void meet() const;
  // Tells the others why this process ends and closes its connections, so that they end too.
  void fail(const std::string& why) const;

 private:
  struct Groups;
  void connect(std::chrono::milliseconds wait);
  // The numbers of rows of all ranks, and the rows with zeros up to the largest.
  std::pair<std::vector<int64_t>, torch::Tensor> padded(const torch::Tensor& rows) const;
  void in_step(const std::function<void()>& work) const;
  template <typename Start>
  void in_place(torch::Tensor& tensor, const Start& start) const;
  [[noreturn]] void explain(const std::string& what) const;
  void close() const;                     // the connections
  std::vector<int> silent_ranks() const;  // those that have not said that they end
  void wait_for_readers() const;

  ProcessPlace place_;
  std::unique_ptr<Groups> groups_;  // null in a world of one
  mutable int64_t first_did_ = 0;   // calls of first_does()
};

}  // namespace cairn::run
