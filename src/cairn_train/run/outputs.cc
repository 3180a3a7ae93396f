#include "cairn_train/run/outputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
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

std::map<int64_t, int64_t> classes_of(const std::string& labels, const std::string& where) {
  std::map<int64_t, int64_t> classes;
  const char* at = labels.data();
  const char* const end = at + labels.size();
  while (at != end) {
    int64_t landmark = 0;
    const auto [stop, failed] = std::from_chars(at, end, landmark);
    const bool next = stop != end && *stop == ',';
    const bool last_or_next = stop == end || (next && stop + 1 != end);
    if (failed != std::errc() || !last_or_next ||
        !classes.emplace(landmark, static_cast<int64_t>(classes.size())).second)
      throw Error(fmt::format("{}: its {} is no list of landmark ids", where, kLabelsKey));
    at = next ? stop + 1 : stop;
  }
  return classes;
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
  if (!set.landmark_of_class.empty()) metadata[kLabelsKey] = labels_text(set);
  nn::export_onnx(net, file, metadata);
}

void write_labels(const data::TrainingSet& set, const std::filesystem::path& file) {
  std::string text = csv_line({"class", "landmark_id"});
  for (size_t i = 0; i < set.landmark_of_class.size(); ++i)
    text += csv_line({std::to_string(i), std::to_string(set.landmark_of_class[i])});
  write_text_atomically(file, text);
}

void write_skipped(const data::TrainingSet& set, const data::PhotoStore& store,
                   const std::filesystem::path& file) {
  std::string text = csv_line({"id", "reason"});
  for (const std::string& id : set.missing_ids) text += csv_line({id, "no photo of this name"});
  for (const data::PhotoStore::Broken& broken : store.broken())
    text += csv_line({set.samples[broken.photo].id, broken.reason});
  if (text == csv_line({"id", "reason"}))
    std::filesystem::remove(file);
  else
    write_text_atomically(file, text);
}

}  // namespace cairn::run
