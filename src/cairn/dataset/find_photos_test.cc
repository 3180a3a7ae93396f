#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/dataset/photos.h"

namespace cairn::dataset {
namespace {

using cairn::testing::TempDir;

void touch(const fs::path& path) {
  fs::create_directories(path.parent_path());
  write_text_atomically(path, "x");
}

// id → path relative to the folder.
std::map<std::string, std::string> found_in(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const Photo& photo : find_photos(folder)) {
    EXPECT_TRUE(found.emplace(photo.id, fs::path(photo.path).lexically_relative(folder)).second)
        << photo.id << " twice";
  }
  return found;
}

using Expected = std::map<std::string, std::string>;

TEST(FindPhotos, takes_photo_endings_in_any_case_and_nothing_else) {
  const TempDir dir;
  for (const char* name : {"a.jpg", "b.JPEG", "sub/c.Png", "d.webp", "e.heic", "f.HEIF", "g.txt",
                           "h", ".jpg", "jpg", "sub.jpg/i.jpg", "two.dots.jpg"}) {
    touch(dir / name);
  }
  EXPECT_EQ(found_in(dir.path()), (Expected{{"a", "a.jpg"},
                                            {"b", "b.JPEG"},
                                            {"c", "sub/c.Png"},
                                            {"d", "d.webp"},
                                            {"e", "e.heic"},
                                            {"f", "f.HEIF"},
                                            {"i", "sub.jpg/i.jpg"},
                                            {"two.dots", "two.dots.jpg"}}));
}

TEST(FindPhotos, lists_by_id_in_byte_order) {
  const TempDir dir;
  for (const char* name : {"z/a.jpg", "a/c.jpg", "B.jpg"}) touch(dir / name);
  std::vector<std::string> ids;
  for (const Photo& photo : find_photos(dir.path())) ids.push_back(photo.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"B", "a", "c"}));
}

TEST(FindPhotos, names_photos_by_their_relative_path_where_file_names_repeat) {
  const TempDir dir;
  for (const char* name : {"a/1.jpg", "b/1.jpg", "1.png", "b/2.jpg"}) touch(dir / name);
  EXPECT_EQ(found_in(dir.path()),
            (Expected{{"1", "1.png"}, {"a/1", "a/1.jpg"}, {"b/1", "b/1.jpg"}, {"2", "b/2.jpg"}}));
}

TEST(FindPhotos, keeps_the_ending_where_relative_paths_repeat) {
  const TempDir dir;
  for (const char* name : {"a/1.jpg", "a/1.png", "x.jpg", "x.png", "x.jpg.png"}) touch(dir / name);
  EXPECT_EQ(found_in(dir.path()), (Expected{{"a/1.jpg", "a/1.jpg"},
                                            {"a/1.png", "a/1.png"},
                                            {"x.jpg", "x.jpg"},
                                            {"x.png", "x.png"},
                                            {"x.jpg.png", "x.jpg.png"}}));
}

TEST(FindPhotos, gives_the_same_ids_with_a_slash_after_the_folder) {
  const TempDir dir;
  for (const char* name : {"a/1.jpg", "b/1.jpg"}) touch(dir / name);
  const std::vector<Photo> photos = find_photos(dir.path().string() + "/");
  ASSERT_EQ(photos.size(), 2U);
  EXPECT_EQ(photos[0].id, "a/1");
}

TEST(FindPhotos, follows_links_but_enters_each_folder_once) {
  const TempDir dir;
  touch(dir / "root/real/a.jpg");
  touch(dir / "elsewhere/b.jpg");
  fs::create_directory_symlink("..", dir / "root/real/loop");
  fs::create_directory_symlink("real", dir / "root/twin");
  fs::create_directory_symlink(dir / "elsewhere", dir / "root/linked");
  fs::create_symlink("nowhere.jpg", dir / "root/dangling.jpg");
  EXPECT_EQ(found_in(dir / "root"),
            (Expected{{"a", "real/a.jpg"}, {"b", "linked/b.jpg"}, {"dangling", "dangling.jpg"}}));
}

TEST(FindPhotos, lists_pipes_for_reading_to_report) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe.jpg").c_str(), 0600), 0);
  EXPECT_EQ(found_in(dir.path()), (Expected{{"pipe", "pipe.jpg"}}));
}

TEST(FindPhotos, lists_names_with_line_breaks_to_report) {
  const TempDir dir;
  touch(dir / "a\nb.jpg");
  touch(dir / "c.jpg");
  EXPECT_EQ(found_in(dir.path()), (Expected{{"a\nb", "a\nb.jpg"}, {"c", "c.jpg"}}));
}

TEST(FindPhotos, leaves_out_unreadable_subfolders) {
  const TempDir dir;
  touch(dir / "open/a.jpg");
  touch(dir / "closed/b.jpg");
  fs::permissions(dir.path(), static_cast<fs::perms>(0755));
  fs::permissions(dir / "closed", fs::perms::none);
  // Root reads every folder, so it looks as nobody.
  const uid_t self = ::geteuid();
  constexpr uid_t kNobody = 65534;
  ASSERT_TRUE(self != 0 || ::seteuid(kNobody) == 0);
  const auto found = found_in(dir.path());
  ASSERT_EQ(::seteuid(self), 0);
  fs::permissions(dir / "closed", fs::perms::owner_all);
  EXPECT_EQ(found, (Expected{{"a", "open/a.jpg"}}));
}

TEST(FindPhotos, says_when_the_folder_is_missing_or_a_file) {
  const TempDir dir;
  touch(dir / "a.jpg");
  for (const char* name : {"missing", "a.jpg"}) {
    try {
      find_photos(dir / name);
      FAIL() << "no error for " << name;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find((dir / name).string()), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace cairn::dataset
