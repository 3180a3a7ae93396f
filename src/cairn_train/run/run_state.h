// The tensors of a run, and how they come from and go to its checkpoint: rank 0 reads and writes,
// and the parts of a head that is split over the ranks become whole there, so that a run can go on
// with another number of ranks.
#pragma once

#include <optional>
#include <string>

#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/nn/safetensors.h"
#include "cairn_train/optim/optimiser.h"
#include "cairn_train/run/average.h"
#include "cairn_train/run/checkpoint.h"
#include "cairn_train/run/distributed/ranks.h"
#include "cairn_train/run/objective.h"

namespace cairn::run {

struct StateTensor {
  std::string name;
  torch::Tensor tensor;  // shares memory with the run
  bool split = false;    // each rank has some of the rows
};

// The classifier's, named "head.KEY".
std::vector<StateTensor> head_state(Objective& objective);
// Everything that a checkpoint stores.
std::vector<StateTensor> state_of(const nn::EmbeddingNet& net, Objective& objective,
                                  const optim::Optimiser& optimiser, const WeightAverage& average);

nn::NamedTensors on_cpu(nn::NamedTensors tensors);

// On rank 0 the whole tensors, on the CPU; nothing on the others. Collective.
nn::NamedTensors whole_tensors(const std::vector<StateTensor>& state, const Ranks& ranks);

// Fills the state of every rank from rank 0's checkpoint, or, where rank 0 has none, makes all that
// is not split what rank 0 has. Returns where to go on, if there was a checkpoint. Collective.
// Throws Error on rank 0 where names, shapes or types differ.
std::optional<Position> spread_state(const std::optional<Checkpoint>& checkpoint,
                                     const std::vector<StateTensor>& state, const Ranks& ranks,
                                     const std::filesystem::path& file);

}  // namespace cairn::run
