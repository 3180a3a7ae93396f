// The synthetic world: landmarks, their photos and the tables of the Google Landmarks v2 layout.
//
//   OUT/train/a/b/c/ID.jpg   train/train.csv, train_clean.csv, train_label_to_category.csv
//   OUT/index/…              index/index_image_to_landmark.csv, index_label_to_category.csv
//   OUT/test/…               test/recognition_solution_v2.1.csv, retrieval_solution_v2.1.csv
//   OUT/nonlandmark/…        photos known to show no landmark
//   OUT/country/             CC.json, country_codes.json, continent_codes.csv
//   OUT/world.json           how every photo was taken (docs/formats.md)
//
// The index also holds photos without a label: some show no landmark, some show landmarks that are
// in no table. Test photos are taken from directions that no photo of train or index was taken
// from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace cairn::synth {

struct WorldOptions {
  int landmarks = 12;
  int photos = 40;  // of each landmark, over train, index and test; at least 4
  int size = 192;   // longer side of a photo in pixels, 32–4096
  uint64_t seed = 1;
  int nonlandmarks = -1;       // photos in nonlandmark/; -1: a quarter of the landmark photos
  int test_nonlandmarks = -1;  // -1: as many as test photos of landmarks
  int distractors = -1;        // photos without label in the index; -1: half of its labelled photos
  double wrong_labels = 0.02;  // share of train.csv; train_clean.csv leaves them out
  double difficulty = 0.5;     // 0–1: light, weather, people, near and far views
  int threads = 0;             // 0: all cores; the bytes do not depend on it
  bool force = false;          // replace an older world
};

struct WorldSummary {
  size_t train = 0, index = 0, test = 0, nonlandmark = 0;
  size_t total() const { return train + index + test + nonlandmark; }
};

enum class Side { kTrain, kIndex, kTest, kNonlandmark };
const char* folder_of(Side side);

// One photo before it is taken.
struct PlannedPhoto {
  std::string id;  // 16 hex digits
  Side side = Side::kTrain;
  int landmark = -1;        // position in landmarks; -1: none
  float azimuth = 0;        // of landmarks: radians from the front
  int64_t train_label = 0;  // what train.csv says
  bool in_public = false;   // test: Usage is Public
};

struct PlannedLandmark {
  int64_t id = 0;       // landmark_id; 0 for those in no table
  std::string name;     // "Tower_of_Velmora"
  std::string country;  // two letters or OTHER
  size_t family = 0;
};

// Everything about a world but the pixels: the same for the same options.
struct WorldPlan {
  std::vector<PlannedLandmark> landmarks;  // those with an id come first
  std::vector<PlannedPhoto> photos;
};
WorldPlan plan_world(const WorldOptions& options);

// Draws the world into folder. Photos appear under `folder`.partial; the final name appears when
// all is complete, and an exception takes everything away. progress is called by one thread at a
// time and may throw to end the work. Throws Error on bad options and where folder is not empty
// (with force: where it is not an older world).
WorldSummary write_world(const WorldOptions& options, const std::filesystem::path& folder,
                         const std::function<void(uint64_t done, uint64_t total)>& progress = {});

}  // namespace cairn::synth
