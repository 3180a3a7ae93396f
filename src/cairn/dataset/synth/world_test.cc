#include "cairn/dataset/synth/world.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cairn/base/files.h"
#include "cairn/base/testing/errors.h"
#include "cairn/base/testing/testing.h"
#include "cairn/dataset/gld_root.h"
#include "cairn/dataset/photos.h"
#include "cairn/dataset/solutions.h"
#include "cairn/dataset/synth/other.h"

namespace cairn::synth {
namespace {

using cairn::testing::error_of;
using cairn::testing::TempDir;

WorldOptions tiny() {
  WorldOptions options;
  options.landmarks = 2;
  options.photos = 6;
  options.size = 48;
  options.seed = 9;
  options.nonlandmarks = 3;
  options.wrong_labels = 0;
  return options;
}

std::map<std::string, std::string> checksums(const fs::path& root) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file())
      out[fs::relative(entry.path(), root).string()] = sha256_file(entry.path());
  return out;
}

TEST(World, has_the_same_bytes_on_one_and_three_threads) {
  const TempDir temp;
  WorldOptions options = tiny();
  options.threads = 1;
  write_world(options, temp / "one");
  options.threads = 3;
  write_world(options, temp / "three");
  const auto one = checksums(temp / "one");
  EXPECT_GT(one.size(), 20U);
  EXPECT_EQ(one, checksums(temp / "three"));
}

TEST(World, is_read_by_the_dataset_room) {
  const TempDir temp;
  const WorldOptions options = tiny();
  const WorldSummary summary = write_world(options, temp / "w");
  const dataset::GldRoot root(temp / "w");
  const auto labels = dataset::read_labels(root.train_table);
  const auto joined = dataset::join_labels(labels, dataset::find_photos(root.train));
  EXPECT_EQ(joined.photos.size(), summary.train);
  EXPECT_TRUE(joined.missing_ids.empty());
  EXPECT_EQ(dataset::read_labels(root.train_clean_table).size(), labels.size());

  const auto index = dataset::join_labels(dataset::read_labels(root.index_table),
                                          dataset::find_photos(root.index));
  EXPECT_TRUE(index.missing_ids.empty());
  EXPECT_LT(index.photos.size(), summary.index);  // the rest are distractors
  std::map<std::string, int64_t> shown;
  for (const auto& photo : index.photos) shown[photo.id] = photo.landmark;

  std::map<std::string, std::vector<int64_t>> truth;
  size_t named = 0;
  for (const auto& answer : dataset::read_recognition_solution(root.recognition_solution)) {
    truth[answer.id] = answer.landmarks;
    named += answer.landmarks.size();
    EXPECT_TRUE(answer.usage == "Public" || answer.usage == "Private");
  }
  EXPECT_EQ(truth.size(), summary.test);
  EXPECT_EQ(named, summary.test / 2);
  for (const auto& answer : dataset::read_retrieval_solution(root.retrieval_solution)) {
    EXPECT_EQ(answer.images.empty(), truth.at(answer.id).empty());
    EXPECT_EQ(answer.usage == "Ignored", answer.images.empty());
    for (const std::string& image : answer.images)
      EXPECT_EQ(shown.at(image), truth.at(answer.id).at(0));
  }
  EXPECT_EQ(dataset::find_photos(temp / "w" / "nonlandmark").size(), 3U);
  for (const auto& photo : dataset::find_photos(root.test)) {
    const auto image = image::read_image(photo.path);
    ASSERT_TRUE(image.ok()) << image.reason();
    EXPECT_EQ(std::max(image.value().width, image.value().height), options.size);
  }
}

TEST(World, tells_how_every_photo_was_taken) {
  const TempDir temp;
  const WorldSummary summary = write_world(tiny(), temp / "w");
  const auto world = nlohmann::json::parse(read_text(temp / "w" / "world.json"));
  EXPECT_EQ(world.at("format"), "cairn-world 1");
  EXPECT_EQ(world.at("photos").size(), summary.total());
  for (const auto& photo : world.at("photos")) {
    const std::string id = photo.at("id");
    EXPECT_TRUE(fs::exists(temp / "w" / std::string(photo.at("side")) / id.substr(0, 1) /
                           id.substr(1, 1) / id.substr(2, 1) / (id + ".jpg")));
    EXPECT_EQ(photo.at("landmark").is_null(), !photo.contains("camera"));
    if (!photo.contains("camera")) continue;
    EXPECT_EQ(photo.at("camera").at("rotation").size(), 3U);
  }
  const auto codes =
      nlohmann::json::parse(read_text(temp / "w" / "country" / "country_codes.json"));
  size_t listed = 0;
  for (const auto& [country, code] : codes.items())
    listed += nlohmann::json::parse(read_text(temp / "w" / "country" / (country + ".json"))).size();
  EXPECT_EQ(listed, 2U);
}

