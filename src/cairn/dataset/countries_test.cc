#include "cairn/dataset/countries.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::dataset {
namespace {

using cairn::testing::TempDir;

class Countries : public ::testing::Test {
 protected:
  void SetUp() override {
    write("continent_codes.csv",
          "Continent_Name,Two_Letter_Country_Code\nEurope,TR\nAsia,TR\nAfrica,NA\nEurope,FR\n");
    write("country_codes.json",
          R"({"TR": "tr", "NA": "na", "FR": "fr", "XK": "xk", "ZZ": "zz", "OTHER": "other"})");
    write("TR.json", R"([{"name": "Burg", "id": 1}, {"name": "Both", "id": 2}])");
    write("NA.json", R"([{"name": "Kolmanskop", "id": 3}])");
    write("FR.json", R"([{"name": "Both", "id": 2}, {"name": "Ch%C3%A2teau,_\"Paris\""}])");
    write("XK.json", R"([{"name": "Newborn"}])");
    write("ZZ.json", R"([{"name": "Nowhere"}])");
    write("OTHER.json", R"([{"name": "Sea"}])");
  }
  void write(const std::string& name, const std::string& text) {
    write_text_atomically(dir_ / name, text);
  }
  std::string error() {
    try {
      const CountryTable table(dir_.path());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TempDir dir_;
};

TEST_F(Countries, gives_country_and_continent_of_a_category) {
  const CountryTable table(dir_.path());
  EXPECT_EQ(table.of("Kolmanskop"), (Place{"NA", "Africa"}));  // Namibia, not a missing value
  EXPECT_EQ(table.of("Burg"), (Place{"TR", "Asia"}));          // the last continent of a country
  EXPECT_EQ(table.of("Both"), (Place{"FR", "Europe"}));        // the last country of a category
  EXPECT_EQ(table.of("Ch%C3%A2teau,_\"Paris\""), (Place{"FR", "Europe"}));
  EXPECT_EQ(table.of("Newborn"), (Place{"XK", "Europe"}));
  EXPECT_EQ(table.of("Nowhere"), (Place{"ZZ", "OTHER"}));
  EXPECT_EQ(table.of("Sea"), (Place{"OTHER", "OTHER"}));
  EXPECT_EQ(table.of("Atlantis"), (Place{"", "OTHER"}));
  EXPECT_EQ(table.countries(), (std::vector<std::string>{"TR", "NA", "FR", "XK", "ZZ", "OTHER"}));
}

TEST_F(Countries, takes_country_files_by_name_where_the_codes_are_missing) {
  fs::remove(dir_ / "country_codes.json");
  const CountryTable table(dir_.path());
  EXPECT_EQ(table.countries().front(), "FR");
  EXPECT_EQ(table.of("Both"), (Place{"TR", "Asia"}));
}

TEST_F(Countries, names_the_file_that_is_missing_or_malformed) {
  write("FR.json", "[{\"name\": 3}]");
  EXPECT_NE(error().find("FR.json: a category must be"), std::string::npos) << error();
  write("FR.json", "[\"Both\"]");
  EXPECT_NE(error().find("FR.json: a category must be"), std::string::npos) << error();
  write("FR.json", "{}");
  EXPECT_NE(error().find("FR.json: must be a list"), std::string::npos) << error();
  write("FR.json", "[{");
  EXPECT_NE(error().find("FR.json: not JSON"), std::string::npos) << error();
  fs::remove(dir_ / "FR.json");
  EXPECT_NE(error().find("FR.json: cannot open"), std::string::npos) << error();
  write("country_codes.json", "[]");
  EXPECT_NE(error().find("country_codes.json: must be an object"), std::string::npos) << error();
  EXPECT_THROW(CountryTable(dir_ / "nowhere"), Error);
}

TEST_F(Countries, reads_categories_with_commas_quotes_and_either_scheme) {
  write("categories.csv",
        "landmark_id,category\n"
        "1,http://commons.wikimedia.org/wiki/Category:Burg\n"
        "2,\"https://commons.wikimedia.org/wiki/Category:Ch%C3%A2teau,_\"\"Paris\"\"\"\n"
        "3,Sea\n");
  const auto categories = read_categories(dir_ / "categories.csv");
  EXPECT_EQ(categories, (std::vector<std::pair<int64_t, std::string>>{
                            {1, "Burg"}, {2, "Ch%C3%A2teau,_\"Paris\""}, {3, "Sea"}}));
  const auto places = landmark_places(dir_ / "categories.csv", CountryTable(dir_.path()));
  EXPECT_EQ(places.at(1).continent, "Asia");
  EXPECT_EQ(places.at(2).country, "FR");
  write("categories.csv", "landmark_id,category\n1,A\n1,A\n1,B\n");
  EXPECT_THROW(read_categories(dir_ / "categories.csv"), Error);
}

TEST(LandmarkPlaces, finds_the_country_files_of_a_dataset) {
  CAIRN_REQUIRE_SHARED("data/landmarks");
  const auto places = landmark_places(GldRoot(cairn::testing::shared_dir() / "data/landmarks"));
  EXPECT_EQ(places.at(1001), (Place{"FR", "Europe"}));
  EXPECT_EQ(places.at(95444), (Place{"OTHER", "OTHER"}));
}

}  // namespace
}  // namespace cairn::dataset
