#include "cairn_train/run/outputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <sstream>

#include "cairn/base/csv.h"
#include "cairn/base/files.h"
#include "cairn_train/run/stages.h"

namespace cairn::run {

image::Normalisation normalisation_of(const Recipe& recipe) {
  image::Normalisation normalisation;
  for (size_t c = 0; c < 3; ++c) {
    normalisation.mean[c] = static_cast<float>(recipe.mean[recipe.mean.size() == 3 ? c : 0]);
    normalisation.std[c] = static_cast<float>(recipe.std[recipe.std.size() == 3 ? c : 0]);
  }
  return normalisation;
}

std::string labels_text(const data::TrainingSet& set) {
  return fmt::format("{}", fmt::join(set.landmark_of_class, ","));
}

void write_model(const nn::EmbeddingNet& net, const Recipe& recipe, const data::TrainingSet& set,
                 const std::filesystem::path& file) {
  std::map<std::string, std::string> metadata = {
      {"cairn.input_size", std::to_string(inference_size(recipe))},
      {"cairn.mean", fmt::format("{}", fmt::join(recipe.mean, ","))},
      {"cairn.std", fmt::format("{}", fmt::join(recipe.std, ","))},
      {"cairn.resize", "bilinear"},
      {"cairn.output", "embedding"},
      {"cairn.embedding_dim", std::to_string(net.embedding_dim())},
      {"cairn.recipe", portable_recipe_yaml(recipe)},
      {"cairn.version", CAIRN_VERSION}};
  if (!set.landmark_of_class.empty()) metadata["cairn.labels"] = labels_text(set);
  nn::export_onnx(net, file, metadata);
}

void write_weights(const nn::EmbeddingNet& net, const nn::NamedTensors& head, const Recipe& recipe,
                   const data::TrainingSet& set, const std::filesystem::path& file) {
  nn::NamedTensors weights = nn::state_dict(net);
  std::erase_if(weights, [](const auto& entry) { return nn::is_unused_key(entry.first); });
  std::map<std::string, std::string> metadata = {{"cairn.recipe", portable_recipe_yaml(recipe)}};
  weights.insert(weights.end(), head.begin(), head.end());
  if (!head.empty()) metadata["cairn.labels"] = labels_text(set);
  nn::save_safetensors(file, weights, metadata, recipe.weights == "f16");
}

void write_labels(const data::TrainingSet& set, const std::filesystem::path& file) {
  std::string text = csv_line({"class", "landmark_id"});
  for (size_t i = 0; i < set.landmark_of_class.size(); ++i)
    text += csv_line({std::to_string(i), std::to_string(set.landmark_of_class[i])});
  write_text_atomically(file, text);
}

void write_skipped(const data::TrainingSet& set, const data::PhotoStore& store,
                   const std::filesystem::path& file, const Ranks& ranks) {
  std::string own;
  for (const data::PhotoStore::Broken& broken : store.broken())
    own += csv_line({set.samples[broken.photo].id, broken.reason});
  const std::vector<std::string> of_ranks = ranks.gather(own);
  if (!ranks.first()) return;
  std::string text = csv_line({"id", "reason"});
  for (const std::string& id : set.missing_ids) text += csv_line({id, "no photo of this name"});
  std::set<std::string> known;
  for (const std::string& lines : of_ranks) {
    std::istringstream stream(lines);
    for (std::string line; std::getline(stream, line);)
      if (known.insert(line).second) text += line + "\n";
  }
  if (text == csv_line({"id", "reason"}))
    std::filesystem::remove(file);
  else
    write_text_atomically(file, text);
}

}  // namespace cairn::run
