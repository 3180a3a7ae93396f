// What a run leaves for others.
#pragma once

#include <filesystem>
#include <string>

#include "cairn_train/data/photo_store.h"
#include "cairn_train/data/training_set.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/nn/safetensors.h"
#include "cairn_train/run/distributed/ranks.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

// The mean and standard deviation that photos are normalised with.
image::Normalisation normalisation_of(const Recipe& recipe);

// The landmark of each class, separated by commas: what files call cairn.labels.
std::string labels_text(const data::TrainingSet& set);

// model.onnx with its metadata.
void write_model(const nn::EmbeddingNet& net, const Recipe& recipe, const data::TrainingSet& set,
                 const std::filesystem::path& file);

// weights.safetensors: the network (on the CPU) without what nothing depends on, and the
// classifier.
void write_weights(const nn::EmbeddingNet& net, const nn::NamedTensors& head, const Recipe& recipe,
                   const data::TrainingSet& set, const std::filesystem::path& file);

// labels.csv: class,landmark_id.
void write_labels(const data::TrainingSet& set, const std::filesystem::path& file);

// skipped.csv: id,reason of the photos that are missing or that a rank could not read; no file
// without any. Collective; rank 0 writes.
void write_skipped(const data::TrainingSet& set, const data::PhotoStore& store,
                   const std::filesystem::path& file, const Ranks& ranks);

}  // namespace cairn::run
