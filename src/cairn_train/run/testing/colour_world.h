// What tests of whole training runs train on.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cairn/base/csv.h"
#include "cairn/base/files.h"
#include "cairn/base/random.h"
#include "cairn/base/testing/testing.h"
#include "cairn/image/image.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

// A world of three landmarks: photos of one colour with noise.
class ColourWorld : public ::testing::Test {
 protected:
  static constexpr int kPhotoSide = 36;
  static constexpr int kLandmarks = 3;
  static constexpr int kPhotosALandmark = 8;

  ColourWorld() {
    std::string table = "id,url,landmark_id\n";
    make_folder(folder_ / "world/train");
    for (int landmark = 0; landmark < kLandmarks; ++landmark) {
      for (int i = 0; i < kPhotosALandmark; ++i) {
        const std::string id = fmt::format("p{}{}", landmark, i);
        write_file_atomically(folder_ / "world/train" / (id + ".jpg"),
                              image::encode_jpeg(photo(landmark, i), 90));
        table += fmt::format("{},,{}\n", id, 100 + landmark);
      }
    }
    write_text_atomically(folder_ / "world/train/train.csv", table);
  }

  static image::Image photo(int landmark, int number) {
    image::Image photo{kPhotoSide, kPhotoSide,
                       std::vector<uint8_t>(size_t{kPhotoSide} * kPhotoSide * 3)};
    Rng random = Rng::for_stream(5, static_cast<uint64_t>(landmark), static_cast<uint64_t>(number));
    for (size_t p = 0; p < photo.pixels.size(); ++p) {
      const int level = static_cast<int>(p % 3) == landmark ? 200 : 60;
      photo.pixels[p] = static_cast<uint8_t>(level + static_cast<int>(random.below(50)) - 25);
    }
    return photo;
  }

  Recipe recipe(const std::string& out) const {
    Recipe recipe;
    recipe.out = (folder_ / out).string();
    recipe.size = 32;
    recipe.batch = 6;
    recipe.threads = 1;
    recipe.data.root = (folder_ / "world").string();
    recipe.data.table = "train/train.csv";
    recipe.data.validation_fraction = 0.25;
    recipe.model.embedding_dim = 16;
    recipe.model.neck = "fc-bn";
    recipe.schedule.epochs = 2;
    recipe.checkpoint.minutes = 0;
    return recipe;
  }

  std::vector<uint8_t> bytes(const std::string& file) const { return read_file(folder_ / file); }

  // A column of curves.csv.
  std::vector<double> curve(const std::string& out, const std::string& column) const {
    CsvReader reader(folder_ / out / "curves.csv");
    std::vector<std::string> fields;
    std::vector<double> values;
    while (reader.next(fields)) values.push_back(std::stod(fields[reader.column(column)]));
    return values;
  }

  testing::TempDir folder_;
};

}  // namespace cairn::run
