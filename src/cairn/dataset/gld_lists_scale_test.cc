// The lists of tables as large as the real dataset's: at most 2 GB and 2 minutes.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <ostream>

#include "cairn/base/files.h"
#include "cairn/base/random.h"
#include "cairn/base/testing/testing.h"
#include "cairn/dataset/gld_list_files.h"

namespace cairn::dataset {
namespace {

constexpr size_t kLandmarks = 203094, kCleanLandmarks = 81313;
constexpr size_t kTrain = 4132914, kClean = 1580470;
constexpr size_t kIndex = 761757, kIndexLandmarks = 101302;
constexpr size_t kQueries = 117577;

// Photo i of a part, 16 hex digits.
std::string id(uint64_t part, size_t i) {
  return fmt::format("{:016x}", Rng::for_stream(part, i).next());
}

// The landmark of train photo i. Those of clean photos come in order; every landmark has a photo.
size_t landmark_of(size_t i) {
  if (i < kClean) return i * kCleanLandmarks / kClean;
  return i < kClean + kLandmarks ? i - kClean : Rng::for_stream(9, i).below(kLandmarks);
}

void write_tables(const fs::path& root) {
  const auto write = [&](const char* name, const auto& writer) {
    make_folder((root / name).parent_path());
    write_stream_atomically(root / name, writer);
  };
  const auto category = [](size_t i) {
    return fmt::format("\"http://commons.wikimedia.org/wiki/Category:Landmark_{},_Town\"", i);
  };
  write("train/train.csv", [](std::ostream& out) {
    out << "id,url,landmark_id\n";
    for (size_t i = 0; i < kTrain; ++i) {
      out << fmt::format("{},https://upload.wikimedia.org/wikipedia/commons/e/e7/Photo_{}.JPG,{}\n",
                         id(0, i), i, landmark_of(i));
    }
  });
  write("train/train_clean.csv", [](std::ostream& out) {
    out << "landmark_id,images";
    for (size_t i = 0; i < kClean; ++i) {
      const bool is_first = i == 0 || landmark_of(i) != landmark_of(i - 1);
      out << (is_first ? fmt::format("\n{},", landmark_of(i)) : " ") << id(0, i);
    }
    out << "\n";
  });
  const auto write_categories = [&](const char* name, size_t landmarks, size_t step) {
    write(name, [&](std::ostream& out) {
      out << "landmark_id,category\n";
      for (size_t i = 0; i < landmarks; ++i) out << i << ',' << category(i * step) << '\n';
    });
  };
  write_categories("train/train_label_to_category.csv", kLandmarks, 1);
  write_categories("index/index_label_to_category.csv", kIndexLandmarks, 3);  // a third is unknown
  write("index/index_image_to_landmark.csv", [](std::ostream& out) {
    out << "id,landmark_id\n";
    for (size_t i = 0; i < kIndex; ++i)
      out << fmt::format("{},{}\n", id(1, i), i % kIndexLandmarks);
  });
  write("test/retrieval_solution_v2.1.csv", [](std::ostream& out) {
    out << "id,images,Usage\n";
    for (size_t i = 0; i < kQueries; ++i) {
      if (i % 100 == 0) {
        out << fmt::format("{},{} {},Private\n", id(2, i), id(1, i), id(1, i + 1));
      } else {
        out << fmt::format("{},None,Ignored\n", id(2, i));
      }
    }
  });
  write("country/XX.json", [](std::ostream& out) {
    for (size_t i = 0; i < kLandmarks; ++i)
      out << fmt::format("{}{{\"name\": \"Landmark_{},_Town\", \"id\": {}}}", i ? "," : "[", i, i);
    out << "]";
  });
  write("country/continent_codes.csv",
        [](std::ostream& out) { out << "Continent_Name,Two_Letter_Country_Code\nAsia,XX\n"; });
}

TEST(GldListsScale, tables_of_the_real_size_take_less_than_2_gb_and_2_minutes) {
  const cairn::testing::TempDir dir;
  write_tables(dir.path());
  const auto start = std::chrono::steady_clock::now();
  const GldLists lists(GldRoot(dir.path()), {});
  const ListCounts counts = count_lists(lists);
  write_lists(lists, counts, {}, dir / "lists");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  rusage usage{};
  ASSERT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  const double gigabytes = static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
  fmt::print("{:.1f} s, {:.2f} GB\n", seconds.count(), gigabytes);
  EXPECT_LT(seconds.count(), 120);
  EXPECT_LT(gigabytes, 2);
  EXPECT_EQ(counts.at(GldList::kClean), gldv2_counts().at(GldList::kClean));
  EXPECT_EQ(counts.at(GldList::kFull), gldv2_counts().at(GldList::kFull));
  EXPECT_EQ(counts.at(GldList::kTestSample).photos, 20000U);
  EXPECT_GT(fs::file_size(dir / "lists/all.csv"), 60 * counts.at(GldList::kAll).photos);
  EXPECT_TRUE(fs::exists(dir / "lists/summary.json"));
}

}  // namespace
}  // namespace cairn::dataset