TEST(World, does_not_touch_a_folder_that_is_no_world) {
  const TempDir temp;
  write_text_atomically(temp / "keep.txt", "precious");
  WorldOptions options = tiny();
  EXPECT_NE(error_of([&] { write_world(options, temp.path()); }).find("is not empty"),
            std::string::npos);
  options.force = true;
  EXPECT_NE(error_of([&] { write_world(options, temp.path()); }).find("no world.json"),
            std::string::npos);
  EXPECT_EQ(read_text(temp / "keep.txt"), "precious");
}

TEST(World, force_replaces_an_older_world) {
  const TempDir temp;
  WorldOptions options = tiny();
  options.landmarks = 1;
  options.photos = 4;
  write_world(options, temp / "w");
  const auto before = checksums(temp / "w");
  options.seed = 10;
  options.force = true;
  write_world(options, temp / "w");
  EXPECT_NE(checksums(temp / "w"), before);
  EXPECT_FALSE(fs::exists(temp / "w.partial"));
  EXPECT_FALSE(fs::exists(temp / "w.old"));
}

TEST(World, an_interrupted_run_leaves_nothing_under_the_final_name) {
  const TempDir temp;
  const WorldOptions options = tiny();
  const auto stop = [](uint64_t, uint64_t) { throw Error("stopped"); };
  EXPECT_EQ(error_of([&] { write_world(options, temp / "w", stop); }), "stopped");
  EXPECT_TRUE(fs::is_empty(temp.path()));
  EXPECT_EQ(write_world(options, temp / "w").test, 4U);
}

TEST(World, two_runs_into_one_folder_do_not_mix) {
  const TempDir temp;
  const WorldOptions options = tiny();
  bool refused = false;
  write_world(options, temp / "w", [&](uint64_t, uint64_t) {
    if (refused) return;
    refused =
        error_of([&] { write_world(options, temp / "w"); }).find("in use") != std::string::npos;
  });
  EXPECT_TRUE(refused);
  EXPECT_TRUE(fs::exists(temp / "w/world.json"));
  EXPECT_FALSE(fs::exists(temp / "w/.lock"));
  EXPECT_FALSE(fs::exists(temp / "w.partial"));
}

TEST(PlanWorld, keeps_the_sides_apart) {
  WorldOptions options = tiny();
  options.landmarks = 30;
  options.photos = 40;
  const WorldPlan plan = plan_world(options);
  std::set<std::string> ids;
  std::map<int, std::pair<std::set<int>, std::set<int>>> sectors;  // of 16: test, others
  for (const PlannedPhoto& photo : plan.photos) {
    EXPECT_TRUE(ids.insert(photo.id).second);
    EXPECT_EQ(photo.id.size(), 16U);
    if (photo.landmark < 0 || photo.landmark >= options.landmarks) continue;
    const int sector = static_cast<int>((photo.azimuth + 1) / 2 * 16);
    (photo.side == Side::kTest ? sectors[photo.landmark].first : sectors[photo.landmark].second)
        .insert(sector);
  }
  for (const auto& [landmark, both] : sectors)
    for (const int sector : both.first) EXPECT_EQ(both.second.count(sector), 0U) << landmark;
}

TEST(World, has_wrong_labels_in_the_train_table_but_not_in_the_clean_one) {
  const TempDir temp;
  WorldOptions options = tiny();
  options.photos = 16;
  options.size = 32;
  options.wrong_labels = 0.4;
  write_world(options, temp / "w");
  const WorldPlan plan = plan_world(options);
  std::map<std::string, int64_t> truth;
  for (const PlannedPhoto& photo : plan.photos)
    if (photo.landmark >= 0)
      truth[photo.id] = plan.landmarks[static_cast<size_t>(photo.landmark)].id;
  const dataset::GldRoot root(temp / "w");
  const auto all = dataset::read_labels(root.train_table);
  const auto clean = dataset::read_labels(root.train_clean_table);
  size_t wrong = 0;
  for (const auto& label : all) wrong += label.landmark != truth.at(label.id) ? 1 : 0;
  EXPECT_GT(wrong, 2U);
  EXPECT_EQ(clean.size(), all.size() - wrong);
  for (const auto& label : clean) EXPECT_EQ(label.landmark, truth.at(label.id));
}

TEST(PlanWorld, refuses_impossible_options_with_their_values) {
  WorldOptions options = tiny();
  options.photos = 3;
  EXPECT_NE(error_of([&] { plan_world(options); }).find("--photos 3"), std::string::npos);
  options = tiny();
  options.difficulty = 1.5;
  EXPECT_NE(error_of([&] { plan_world(options); }).find("--difficulty 1.5"), std::string::npos);
}

TEST(PhotographOther, never_shows_the_same_twice) {
  const PropLibrary library(4);
  std::set<std::string> seen;
  std::set<std::string> kinds;
  for (uint64_t i = 0; i < 60; ++i) {
    const Photo photo = photograph_other(library, 40, 0.5, Rng(i));
    EXPECT_TRUE(seen.insert(sha256_hex(photo.jpeg)).second);
    kinds.insert(photo.kind);
  }
  EXPECT_GE(kinds.size(), 10U);
}

}  // namespace
}  // namespace cairn::synth
