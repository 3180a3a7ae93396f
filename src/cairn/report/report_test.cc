#include "cairn/report/report.h"

#include <gtest/gtest.h>

#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/image/image.h"
#include "cairn/report/choose.h"
#include "cairn/report/names.h"
#include "cairn/report/thumbnails.h"

namespace cairn::report {
namespace {

using testing::TempDir;

image::Image grey(int width, int height, uint8_t level) {
  return {
      width, height,
      std::vector<uint8_t>(static_cast<size_t>(width) * static_cast<size_t>(height) * 3, level)};
}

void write_photo(const fs::path& path) {
  make_folder(path.parent_path());
  write_file_atomically(path, image::encode_jpeg(grey(300, 200, 90), 80));
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// A dataset of three queries and two index photos, and a run that answers them.
class Report : public ::testing::Test {
 protected:
  Report() {
    options_.root = dir_ / "world";
    write_photo(options_.root / "test/q/q/q/qqq1.jpg");
    write_photo(options_.root / "index/elsewhere/i1.jpg");
    write("world/test/recognition_solution_v2.1.csv",
          "id,landmarks,Usage\nqqq1,7,Public\nq2,8,Public\nq3,,Private\n");
    write("world/test/retrieval_solution_v2.1.csv",
          "id,images,Usage\nqqq1,i1,Public\nq2,i1,Public\nq3,None,Ignored\n");
    write("world/index/index_image_to_landmark.csv", "id,landmark_id\ni1,7\n");
    write("world/train/train_label_to_category.csv",
          "landmark_id,category\n7,http://commons.wikimedia.org/wiki/Category:A_%3Cb%3E\n");
    write("run/recognition.csv", "id,landmarks\nqqq1,7 0.9\nq2,7 0.8\nq3,7 0.1\n");
    write("run/retrieval.csv", "id,images\nqqq1,i1 i2\nq2,i2 i1\nq3,i2\n");
    options_.runs = {{"only <run>", dir_ / "run"}};
  }

  void write(const std::string& name, const std::string& text) {
    make_folder((dir_ / name).parent_path());
    write_text_atomically(dir_ / name, text);
  }

  TempDir dir_;
  ReportOptions options_;
};

TEST_F(Report, shows_every_query_with_marks_names_and_answers) {
  const std::string page = make_report(options_);
  EXPECT_EQ(count(page, "<article"), 3U);
  EXPECT_EQ(count(page, "title=\"relevant\""), 2U);
  EXPECT_EQ(count(page, "title=\"not relevant\""), 2U);
  EXPECT_EQ(count(page, "data:image/jpeg;base64,"), 3U);  // qqq1, and i1 twice
  EXPECT_EQ(count(page, "is not there"), 5U);             // q2, q3, and i2 three times
  EXPECT_NE(page.find("landmark 8"), std::string::npos);
}

TEST_F(Report, puts_the_worst_failures_first) {
  const std::string page = make_report(options_);
  const size_t wrong = page.find("Taken for another landmark");
  const size_t alarm = page.find("No landmark, but named as one");
  const size_t right = page.find("Named right");
  EXPECT_LT(wrong, alarm);
  EXPECT_LT(alarm, right);
  EXPECT_LT(right, page.size());
}

TEST_F(Report, needs_no_other_file_and_escapes_texts_of_tables) {
  const std::string page = make_report(options_);
  EXPECT_EQ(count(page, "src=\"http"), 0U);
  EXPECT_EQ(count(page, "href="), 0U);
  EXPECT_EQ(count(page, "<script"), 0U);
  EXPECT_EQ(count(page, "A <b>"), 0U);
  EXPECT_NE(page.find("A &lt;b&gt;"), std::string::npos);
  EXPECT_NE(page.find("only &lt;run&gt;"), std::string::npos);
}

TEST_F(Report, compares_runs_and_draws_their_curves) {
  write("better/recognition.csv", "id,landmarks\nqqq1,7 0.9\nq2,8 0.8\nq3,\n");
  write("better/retrieval.csv", "id,images\nqqq1,i1\nq2,i1\nq3,\n");
  write("better/search.csv", "query,rank,id,score\nqqq1,1,i1,0.987654\n");
  write("better/curves.csv", "epoch,lr,train_loss,val_map\n1,0.1,3,\n2,0.2,2,0.5\n");
  options_.runs.push_back({"better", dir_ / "better"});
  const std::string page = make_report(options_);
  EXPECT_NE(page.find("+0.500 GAP"), std::string::npos);
  EXPECT_EQ(count(page, "<figure>"), 4U);
  EXPECT_NE(page.find("<b>0.988</b>"), std::string::npos);
}

TEST_F(Report, names_what_is_wrong_with_its_inputs) {
  options_.runs.push_back({"gone", dir_ / "gone"});
  EXPECT_THROW(make_report(options_), Error);
  options_.runs = {};
  EXPECT_THROW(make_report(options_), Error);
}

TEST(choose, gives_places_that_right_answers_leave_to_failures) {
  report::Run run;
  for (int i = 0; i < 9; ++i) {
    const double confidence = i / 10.0;
    run.recognition.results.push_back({"w" + std::to_string(i), {1}, 2, confidence});
  }
  run.recognition.results.push_back({"r", {1}, 1, 0.5});
  const std::vector<Choice> chosen = choose_queries(run, 6);
  ASSERT_EQ(chosen.size(), 6U);
  EXPECT_EQ(run.recognition.results[chosen[0].result].id, "w8");
  EXPECT_EQ(chosen[4].verdict, Verdict::kWrongLandmark);
  EXPECT_EQ(chosen[5].verdict, Verdict::kRight);
}

TEST(choose, spreads_right_answers_from_the_worst_retrieval_to_the_best) {
  report::Run run;
  for (int i = 0; i < 5; ++i) {
    const std::string id = "r" + std::to_string(i);
    run.recognition.results.push_back({id, {1}, 1, 0.5});
    run.ap[id] = i == 3 ? 0.0 : i / 10.0 + 0.1;
  }
  const std::vector<Choice> chosen = choose_queries(run, 3);
  ASSERT_EQ(chosen.size(), 3U);
  EXPECT_EQ(chosen[0].result, 3U);
  EXPECT_EQ(chosen[2].result, 4U);
}

TEST(names, come_from_categories) {
  EXPECT_EQ(category_name("http://commons.wikimedia.org/wiki/Category:Ch%C3%A2teau_d%27If"),
            "Château d'If");
  EXPECT_EQ(category_name("Category:100%"), "Category:100%");
  EXPECT_EQ(category_name("x/Category:100%_%4"), "100% %4");
  EXPECT_EQ(LandmarkNames().of(5), "landmark 5");
}

TEST(thumbnails, keep_the_shape_and_never_enlarge) {
  const image::Image small = shrink(grey(1000, 250, 7), 100);
  EXPECT_EQ(small.width, 100);
  EXPECT_EQ(small.height, 25);
  EXPECT_EQ(small.pixels[10], 7);
  EXPECT_EQ(shrink(grey(30, 20, 7), 100).width, 30);
  EXPECT_EQ(shrink(grey(5000, 2, 7), 100).height, 1);
}

TEST(photo_finder, does_not_leave_its_folder) {
  const TempDir dir;
  write_photo(dir / "photos" / "a.jpg");
  write_photo(dir / "abc.jpg");
  PhotoFinder finder(dir / "photos");
  EXPECT_EQ(finder.find("a"), dir / "photos" / "a.jpg");
  EXPECT_TRUE(finder.find("../abc").empty());
  EXPECT_TRUE(finder.find("../../../../abc").empty());
}

}  // namespace
}  // namespace cairn::report
