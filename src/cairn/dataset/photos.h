// Photos on disk and the tables of the Google Landmarks v2 layout.
//
//   ROOT/train/0/1/2/0123….jpg   train/train.csv (id,url,landmark_id)   train/train_clean.csv
//   (landmark_id,images) ROOT/index/…                 index/index_image_to_landmark.csv
//   (id,landmark_id) ROOT/test/…                  test/recognition_solution_v2.1.csv
//   (id,landmarks,Usage)
//                                test/retrieval_solution_v2.1.csv (id,images,Usage)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

namespace cairn::dataset {

namespace fs = std::filesystem;

struct Photo {
  std::string id;
  fs::path path;
};

// All files below a folder that look like photos (by their ending: jpg, jpeg, png, webp, heic,
// heif; any case), sorted by id. An id is the file name without the ending; photos of the folder
// that share a file name get the relative path without the ending. Dangling links are listed too
// (reading them then fails with a reason). Throws Error when the folder is missing or unreadable.
std::vector<Photo> find_photos(const fs::path& folder);

// A labelled photo. landmark is the dataset's own landmark id.
struct Label {
  std::string id;
  int64_t landmark = 0;
};

// Any table with columns id and landmark_id (train.csv, index_image_to_landmark.csv), or
// landmark_id and images (train_clean.csv). Throws Error with file and line on a malformed row, a
// landmark id that is no number, or an id given two different landmarks.
std::vector<Label> read_labels(const fs::path& table);

// A photo with a landmark, found on disk.
struct LabelledPhoto {
  std::string id;
  fs::path path;
  int64_t landmark = 0;
};

struct LabelledPhotos {
  std::vector<LabelledPhoto> photos;     // in the table's order
  std::vector<std::string> missing_ids;  // in the table, not on disk
};

// Joins a table with the photos of a folder by id.
LabelledPhotos join_labels(const std::vector<Label>& labels, const std::vector<Photo>& photos);

// Splits so that each landmark with at least two photos gives round(fraction × its photos), at
// least one and not all, to the second part; landmarks with one photo stay in the first. Returns
// positions, each part in ascending order. Same seed, same split.
struct Split {
  std::vector<size_t> train;
  std::vector<size_t> validation;
};
Split stratified_split(const std::vector<int64_t>& landmarks, double validation_fraction,
                       uint64_t seed);

}  // namespace cairn::dataset
