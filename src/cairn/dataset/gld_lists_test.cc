#include "cairn/dataset/gld_lists.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/dataset/gld_list_files.h"

namespace cairn::dataset {
namespace {

using cairn::testing::TempDir;

constexpr const char* kCategory = "http://commons.wikimedia.org/wiki/Category:";

// Landmarks 50 (Namibia), 60 (its URL has a comma and quotes), 70 (in no country file, not clean).
class Lists : public ::testing::Test {
 protected:
  void SetUp() override {
    write("train/train_clean.csv", "landmark_id,images\n50,aaa1 aaa2\n60,bbb1\n");
    write("train/train.csv",
          "id,url,landmark_id\n"
          "ccc1,https://x/c.jpg,70\n"
          "bbb1,\"https://x/b,1 \"\"b\"\".jpg\",60\n"
          "aaa1,,50\naaa2,,60\naaa3,,50\n");
    write("train/train_label_to_category.csv",
          std::string("landmark_id,category\n50,") + kCategory +
              "Kolmanskop\n60,\"https://commons.wikimedia.org/wiki/Category:A,_\"\"B\"\"\"\n70," +
              kCategory + "Atlantis\n");
    write("index/index_label_to_category.csv",
          std::string("landmark_id,category\n1,") + kCategory + "Kolmanskop\n2," + kCategory +
              "Unknown_to_train\n3," + kCategory + "Atlantis\n");
    write("index/index_image_to_landmark.csv",
          "id,landmark_id\nddd1,1\nddd2,2\nddd3,1\nddd4,3\nddd5,1\n");
    write("test/retrieval_solution_v2.1.csv",
          "id,images,Usage\nee,ddd4 ddd1,Public\neee2,None,Ignored\neee3,ddd2 fff1,Private\n");
    write("country/country_codes.json", R"({"NA": "na", "FR": "fr"})");
    write("country/NA.json", R"([{"name": "Kolmanskop"}])");
    write("country/FR.json", R"([{"name": "A,_\"B\""}])");
    write("country/continent_codes.csv",
          "Continent_Name,Two_Letter_Country_Code\nAfrica,NA\nEurope,FR\n");
  }
  void write(const std::string& name, const std::string& text) {
    make_folder((dir_ / name).parent_path());
    write_text_atomically(dir_ / name, text);
  }
  GldLists lists(const GldListOptions& options = {}) {
    return GldLists(GldRoot(dir_.path()), options);
  }
  static std::string lines(const GldLists& lists, GldList list) {
    std::string text;
    lists.for_each(list, [&](const auto& entry) { text += list_line(lists.row(entry)); });
    return text;
  }
  std::string error() {
    try {
      lists();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TempDir dir_;
};

TEST_F(Lists, number_clean_landmarks_first_and_mark_what_is_not_clean) {
  const GldLists lists = this->lists();
  EXPECT_EQ(lines(lists, GldList::kClean),
            "aaa1,0,train/a/a/a/aaa1.jpg,0,NA,Africa\n"
            "aaa2,0,train/a/a/a/aaa2.jpg,0,NA,Africa\n"
            "bbb1,1,train/b/b/b/bbb1.jpg,0,FR,Europe\n");
  EXPECT_EQ(lines(lists, GldList::kC2x),
            "bbb1,1,train/b/b/b/bbb1.jpg,0,FR,Europe\n"
            "aaa1,0,train/a/a/a/aaa1.jpg,0,NA,Africa\n"
            "aaa2,1,train/a/a/a/aaa2.jpg,1,FR,Europe\n"  // clean as another landmark only
            "aaa3,0,train/a/a/a/aaa3.jpg,1,NA,Africa\n");
  EXPECT_EQ(lines(lists, GldList::kFull),
            "ccc1,2,train/c/c/c/ccc1.jpg,1,,OTHER\n" + lines(lists, GldList::kC2x));
}

TEST_F(Lists, join_index_photos_by_category_and_test_photos_by_their_answers) {
  const GldLists lists = this->lists();
  const std::string index =
      "ddd1,0,index/d/d/d/ddd1.jpg,0,NA,Africa\n"
      "ddd3,0,index/d/d/d/ddd3.jpg,0,NA,Africa\n"
      "ddd4,2,index/d/d/d/ddd4.jpg,0,,OTHER\n"
      "ddd5,0,index/d/d/d/ddd5.jpg,0,NA,Africa\n";
  EXPECT_EQ(lines(lists, GldList::kIndex), index);
  EXPECT_EQ(lines(lists, GldList::kIndexTrain), lines(lists, GldList::kFull) + index);
  EXPECT_EQ(lines(lists, GldList::kAll), lines(lists, GldList::kIndexTrain) +
                                             "ee,0,test/e/e/ee.jpg,0,NA,Africa\n"
                                             "ee,2,test/e/e/ee.jpg,0,,OTHER\n"
                                             "eee2,-1,test/e/e/e/eee2.jpg,0,,\n");
  EXPECT_EQ(lists.dropped().index_photos, 1U);
  EXPECT_EQ(lists.dropped().queries, 1U);
}

TEST_F(Lists, expand_the_index_by_every_ground_truth_image) {
  EXPECT_EQ(lines(lists({.expanded_index = true}), GldList::kIndex),
            lines(lists(), GldList::kIndex) +
                "ddd2,-1,index/d/d/d/ddd2.jpg,0,,\nfff1,-1,index/f/f/f/fff1.jpg,0,,\n");
}

TEST_F(Lists, sample_the_first_two_index_photos_of_each_landmark_by_the_seed) {
  const auto sample = [&](size_t photos, uint64_t seed) {
    return lines(lists({.test_sample = photos, .seed = seed}), GldList::kTestSample);
  };
  const std::string all = sample(100, 0);
  EXPECT_EQ(all,
            "ddd1,0,index/d/d/d/ddd1.jpg,0,NA,Africa\n"
            "ddd3,0,index/d/d/d/ddd3.jpg,0,NA,Africa\n"
            "ddd4,2,index/d/d/d/ddd4.jpg,0,,OTHER\n");
  EXPECT_EQ(sample(0, 0), "");
  std::set<std::string> drawn;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    drawn.insert(sample(1, seed));
    EXPECT_EQ(sample(1, seed), sample(1, seed));
  }
  EXPECT_EQ(drawn.size(), 3U);
}

TEST_F(Lists, do_without_country_files) {
  fs::remove_all(dir_ / "country");
  const GldLists lists = this->lists();
  EXPECT_FALSE(lists.knows_countries());
  EXPECT_EQ(lines(lists, GldList::kClean).substr(0, 36), "aaa1,0,train/a/a/a/aaa1.jpg,0,,OTHER");
}

TEST_F(Lists, name_the_table_that_is_missing_or_contradicts_itself) {
  for (const std::string table :
       {"train/train_clean.csv", "train/train_label_to_category.csv", "train/train.csv",
        "index/index_label_to_category.csv", "index/index_image_to_landmark.csv",
        "test/retrieval_solution_v2.1.csv"}) {
    const std::string text = read_text(dir_ / table);
    fs::remove(dir_ / table);
    EXPECT_NE(error().find("no " + table), std::string::npos) << error();
    write(table, text + text.substr(text.find('\n') + 1) + "x\n");
    EXPECT_NE(error().find(table + ":"), std::string::npos) << error();
    write(table, text);
  }
  write("train/train.csv", "id,url,landmark_id\n../aaa1,,50\n");
  EXPECT_NE(error().find("train.csv: photo id \"../aaa1\" holds a slash"), std::string::npos)
      << error();
  write("train/train.csv", "id,url,landmark_id\naaa1,,50\naaa1,,60\n");
  EXPECT_NE(error().find("train.csv:3: photo aaa1 has landmark 60 here and 50 earlier"),
            std::string::npos)
      << error();
}

TEST_F(Lists, are_written_with_their_landmarks_and_counts) {
  const GldListOptions options{.seed = 5};
  const GldLists lists = this->lists(options);
  const ListCounts counts = count_lists(lists);
  EXPECT_EQ(counts.at(GldList::kAll), (ListCount{12, 3}));
  const fs::path out = dir_ / "new/lists";
  write_lists(lists, counts, options, out);
  for (const GldList list : kGldLists) {
    EXPECT_EQ(read_text(out / (std::string(name_of(list)) + ".csv")),
              std::string(kListColumns) + "\n" + lines(lists, list));
  }
  EXPECT_EQ(read_text(out / "landmarks.csv"),
            "landmark_id,original_landmark_id,category,country,continent\n"
            "0,50,Kolmanskop,NA,Africa\n"
            "1,60,\"A,_\"\"B\"\"\",FR,Europe\n"
            "2,70,Atlantis,,OTHER\n");
  const auto summary = nlohmann::json::parse(read_text(out / "summary.json"));
  EXPECT_EQ(summary["lists"]["all"]["photos"], 12);
  EXPECT_EQ(summary["landmarks_without_country"], 1);
  EXPECT_EQ(summary["dropped_index_photos"], 1);
  EXPECT_EQ(summary["counts_of_gldv2"], false);
}

TEST(Gldv2Counts, tell_the_real_dataset_from_others) {
  ListCounts counts = gldv2_counts();
  EXPECT_TRUE(gldv2_mismatches(counts).empty());
  counts[GldList::kC2x].photos = 3223077;
  EXPECT_EQ(gldv2_mismatches(counts),
            (std::vector<std::string>{"c2x has 3223077 photos of 81313 landmarks instead of "
                                      "3223078 photos of 81313 landmarks"}));
}

}  // namespace
}  // namespace cairn::dataset
