#include "cairn/embed/photo_list.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::embed {
namespace {

using cairn::testing::TempDir;

// A folder with two photos by name only, and a table.
struct Photos {
  TempDir folder;
  explicit Photos(const std::string& table) {
    make_folder(folder / "a/b");
    write_text_atomically(folder / "a/b/one.jpg", "");
    write_text_atomically(folder / "a/two.png", "");
    write_text_atomically(folder / "list.csv", table);
  }
};

std::string error_of(const fs::path& images, const fs::path& root) {
  try {
    read_photo_list(images, root);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(PhotoList, a_folder_gives_all_photos_below_it) {
  const Photos photos("");
  const auto list = read_photo_list(photos.folder.path(), "");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, "one");
  EXPECT_EQ(list[1].path, photos.folder / "a/two.png");
}

TEST(PhotoList, paths_are_relative_to_the_table_or_to_root) {
  const Photos photos("path\na/b/one.jpg\na/two.png\n");
  auto list = read_photo_list(photos.folder / "list.csv", "");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, "one");
  EXPECT_EQ(list[0].path, photos.folder / "a/b/one.jpg");
  list = read_photo_list(photos.folder / "list.csv", "/elsewhere");
  EXPECT_EQ(list[1].path, "/elsewhere/a/two.png");
}

TEST(PhotoList, a_path_can_have_an_id_of_its_own) {
  const Photos photos("landmark,id,path\n7,mine,a/b/one.jpg\n");
  EXPECT_EQ(read_photo_list(photos.folder / "list.csv", "")[0].id, "mine");
}

TEST(PhotoList, a_photo_that_is_listed_twice_is_embedded_once) {
  const Photos photos("id,landmark_id,path\na,1,a/b/one.jpg\nb,1,a/two.png\na,2,a/b/one.jpg\n");
  const auto list = read_photo_list(photos.folder / "list.csv", "");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].id, "b");
}

TEST(PhotoList, ids_are_found_below_root_and_missing_ones_stay_in_the_list) {
  const Photos photos("id,url,landmark_id\ntwo,,3\nthree,,4\n");
  const auto list = read_photo_list(photos.folder / "list.csv", photos.folder / "a");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].path, photos.folder / "a/two.png");
  EXPECT_EQ(list[1].id, "three");
  EXPECT_FALSE(fs::exists(list[1].path));
}

TEST(PhotoList, what_is_no_list_of_photos_says_why) {
  const Photos photos("landmark_id,images\n1,one two\n");
  const fs::path& folder = photos.folder.path();
  EXPECT_NE(error_of(folder / "list.csv", "").find("a column path"), std::string::npos);
  write_text_atomically(folder / "list.csv", "id\none\n");
  EXPECT_NE(error_of(folder / "list.csv", "").find("--root"), std::string::npos);
  write_text_atomically(folder / "list.csv", "path\n");
  EXPECT_NE(error_of(folder / "list.csv", "").find("no photos"), std::string::npos);
  write_text_atomically(folder / "list.csv", "id,path\none,\n");
  EXPECT_NE(error_of(folder / "list.csv", "").find("list.csv:2"), std::string::npos);
  EXPECT_NE(error_of(folder / "a/two.png", "").find("neither a folder"), std::string::npos);
  EXPECT_NE(error_of(folder, folder).find("--root"), std::string::npos);
  fs::remove_all(folder / "a");
  EXPECT_NE(error_of(folder, "").find("no photos"), std::string::npos);
}

}  // namespace
}  // namespace cairn::embed
