// The lists against shared/golden/lists/gldv2.
#include <gtest/gtest.h>

#include <algorithm>

#include "cairn/base/testing/testing.h"
#include "cairn/dataset/gld_list_files.h"

namespace cairn::dataset {
namespace {

using cairn::testing::golden_case;
using nlohmann::json;

// Rows [path, label, noisy, continent] as the reference writes them: paths below GLD, the continent
// in the list all only.
json rows_of(const GldLists& lists, GldList list) {
  json rows = json::array();
  lists.for_each(list, [&](const GldLists::Entry& entry) {
    const ListRow row = lists.row(entry);
    json continent = -1;
    if (list == GldList::kAll) continent = row.continent.empty() ? "null" : row.continent;
    rows.push_back({"GLD/" + row.path, row.landmark, row.noisy ? 1 : 0, continent});
  });
  return rows;
}

// Rows of one photo side by side by label: the reference has them in the order of a Python set.
json with_ordered_labels(json rows) {
  for (size_t i = 0; i < rows.size();) {
    size_t end = i + 1;
    while (end < rows.size() && rows[end][0] == rows[i][0]) ++end;
    std::sort(rows.begin() + static_cast<std::ptrdiff_t>(i),
              rows.begin() + static_cast<std::ptrdiff_t>(end));
    i = end;
  }
  return rows;
}

class GldListsGolden : public ::testing::Test {
 protected:
  void SetUp() override {
    CAIRN_REQUIRE_SHARED("golden");
    folder_ = golden_case("lists/gldv2").folder;
  }
  json expected(const std::string& name) const {
    return golden_case("lists/gldv2").json("expected/" + name + ".json");
  }
  fs::path folder_;
};

TEST_F(GldListsGolden, lists_gldv2) {
  const GldLists lists(GldRoot(folder_ / "root"), {.test_sample = SIZE_MAX});
  for (const GldList list : {GldList::kClean, GldList::kC2x, GldList::kFull, GldList::kIndexTrain})
    EXPECT_EQ(rows_of(lists, list), expected(name_of(list))) << name_of(list);
  EXPECT_EQ(with_ordered_labels(rows_of(lists, GldList::kAll)),
            with_ordered_labels(expected("all")));
  EXPECT_EQ(rows_of(lists, GldList::kTestSample), expected("test_before_sampling"));
  const ListCounts counts = count_lists(lists);
  EXPECT_EQ(counts.at(GldList::kClean), (ListCount{147, 27}));
  EXPECT_EQ(counts.at(GldList::kIndexTrain).photos, 376U);
  EXPECT_EQ(counts.at(GldList::kTestSample), (ListCount{41, 23}));
}

TEST_F(GldListsGolden, numbers_and_names_landmarks_as_the_reference) {
  const GldLists lists(GldRoot(folder_ / "root"));
  const std::vector<std::string> countries =
      CountryTable(folder_ / "root" / "country_info").countries();
  const json maps = expected("maps");
  ASSERT_EQ(lists.landmarks().size(), maps["landmark_to_full_label"].size());
  EXPECT_EQ(lists.clean_landmarks(), maps["landmark_to_clean_label"].size());
  for (size_t i = 0; i < lists.landmarks().size(); ++i) {
    const std::string original = std::to_string(lists.landmarks()[i].original);
    EXPECT_EQ(maps["landmark_to_full_label"][original], i);
    if (i < lists.clean_landmarks()) {
      EXPECT_EQ(maps["landmark_to_clean_label"][original], i);
    }
    EXPECT_EQ(maps["landmark_to_category"][original], lists.landmarks()[i].category);
    const std::string& country = lists.landmarks()[i].place.country;
    EXPECT_EQ(maps["label_to_country"][std::to_string(i)], country);
    const size_t country_id = maps["label_to_country_id"][std::to_string(i)];
    EXPECT_EQ(countries.at(country_id), country);
  }
}

}  // namespace
}  // namespace cairn::dataset
