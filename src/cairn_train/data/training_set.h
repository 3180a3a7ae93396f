// Which photos a run trains on, validates with, and only distils from.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cairn::data {

inline constexpr std::array<const char*, 8> kContinents = {
    "Asia", "Europe", "Africa", "North America", "South America", "Antarctica", "Oceania", "OTHER"};

// Paths are below root unless absolute.
struct DataOptions {
  std::string root = ".";
  std::vector<std::string> photos = {"train"};  // folders with the table's photos
  std::string table = "train/train_clean.csv";  // empty: no labelled photos
  std::string
      clean_table;      // photos that it lacks are noisy; empty: none is. Lists say so themselves
  std::string country;  // folder of country files (dataset/countries.h); empty: none
  int min_photos = 2;   // landmarks with fewer are left out
  double validation_fraction = 0.15;  // of each landmark's photos; 0: none
  int folds = 0;                      // cross-validation instead of a fraction; 0: off
  int fold = 0;                       // which part is for validation, from 0
  std::string oversample = "none";    // see dataset::OversampleOptions
  int oversample_to = 5;
  int64_t oversample_landmark = 0;
  bool downsample = false;
  int debug_landmarks = 0;                     // only those with most photos; 0: all
  std::string validation_table;                // instead of a fraction
  std::vector<std::string> validation_photos;  // folders with that table's photos
  int validation_references = 8;               // training photos a landmark to compare with
  std::vector<std::string> unlabelled;         // folders of photos for distillation
  std::vector<std::string> nonlandmark;        // folders of photos that show no landmark
  int cache_mb = 4000;                         // memory for decoded photos
};

struct Sample {
  std::string id;
  std::filesystem::path path;
  int64_t landmark = -1;     // -1: unlabelled
  int64_t class_index = -1;  // of the classifier; -1: none (unlabelled, or never trained on)
  bool noisy = false;        // its label was not confirmed by hand
  int continent = -1;        // position in kContinents; -1: unknown
};

struct TrainingSet {
  std::vector<Sample> samples;
  // Positions in samples, ascending.
  std::vector<size_t> train;
  std::vector<size_t> epoch_samples;  // of train, with the repeats of oversampling
  std::vector<size_t> validation;
  std::vector<size_t> references;  // of train; what validation photos are compared with
  std::vector<size_t> unlabelled;
  std::vector<size_t> nonlandmark;
  std::vector<int64_t> landmark_of_class;  // ascending
  std::vector<int64_t> photos_of_class;    // in epoch_samples
  std::vector<std::string> missing_ids;    // in the tables, not on disk
};

// A table is one that dataset::read_labels reads, or a list of `cairn lists` (dataset/list_file.h),
// whose paths, noisy flags and continents are used, and whose photos without a landmark join
// nonlandmark. Throws Error where folders or tables are missing or no photo is left to train on.
// Same seed, same set.
TrainingSet build_training_set(const DataOptions& options, uint64_t seed);

}  // namespace cairn::data
