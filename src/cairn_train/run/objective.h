// What a step minimises: the sum of the classification head's loss, metric losses, and what a
// teacher says.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn_train/data/mixes.h"
#include "cairn_train/data/training_set.h"
#include "cairn_train/run/distributed/ranks.h"
#include "cairn_train/run/recipe.h"
#include "cairn_train/run/teacher.h"

namespace cairn::run {

// The photos of a batch, as the loss needs to know them.
struct Shown {
  const std::vector<size_t>& samples;  // N positions in the training set
  // Where the photos are mixed, each counts for its own sample and for its partner's.
  const std::optional<data::Mixed>& mixed;
  torch::Tensor images;  // N×3×H×W, what the network saw
  double progress = 1;   // the share of the run that is done, 0 to 1
  // N×D before the neck's batch norm, for metric losses; undefined where they do not count, as in
  // validation.
  torch::Tensor features = {};
};

class Objective {
 public:
  virtual ~Objective() = default;

  // embeddings: N×D as the network gives them. Samples that a part of the loss knows nothing about
  // (no label, no teacher's view) are left out of that part. A scalar.
  virtual torch::Tensor loss(const torch::Tensor& embeddings, const Shown& shown) = 0;

  // Starts the classifier's centres at the mean embeddings of the classes, C×D (weight imprinting,
  // Qi, Brown, Lowe 2018): a network that already sees something then has nothing to unlearn.
  // Further sub-centres start beside the mean.
  virtual void imprint(const torch::Tensor& /*class_means*/) {}

  // Trained along with the network; null where there is nothing.
  virtual std::shared_ptr<torch::nn::Module> module() { return nullptr; }
  // Whether each rank has only some of the rows of this parameter of module().
  virtual bool is_split(const std::string& /*key*/) const { return false; }
};

// targets: undefined rows where the recipe has no teacher. Centres start from torch's generator.
// Among several ranks, loss() is a rank's share (distributed/across_ranks.h). Throws Error for a
// head.split that cannot be.
std::unique_ptr<Objective> make_objective(const Recipe& recipe, const data::TrainingSet& set,
                                          const TeacherTargets& targets, const Ranks& ranks);

}  // namespace cairn::run
