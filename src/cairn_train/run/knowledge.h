// A trained network as the teacher of another one on the same landmarks (Hinton, Vinyals, Dean
// 2015).
#pragma once

#include <torch/torch.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/nn/embedding_net.h"

namespace cairn::run {

// "17,4,…" (cairn.labels) → the class of each landmark id.
std::map<int64_t, int64_t> classes_of(const std::string& labels, const std::string& where);

class Teacher {
 public:
  // Reads the weights.safetensors of a finished run. Throws Error where they hold no classifier or
  // lack one of the student's landmarks.
  Teacher(const std::string& weights, const std::vector<int64_t>& landmarks);

  // Images as the student sees them → logits N×C, in the order of the student's landmarks.
  torch::Tensor answers(const torch::Tensor& images);

 private:
  std::shared_ptr<nn::EmbeddingNet> net_;
  std::shared_ptr<loss::CosineHead> head_;
  torch::Tensor columns_;  // C: the teacher's class of each student's class
  double scale_ = 1;
};

}  // namespace cairn::run
