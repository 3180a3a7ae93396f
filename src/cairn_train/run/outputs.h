// What a run leaves for others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "cairn_train/data/photo_store.h"
#include "cairn_train/data/training_set.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

// The mean and standard deviation that photos are normalised with.
image::Normalisation normalisation_of(const Recipe& recipe);

// The landmark of each class, separated by commas: what files call cairn.labels.
inline constexpr const char* kLabelsKey = "cairn.labels";
std::string labels_text(const data::TrainingSet& set);
// Back: the class of each landmark. Throws Error ("where: …") on anything else.
std::map<int64_t, int64_t> classes_of(const std::string& labels, const std::string& where);

// model.onnx with its metadata.
void write_model(const nn::EmbeddingNet& net, const Recipe& recipe, const data::TrainingSet& set,
                 const std::filesystem::path& file);

// labels.csv: class,landmark_id.
void write_labels(const data::TrainingSet& set, const std::filesystem::path& file);

// skipped.csv: id,reason of the photos that are missing or could not be read; no file without any.
void write_skipped(const data::TrainingSet& set, const data::PhotoStore& store,
                   const std::filesystem::path& file);

}  // namespace cairn::run
