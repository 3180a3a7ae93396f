#include "cairn/weights/zip.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cairn/weights/testing/expect_refused.h"
#include "cairn/weights/testing/sample_files.h"

namespace cairn::weights {
namespace {

using namespace testing;

const Storages kEntries = {{"a/one", "first"}, {"a/two", std::string(1000, 'x')}, {"a/none", ""}};

void expect_refused(const Bytes& bytes, const std::string& entry, const std::string& reason) {
  testing::expect_refused([&] { ZipArchive(bytes, "x").read(entry); }, reason);
}

// Overwrites the first place where the bytes stand.
Bytes with(Bytes bytes, const std::string& old, const std::string& replacement) {
  const auto found = std::search(bytes.begin(), bytes.end(), old.begin(), old.end());
  EXPECT_NE(found, bytes.end());
  std::copy(replacement.begin(), replacement.end(), found);
  return bytes;
}

TEST(Zip, reads_stored_entries_with_and_without_zip64) {
  for (const bool zip64 : {false, true}) {
    const Bytes bytes = zip(kEntries, {.zip64 = zip64});
    const ZipArchive archive(bytes, "x");
    EXPECT_EQ(archive.names().size(), 3U);
    EXPECT_TRUE(archive.contains("a/one"));
    const auto one = archive.read("a/one");
    EXPECT_EQ(std::string(one.begin(), one.end()), "first");
    EXPECT_EQ(archive.read("a/two").size(), 1000U);
    EXPECT_TRUE(archive.read("a/none").empty());
  }
}

TEST(Zip, refuses_entries_that_are_compressed_damaged_shared_or_missing) {
  const Bytes good = zip(kEntries);
  expect_refused(good, "a/three", "no entry a/three");
  expect_refused(with(good, "first", "fIrst"), "a/one", "checksum differs");
  expect_refused(zip(kEntries, {.method = 8}), "a/one", "compressed");
  expect_refused(zip(kEntries, {.overlapping = true}), "a/one", "overlaps");
  expect_refused(zip({{"a", "1"}, {"a", "2"}}), "a", "two entries a");
  expect_refused(with(good, "a/one", "b/one"), "a/one", "entry a/one is damaged");
}

TEST(Zip, refuses_directories_that_lie) {
  const Bytes good = zip(kEntries, {.zip64 = false});
  expect_refused({}, "a/one", "cut short");
  expect_refused(Bytes(100, 0), "a/one", "no directory");
  expect_refused(Bytes(good.begin() + 1, good.end()), "a/one", "not where it says");
  Bytes many = good;
  many[many.size() - 12] = 4;  // the number of entries
  expect_refused(many, "a/one", "not where it says");
  many[many.size() - 12] = 2;
  expect_refused(many, "a/one", "belong to no entry");
  Bytes zip64 = zip(kEntries);
  for (size_t i = 0; i < 8; ++i) zip64[zip64.size() - 22 - 12 + i] = 0xff;  // where it lies
  expect_refused(zip64, "a/one", "zip64");
}

TEST(Zip, every_truncation_is_an_error) {
  const Bytes bytes = zip(kEntries);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(ZipArchive(std::span(bytes).first(size), "x"), Error) << size;
}

}  // namespace
}  // namespace cairn::weights
