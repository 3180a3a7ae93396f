#include "cairn_train/data/training_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <system_error>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/dataset/oversample.h"
#include "cairn/dataset/photos.h"
#include "cairn_train/data/origins.h"

namespace cairn::data {
namespace {

namespace fs = std::filesystem;

std::vector<dataset::Photo> find_in(const DataOptions& options,
                                    const std::vector<std::string>& folders) {
  std::vector<dataset::Photo> photos;
  for (const std::string& folder : folders) {
    std::vector<dataset::Photo> found = dataset::find_photos(fs::path(options.root) / folder);
    std::move(found.begin(), found.end(), std::back_inserter(photos));
  }
  return photos;
}

// The photos of a table that are on disk; missing ids are added to the set's list.
std::vector<Sample> labelled(const DataOptions& options, const std::string& table,
                             const std::vector<std::string>& folders, TrainingSet& set) {
  const fs::path file = fs::path(options.root) / table;
  if (is_list(file)) return listed(options.root, file, set.missing_ids);
  dataset::LabelledPhotos joined =
      dataset::join_labels(dataset::read_labels(file), find_in(options, folders));
  if (joined.photos.empty())
    throw Error(fmt::format("{}: none of its photos is in the folders [{}] below {}", file.string(),
                            fmt::join(folders, ", "), options.root));
  std::ranges::move(joined.missing_ids, std::back_inserter(set.missing_ids));
  std::vector<Sample> samples;
  for (dataset::LabelledPhoto& photo : joined.photos)
    samples.push_back({std::move(photo.id), std::move(photo.path), photo.landmark});
  return samples;
}

void drop_small_landmarks(std::vector<Sample>& photos, int min_photos) {
  std::map<int64_t, int> counts;
  for (const auto& photo : photos) ++counts[photo.landmark];
  std::erase_if(photos, [&](const auto& photo) { return counts[photo.landmark] < min_photos; });
}

// Keeps the landmarks with most photos; of equal ones those of smaller id.
void keep_largest(std::vector<Sample>& photos, int landmarks) {
  std::map<int64_t, int> counts;
  for (const auto& photo : photos) ++counts[photo.landmark];
  std::vector<std::pair<int, int64_t>> by_size;
  for (const auto& [landmark, count] : counts) by_size.emplace_back(-count, landmark);
  std::ranges::sort(by_size);
  for (size_t i = static_cast<size_t>(landmarks); i < by_size.size(); ++i)
    counts[by_size[i].second] = 0;
  std::erase_if(photos, [&](const auto& photo) { return counts[photo.landmark] == 0; });
}

void require_possible_split(const DataOptions& options) {
  if (options.folds == 0) return;
  if (options.folds < 2 || options.fold < 0 || options.fold >= options.folds)
    throw Error(
        fmt::format("data.fold {} of data.folds {}: allowed are at least 2 folds, and a "
                    "fold from 0 to the one before their number",
                    options.fold, options.folds));
  if (!options.validation_table.empty())
    throw Error("data.folds and data.validation_table exclude each other; leave one out");
}

// Splits samples into train and validation.
void split(const DataOptions& options, uint64_t seed, TrainingSet& set) {
  const bool by_share = options.folds > 0 || options.validation_fraction > 0;
  if (!by_share || !options.validation_table.empty()) {
    for (size_t i = 0; i < set.samples.size(); ++i) set.train.push_back(i);
    return;
  }
  std::vector<int64_t> landmarks;
  for (const Sample& sample : set.samples) landmarks.push_back(sample.landmark);
  dataset::Split parts =
      options.folds > 0 ? dataset::stratified_fold(landmarks, options.folds, options.fold, seed)
                        : dataset::stratified_split(landmarks, options.validation_fraction, seed);
  const bool all_single = std::set(landmarks.begin(), landmarks.end()).size() == landmarks.size();
  if (all_single)
    throw Error(
        fmt::format("{}: no landmark has two photos, one to train and one to validate on; set "
                    "data.validation_fraction and data.folds to 0",
                    options.table));
  set.train = std::move(parts.train);
  set.validation = std::move(parts.validation);
}

// Adds the table's photos to samples, split into train and validation.
void add_labelled(const DataOptions& options, uint64_t seed, TrainingSet& set) {
  require_possible_split(options);
  std::vector<Sample> photos = labelled(options, options.table, options.photos, set);
  std::vector<Sample> without;  // a landmark
  std::erase_if(photos, [&](Sample& photo) {
    const bool none = photo.landmark < 0;
    if (none) without.push_back(std::move(photo));
    return none;
  });
  drop_small_landmarks(photos, options.min_photos);
  if (photos.empty())
    throw Error(fmt::format("{}: no landmark has {} photos; lower data.min_photos or add photos",
                            options.table, options.min_photos));
  if (options.debug_landmarks > 0) keep_largest(photos, options.debug_landmarks);
  add_origins(options, photos);
  set.samples = std::move(photos);
  split(options, seed, set);
  for (Sample& photo : without) {
    set.nonlandmark.push_back(set.samples.size());
    set.samples.push_back(std::move(photo));
  }
}

void add_validation_table(const DataOptions& options, TrainingSet& set) {
  for (Sample& photo :
       labelled(options, options.validation_table, options.validation_photos, set)) {
    set.validation.push_back(set.samples.size());
    set.samples.push_back(std::move(photo));
  }
}

void repeat_small_landmarks(const DataOptions& options, uint64_t seed, TrainingSet& set) {
  if (options.downsample && options.oversample == "none")
    throw Error("data.downsample needs data.oversample value or landmark, which say to how many");
  std::vector<int64_t> landmarks;
  for (const size_t i : set.train) landmarks.push_back(set.samples[i].landmark);
  if (options.oversample == "landmark" &&
      std::ranges::count(landmarks, options.oversample_landmark) == 0)
    throw Error(fmt::format(
        "data.oversample_landmark {}: {} has no photo of it to train on; name another landmark",
        options.oversample_landmark, options.table));
  const dataset::OversampleOptions how{options.oversample, options.oversample_to,
                                       options.oversample_landmark, options.downsample};
  for (const size_t i : dataset::oversample(landmarks, how, seed))
    set.epoch_samples.push_back(set.train[i]);
}

// Numbers the landmarks that are trained on.
void number_classes(TrainingSet& set) {
  std::map<int64_t, int64_t> counts;
  for (const size_t i : set.epoch_samples) ++counts[set.samples[i].landmark];
  std::map<int64_t, int64_t> class_of;
  for (const auto& [landmark, count] : counts) {
    class_of[landmark] = static_cast<int64_t>(set.landmark_of_class.size());
    set.landmark_of_class.push_back(landmark);
    set.photos_of_class.push_back(count);
  }
  for (Sample& sample : set.samples) {
    const auto found = class_of.find(sample.landmark);
    if (sample.landmark >= 0 && found != class_of.end()) sample.class_index = found->second;
  }
}

// A few training photos of every landmark, drawn by the seed.
void pick_references(int a_landmark, uint64_t seed, TrainingSet& set) {
  std::vector<size_t> shuffled = set.train;
  Rng::for_stream(seed, fnv1a("references")).shuffle(shuffled);
  std::map<int64_t, int> taken;
  for (const size_t i : shuffled)
    if (taken[set.samples[i].landmark]++ < a_landmark) set.references.push_back(i);
  std::ranges::sort(set.references);
}

// Adds the photos of the folders to samples and their positions to the list.
void add_without_label(const DataOptions& options, const std::vector<std::string>& folders,
                       TrainingSet& set, std::vector<size_t>& positions) {
  for (dataset::Photo& photo : find_in(options, folders)) {
    positions.push_back(set.samples.size());
    set.samples.push_back({std::move(photo.id), std::move(photo.path)});
  }
}

// Whether a folder is another one or below it.
bool is_within(const fs::path& folder, const fs::path& other) {
  return std::mismatch(other.begin(), other.end(), folder.begin(), folder.end()).first ==
         other.end();
}

// Sees through links and spellings ("a/", "./a").
void require_separate_folders(const DataOptions& options) {
  const auto resolved = [&](const std::string& folder) {
    const fs::path given = fs::path(options.root) / folder;
    std::error_code failed;  // find_photos says why a folder cannot be read
    fs::path path = fs::weakly_canonical(given, failed);
    if (failed) path = given.lexically_normal();
    return path.has_filename() ? path : path.parent_path();
  };
  for (const std::string& one : options.unlabelled) {
    for (const std::string& other : options.nonlandmark) {
      if (!is_within(resolved(one), resolved(other)) && !is_within(resolved(other), resolved(one)))
        continue;
      throw Error(
          fmt::format("data.unlabelled '{}' and data.nonlandmark '{}' share photos, which would "
                      "count twice; name each folder in one of them",
                      one, other));
    }
  }
}

}  // namespace

TrainingSet build_training_set(const DataOptions& options, uint64_t seed) {
  require_separate_folders(options);
  TrainingSet set;
  if (!options.table.empty()) add_labelled(options, seed, set);
  if (!options.validation_table.empty()) add_validation_table(options, set);
  repeat_small_landmarks(options, seed, set);
  number_classes(set);
  pick_references(options.validation_references, seed, set);
  add_without_label(options, options.unlabelled, set, set.unlabelled);
  add_without_label(options, options.nonlandmark, set, set.nonlandmark);
  if (set.train.empty() && set.unlabelled.empty())
    throw Error("no photos to train on: set data.table or data.unlabelled");
  return set;
}

}  // namespace cairn::data
