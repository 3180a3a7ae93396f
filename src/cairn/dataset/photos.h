// Photos on disk and the label tables of the Google Landmarks v2 layout (gld_root.h says where they
// lie, solutions.h reads the answers of the test photos).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cairn::dataset {

namespace fs = std::filesystem;

// Paths are strings: a std::filesystem::path takes four times the memory, and there are millions.
struct Photo {
  std::string id;
  std::string path;
};

// By its ending: jpg, jpeg, png, webp, heic, heif; any case.
bool looks_like_photo(const std::string& path);

// All files below a folder that look like photos, sorted by id. An id is the file name without the
// ending; where photos of the folder share that, each gets its relative path without the ending,
// and where they share even that (a.jpg beside a.png), the relative path.
//
// Links are followed, every folder is entered once. Unreadable subfolders and names with a line
// break are left out with a warning. Dangling links are listed (reading them then fails with a
// reason). Throws Error when the folder itself is missing or unreadable.
std::vector<Photo> find_photos(const fs::path& folder);

// A labelled photo. landmark is the dataset's own landmark id.
struct Label {
  std::string id;
  int64_t landmark = 0;
};

// Any table with columns id and landmark_id (train.csv, index_image_to_landmark.csv), or
// landmark_id and images (train_clean.csv). A row that repeats an earlier one is dropped. Throws
// Error with file and line on a malformed row, a landmark id that is no number, or an id given two
// different landmarks. Only in lists (list_file.h; told by their column noisy) may a photo have
// several landmarks.
std::vector<Label> read_labels(const fs::path& table);

// A photo with a landmark, found on disk.
struct LabelledPhoto {
  std::string id;
  std::string path;
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
// positions, each part in ascending order. Same seed, same split. fraction 0 leaves the second part
// empty; throws Error unless 0 <= fraction < 1.
struct Split {
  std::vector<size_t> train;
  std::vector<size_t> validation;
};
Split stratified_split(const std::vector<int64_t>& landmarks, double validation_fraction,
                       uint64_t seed);

// Cross-validation: part `fold` of `folds` is for validation. Over all parts every photo is in one
// validation part, but the photo of a landmark with one, which stays in training. Each landmark
// keeps a training photo. Same seed, same parts. Throws Error unless folds ≥ 2 and 0 ≤ fold <
// folds.
Split stratified_fold(const std::vector<int64_t>& landmarks, int folds, int fold, uint64_t seed);

// How many rows of each landmark the vt reference (scikit-learn's train_test_split) puts on each
// side: floor((1-fraction)·n) and the rest in all, by largest remainders; equal remainders by
// landmark id instead of at random. The reference splits repeated rows this way, so that photos of
// small landmarks stand on both sides; stratified_split() does not.
struct SplitCounts {
  int64_t train = 0;
  int64_t validation = 0;
};
std::map<int64_t, SplitCounts> reference_split_counts(const std::map<int64_t, int64_t>& counts,
                                                      double validation_fraction);

}  // namespace cairn::dataset
