// Where the parts of a Google Landmarks v2 dataset lie.
//
//   ROOT/train/0/1/2/0123….jpg
//   ROOT/train/train.csv                        id,url,landmark_id
//   ROOT/train/train_clean.csv                  landmark_id,images
//   ROOT/train/train_label_to_category.csv      landmark_id,category
//   ROOT/index/…
//   ROOT/index/index_image_to_landmark.csv      id,landmark_id
//   ROOT/index/index_label_to_category.csv      landmark_id,category
//   ROOT/test/…
//   ROOT/test/recognition_solution_v2.1.csv     id,landmarks,Usage
//   ROOT/test/retrieval_solution_v2.1.csv       id,images,Usage
//   ROOT/country/… or ROOT/country_info/…       country files (countries.h)
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cairn::dataset {

// Paths of the parts that exist; the others are empty. A table may also lie in ROOT itself, as in
// the Kaggle downloads. Of the solution files version 2.1 is taken, or else the last by name of
// recognition_solution*.csv and retrieval_solution*.csv.
struct GldRoot {
  // Looks for the parts. Throws Error where root is no readable folder.
  explicit GldRoot(const std::filesystem::path& root);

  std::filesystem::path root;
  std::filesystem::path train;  // folders of photos
  std::filesystem::path index;
  std::filesystem::path test;
  std::filesystem::path train_table;
  std::filesystem::path train_clean_table;
  std::filesystem::path train_categories;
  std::filesystem::path index_table;
  std::filesystem::path index_categories;
  std::filesystem::path recognition_solution;
  std::filesystem::path retrieval_solution;
  std::filesystem::path countries;  // folder of country files

  // The part, or an Error that says what is missing where: need(&GldRoot::train_table,
  // "train/train.csv").
  const std::filesystem::path& need(std::filesystem::path GldRoot::*part,
                                    const std::string& name) const;
};

}  // namespace cairn::dataset
