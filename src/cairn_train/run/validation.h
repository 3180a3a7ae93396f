// Validation: the network as inference sees it, on photos it is not trained on.
#pragma once

#include "cairn_train/data/loader.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/run/objective.h"
#include "cairn_train/run/scores.h"

namespace cairn::run {

struct ValidationResult {
  double loss = 0;
  Scores scores;
};

// A score of which more is better; by: Recipe::best_by.
double score_of(const ValidationResult& result, const std::string& by);

// Embeds the validation and reference photos of the set by plain views in inference mode, and
// scores them. Photos that cannot be read are left out. loader: size, threads and normalisation.
// The network is in training mode again afterwards. Each rank embeds its part of every batch; all
// get the result of rank 0.
ValidationResult validate(nn::EmbeddingNet& net, Objective& objective, const data::TrainingSet& set,
                          data::PhotoStore& store, const data::LoaderOptions& loader, size_t batch,
                          const Ranks& ranks);

// The mean embedding of each class of the set, C×D, from plain views of its training photos in
// inference mode; rows of length 1. A class without a readable photo gets a zero row.
torch::Tensor class_means(nn::EmbeddingNet& net, const data::TrainingSet& set,
                          data::PhotoStore& store, const data::LoaderOptions& loader, size_t batch,
                          const Ranks& ranks);

}  // namespace cairn::run
