// The photo lists of the Google Landmark Retrieval 2021 2nd place solution (Zhang et al., arXiv
// 2110.04294), from the tables of Google Landmarks v2. Photos need not be on disk.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/dataset/countries.h"
#include "cairn/dataset/gld_root.h"
#include "cairn/dataset/list_file.h"
#include "cairn/dataset/photos.h"

namespace cairn::dataset {

enum class GldList {
  kClean,       // train_clean.csv, in its order
  kC2x,         // the rows of train.csv whose landmark is in train_clean.csv
  kFull,        // train.csv
  kIndexTrain,  // full, then the index photos whose category train knows
  kAll,    // index_train, then the test photos: one row for each landmark, -1 for non-landmarks
  kIndex,  // the index photos of index_train; with expanded_index every ground-truth image
  kTestSample,  // of the first two index photos of each landmark, as many as asked for
};
inline constexpr std::array kGldLists = {GldList::kClean,      GldList::kC2x, GldList::kFull,
                                         GldList::kIndexTrain, GldList::kAll, GldList::kIndex,
                                         GldList::kTestSample};
// "clean", "c2x", "full", "index_train", "all", "index", "test_sample".
const char* name_of(GldList list);

struct GldListOptions {
  std::filesystem::path countries = {};  // folder of country files; empty: that of the root
  size_t test_sample = 20000;            // photos; all candidates where there are no more
  uint64_t seed = 0;                     // of the test sample
  bool expanded_index = false;
};

class GldLists {
 public:
  // A landmark; its position is its global id. Those of train_clean.csv come first, in its order,
  // then the others by first appearance in train.csv.
  struct Landmark {
    int64_t original = 0;  // landmark_id of train.csv
    std::string category;  // "Eiffel_Tower"; empty: not in train_label_to_category.csv
    Place place;
  };

  // What the tables name and no list holds.
  struct Dropped {
    size_t index_photos = 0;  // of categories that train does not know
    size_t queries = 0;  // test photos, all of whose ground-truth images are of such categories
  };

  // A row before its path and place are written out. id lives as long as the lists.
  struct Entry {
    const std::string* id = nullptr;
    const char* part = "";  // "train", "index" or "test"
    int64_t landmark = kNoLandmark;
    bool noisy = false;
  };

  // Reads the tables: about 150 bytes a photo. An index photo belongs to the landmark of its
  // category, to the last of train_label_to_category.csv where several share it. Throws Error where
  // a table is missing or malformed.
  explicit GldLists(const GldRoot& root, const GldListOptions& options = {});

  void for_each(GldList list, const std::function<void(const Entry&)>& take) const;
  ListRow row(const Entry& entry) const;

  const std::vector<Landmark>& landmarks() const { return landmarks_; }
  size_t clean_landmarks() const { return clean_landmarks_; }
  const Dropped& dropped() const { return dropped_; }
  bool knows_countries() const { return knows_countries_; }

 private:
  using Categories = std::vector<std::pair<int64_t, std::string>>;
  void read_train(const GldRoot& root);
  void read_index(const GldRoot& root, const Categories& categories);
  void read_test(const GldRoot& root);
  void draw_test_sample(const GldListOptions& options);

  std::vector<Landmark> landmarks_;
  size_t clean_landmarks_ = 0;
  bool knows_countries_ = false;
  bool expanded_index_ = false;
  Dropped dropped_;
  // Labels hold global ids.
  std::vector<Label> clean_;
  std::vector<Label> train_;
  std::vector<bool> noisy_;   // of train_
  std::vector<Label> index_;  // of known landmarks
  std::vector<Label> test_;
  std::vector<Label> index_extra_;   // ground-truth images without a known landmark
  std::vector<size_t> test_sample_;  // positions in index_, ascending
};

}  // namespace cairn::dataset
