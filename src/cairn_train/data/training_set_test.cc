#include "cairn_train/data/training_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::data {
namespace {

class TrainingSetTest : public ::testing::Test {
 protected:
  TrainingSetTest() {
    std::string table = "id,url,landmark_id\n";
    const auto add = [&](const std::string& id, int landmark, bool on_disk) {
      table += id + ",," + std::to_string(landmark) + "\n";
      if (on_disk) write("train/" + id + ".jpg");
    };
    for (int i = 0; i < 10; ++i) add("seven" + std::to_string(i), 7, true);
    for (int i = 0; i < 6; ++i) add("five" + std::to_string(i), 5, true);
    add("single", 9, true);
    add("lost", 5, false);
    write_text_atomically(folder_ / "train" / "train.csv", table);
    write("other/a.jpg");
    options_.root = folder_.path().string();
    options_.table = "train/train.csv";
  }
  void write(const std::string& name) {
    make_folder((folder_ / name).parent_path());
    write_text_atomically(folder_ / name, "x");
  }

  testing::TempDir folder_;
  DataOptions options_;
};

TEST_F(TrainingSetTest, splits_by_landmark_and_numbers_the_classes_by_landmark_id) {
  options_.validation_fraction = 0.2;
  options_.validation_references = 3;
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_EQ(set.landmark_of_class, (std::vector<int64_t>{5, 7}));
  EXPECT_EQ(set.photos_of_class, (std::vector<int64_t>{5, 8}));
  EXPECT_EQ(set.validation.size(), 3U);
  EXPECT_EQ(set.references.size(), 6U);
  EXPECT_EQ(set.missing_ids, std::vector<std::string>{"lost"});
  for (const size_t i : set.validation) EXPECT_FALSE(std::ranges::binary_search(set.train, i));
  for (const size_t i : set.references) EXPECT_TRUE(std::ranges::binary_search(set.train, i));
  for (const size_t i : set.train)
    EXPECT_EQ(set.landmark_of_class[static_cast<size_t>(set.samples[i].class_index)],
              set.samples[i].landmark);
}

TEST_F(TrainingSetTest, unlabelled_photos_have_no_class) {
  options_.unlabelled = {"other"};
  options_.min_photos = 1;
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_EQ(set.landmark_of_class.size(), 3U);
  ASSERT_EQ(set.unlabelled.size(), 1U);
  EXPECT_EQ(set.samples[set.unlabelled[0]].id, "a");
  EXPECT_EQ(set.samples[set.unlabelled[0]].class_index, -1);
}

TEST_F(TrainingSetTest, nonlandmark_photos_are_a_list_of_their_own) {
  options_.nonlandmark = {"other"};
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_TRUE(set.unlabelled.empty());
  ASSERT_EQ(set.nonlandmark.size(), 1U);
  EXPECT_EQ(set.samples[set.nonlandmark[0]].id, "a");
  EXPECT_EQ(set.samples[set.nonlandmark[0]].class_index, -1);
  EXPECT_FALSE(std::ranges::binary_search(set.train, set.nonlandmark[0]));
}

TEST_F(TrainingSetTest, a_validation_table_replaces_the_split) {
  write("index/q.jpg");
  write_text_atomically(folder_ / "index.csv", "id,landmark_id\nq,7\n");
  options_.validation_table = "index.csv";
  options_.validation_photos = {"index"};
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_EQ(set.train.size(), 16U);
  ASSERT_EQ(set.validation.size(), 1U);
  EXPECT_EQ(set.samples[set.validation[0]].class_index, 1);
}

TEST_F(TrainingSetTest, oversampling_repeats_training_photos_and_counts_them) {
  options_.validation_fraction = 0.2;  // leaves 5 photos of landmark 5 and 8 of landmark 7
  const TrainingSet plain = build_training_set(options_, 1);
  EXPECT_EQ(plain.epoch_samples, plain.train);
  options_.oversample = "value";
  options_.oversample_to = 7;
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_EQ(set.train, plain.train);
  EXPECT_EQ(set.validation, plain.validation);
  EXPECT_EQ(set.references, plain.references);
  EXPECT_EQ(set.photos_of_class, (std::vector<int64_t>{7, 8}));
  EXPECT_EQ(set.epoch_samples.size(), 15U);
  for (const size_t i : set.epoch_samples) EXPECT_TRUE(std::ranges::binary_search(set.train, i));
  options_.downsample = true;
  EXPECT_EQ(build_training_set(options_, 1).photos_of_class, (std::vector<int64_t>{7, 7}));
  options_.downsample = false;
  options_.oversample = "landmark";
  options_.oversample_landmark = 7;
  EXPECT_EQ(build_training_set(options_, 1).photos_of_class, (std::vector<int64_t>{8, 8}));
}

TEST_F(TrainingSetTest, folds_validate_on_every_photo_once) {
  options_.folds = 4;
  std::vector<size_t> validated;
  for (options_.fold = 0; options_.fold < 4; ++options_.fold) {
    const TrainingSet set = build_training_set(options_, 1);
    EXPECT_EQ(set.landmark_of_class, (std::vector<int64_t>{5, 7}));
    EXPECT_EQ(set.train.size() + set.validation.size(), 16U);
    validated.insert(validated.end(), set.validation.begin(), set.validation.end());
  }
  std::ranges::sort(validated);
  ASSERT_EQ(validated.size(), 16U);
  for (size_t i = 0; i < 16; ++i) EXPECT_EQ(validated[i], i);
}

TEST_F(TrainingSetTest, debug_landmarks_keeps_those_with_most_photos) {
  options_.debug_landmarks = 1;
  EXPECT_EQ(build_training_set(options_, 1).landmark_of_class, std::vector<int64_t>{7});
  options_.debug_landmarks = 5;
  EXPECT_EQ(build_training_set(options_, 1).landmark_of_class, (std::vector<int64_t>{5, 7}));
}

TEST_F(TrainingSetTest, impossible_choices_name_their_key) {
  const auto error_of = [&](const std::function<void(DataOptions&)>& change) -> std::string {
    DataOptions changed = options_;
    change(changed);
    try {
      build_training_set(changed, 1);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const auto expect_named = [&](const std::string& text,
                                const std::function<void(DataOptions&)>& change) {
    EXPECT_NE(error_of(change).find(text), std::string::npos) << error_of(change);
  };
  expect_named("data.fold 3 of data.folds 3", [](DataOptions& o) { o.folds = o.fold = 3; });
  expect_named("data.fold -1 of data.folds 3", [](DataOptions& o) {
    o.folds = 3;
    o.fold = -1;
  });
  expect_named("data.folds 1", [](DataOptions& o) { o.folds = 1; });
  expect_named("data.folds and data.validation_table", [](DataOptions& o) {
    o.folds = 3;
    o.validation_table = "train/train.csv";
  });
  expect_named("data.oversample_landmark 9", [](DataOptions& o) {
    o.oversample = "landmark";
    o.oversample_landmark = 9;  // in the table, but left out as it has one photo
  });
  expect_named("data.downsample needs", [](DataOptions& o) { o.downsample = true; });
  write_text_atomically(folder_ / "singles.csv", "id,landmark_id\nseven0,1\nseven1,2\n");
  expect_named("no landmark has two photos", [](DataOptions& o) {
    o.table = "singles.csv";
    o.min_photos = 1;
  });
}

TEST_F(TrainingSetTest, a_folder_is_unlabelled_or_without_landmark_not_both) {
  write("other/below/b.jpg");
  write("another/c.jpg");
  options_.nonlandmark = {"other"};
  for (const std::string folder : {"other", "other/", "./train/../other", "other/below", "."}) {
    options_.unlabelled = {folder};
    EXPECT_THROW(build_training_set(options_, 1), Error) << folder;
  }
  options_.unlabelled = {"another", "train"};
  EXPECT_EQ(build_training_set(options_, 1).unlabelled.size(), 18U);
}

TEST_F(TrainingSetTest, the_clean_table_and_the_country_files_say_what_is_noisy_and_where) {
  write_text_atomically(folder_ / "clean.csv", "landmark_id,images\n7,seven0 seven1 five0\n");
  write_text_atomically(folder_ / "train/train_label_to_category.csv",
                        "landmark_id,category\n5,http://commons.wikimedia.org/wiki/Category:Five\n"
                        "7,http://commons.wikimedia.org/wiki/Category:Seven\n");
  make_folder(folder_ / "country");
  write_text_atomically(folder_ / "country/FR.json", "[{\"name\": \"Five\", \"id\": 5}]");
  write_text_atomically(folder_ / "country/country_codes.json", "{\"FR\": \"FR\"}");
  write_text_atomically(folder_ / "country/continent_codes.csv",
                        "Continent_Name,Two_Letter_Country_Code\nEurope,FR\n");
  for (const Sample& sample : build_training_set(options_, 1).samples) {
    EXPECT_FALSE(sample.noisy);
    EXPECT_EQ(sample.continent, -1);
  }
  options_.clean_table = "clean.csv";
  options_.country = "country";
  for (const Sample& sample : build_training_set(options_, 1).samples) {
    // five0 is in the table, but as another landmark.
    EXPECT_EQ(sample.noisy, sample.id != "seven0" && sample.id != "seven1") << sample.id;
    EXPECT_STREQ(kContinents.at(static_cast<size_t>(sample.continent)),
                 sample.landmark == 5 ? "Europe" : "OTHER");
  }
  options_.country = "nowhere";
  EXPECT_THROW(build_training_set(options_, 1), Error);
}

TEST_F(TrainingSetTest, a_list_brings_paths_noise_continents_and_photos_without_landmark) {
  write("index/a/q.jpg");
  write_text_atomically(folder_ / "all.csv",
                        "id,landmark_id,path,noisy,country,continent\n"
                        "seven0,4,train/seven0.jpg,0,FR,Europe\n"
                        "seven1,4,train/seven1.jpg,1,FR,Europe\n"
                        "q,4,index/a/q.jpg,0,XX,Atlantis\n"
                        "q,3,index/a/q.jpg,0,,\n"
                        "a,-1,other/a.jpg,0,,\n"
                        "lost,4,train/lost.jpg,0,FR,Europe\n");
  options_.table = "all.csv";
  options_.min_photos = 1;
  options_.validation_fraction = 0;
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_EQ(set.landmark_of_class, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(set.missing_ids, std::vector<std::string>{"lost"});
  ASSERT_EQ(set.train.size(), 4U);
  EXPECT_EQ(set.samples[1].path, folder_ / "train/seven1.jpg");
  EXPECT_TRUE(set.samples[1].noisy);
  EXPECT_EQ(set.samples[1].continent, 1);
  EXPECT_STREQ(kContinents.at(static_cast<size_t>(set.samples[2].continent)), "OTHER");
  EXPECT_EQ(set.samples[3].continent, -1);
  ASSERT_EQ(set.nonlandmark.size(), 1U);
  EXPECT_EQ(set.samples[set.nonlandmark[0]].id, "a");
  write_text_atomically(folder_ / "none.csv",
                        "id,landmark_id,path,noisy,country,continent\nx,1,x.jpg,0,,\n");
  options_.table = "none.csv";
  EXPECT_THROW(build_training_set(options_, 1), Error);
}

TEST_F(TrainingSetTest, nothing_to_train_on_is_an_error) {
  options_.photos = {"other"};
  EXPECT_THROW(build_training_set(options_, 1), Error);
  options_.photos = {"train"};
  options_.min_photos = 11;
  EXPECT_THROW(build_training_set(options_, 1), Error);
  options_.table = "";
  EXPECT_THROW(build_training_set(options_, 1), Error);
}

}  // namespace
}  // namespace cairn::data
