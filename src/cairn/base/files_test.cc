#include "cairn/base/files.h"

#include <gtest/gtest.h>

#include <ostream>
#include <set>

#include "cairn/base/testing/testing.h"

namespace cairn {
namespace {

TEST(Files, sha256_of_known_texts) {
  const std::string abc = "abc";
  EXPECT_EQ(sha256_hex({reinterpret_cast<const uint8_t*>(abc.data()), 3}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Files, a_failed_write_leaves_the_old_content_and_no_temporary_file) {
  const testing::TempDir folder;
  write_text_atomically(folder / "a", "old");
  EXPECT_THROW(write_stream_atomically(folder / "a",
                                       [](std::ostream& out) {
                                         out << "half of the new";
                                         throw Error("interrupted");
                                       }),
               Error);
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Files, what_a_killed_writer_left_is_removed_and_nothing_else) {
  const testing::TempDir folder;
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder.path()))
      found.insert(entry.path().filename().string());
    return found;
  };
  const fs::path file = folder.path() / "a.bin";
  for (const char* name : {"a.bin.tmp-17", "a.bin.tmp-x", "b.bin.tmp-17"})
    write_text_atomically(folder.path() / name, "half");
  // A writer in the middle of its work keeps its own.
  write_stream_atomically(file, [&](std::ostream& out) {
    out << "half" << std::flush;
    make_room_for(file);
    EXPECT_EQ(names().size(), 3U);
    out << " and half";
  });
  EXPECT_EQ(read_text(file), "half and half");
  EXPECT_EQ(names(), (std::set<std::string>{"a.bin", "a.bin.tmp-x", "b.bin.tmp-17"}));
}

TEST(Files, a_link_is_followed_and_stays_a_link) {
  const testing::TempDir folder;
  write_text_atomically(folder / "a", "old");
  fs::create_symlink("a", folder / "link");
  write_text_atomically(folder / "link", "new");
  EXPECT_EQ(read_text(folder / "a"), "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
}

TEST(Files, names_of_one_file_are_the_same_through_links_and_before_it_exists) {
  const testing::TempDir folder;
  make_folder(folder / "in");
  write_text_atomically(folder / "in/a", "text");
  write_text_atomically(folder / "in/b", "text");
  fs::create_symlink("in", folder / "linked");
  fs::create_symlink("in/a", folder / "link");
  fs::create_hard_link(folder / "in/a", folder / "hard");
  for (const char* name : {"in/a", "in/../in/./a", "linked/a", "link", "hard"})
    EXPECT_TRUE(same_file(folder / "in/a", folder / name)) << name;
  EXPECT_FALSE(same_file(folder / "in/a", folder / "in/b"));
  EXPECT_TRUE(same_file(folder / "in/new", folder / "linked/new"));
  EXPECT_FALSE(same_file(folder / "in/new", folder / "new"));
  EXPECT_FALSE(same_file(folder / "in/a", folder / "in/new"));
  EXPECT_TRUE(same_file("new", fs::current_path() / "new"));
}

TEST(Files, a_device_stays_a_device) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "no /dev/full";
  EXPECT_THROW(write_text_atomically("/dev/full", "text"), Error);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_NO_THROW(write_text_atomically("/dev/null", "text"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(Files, reading_says_why_not) {
  const testing::TempDir folder;
  EXPECT_EQ(try_read_file(folder / "missing").reason(), "cannot open: No such file or directory");
  EXPECT_EQ(try_read_file(folder.path()).reason(), "not a regular file");
  write_text_atomically(folder / "big", "0123456789");
  EXPECT_FALSE(try_read_file(folder / "big", 5).ok());
  EXPECT_TRUE(try_read_file(folder / "big", 10).ok());
}

TEST(Files, a_locked_folder_cannot_be_locked_again) {
  const testing::TempDir folder;
  {
    const FolderLock lock(folder.path());
    EXPECT_THROW(FolderLock second(folder.path()), Error);
  }
  EXPECT_NO_THROW(FolderLock third(folder.path()));
}

}  // namespace
}  // namespace cairn
