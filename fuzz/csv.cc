// CSV tables: rows, labels, solutions and detections.
#include "cairn/base/csv.h"

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>

#include "cairn/base/error.h"
#include "cairn/dataset/photos.h"
#include "cairn/dataset/solutions.h"
#include "cairn/detect/detections_csv.h"
#include "target.h"

namespace {

// A file in memory with the given content.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : descriptor_(::memfd_create("input", 0)) {
    cairn::fuzz::require(descriptor_ >= 0);
    cairn::fuzz::require(::write(descriptor_, data, size) == static_cast<ssize_t>(size));
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

template <typename Read>
void expect_no_worse_than_error(const Read& read) {
  try {
    read();
  } catch (const cairn::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  expect_no_worse_than_error([&] {
    cairn::CsvReader reader(file.path());
    std::vector<std::string> fields;
    while (reader.next(fields)) {
      cairn::fuzz::require(fields.size() == reader.header().size());
      cairn::csv_line(fields);
    }
  });
  expect_no_worse_than_error([&] { cairn::dataset::read_labels(file.path()); });
  expect_no_worse_than_error([&] { cairn::dataset::read_recognition_solution(file.path()); });
  expect_no_worse_than_error([&] { cairn::dataset::read_retrieval_solution(file.path()); });
  expect_no_worse_than_error([&] {
    for (const auto& photo : cairn::detect::read_detections(file.path()))
      cairn::fuzz::require(photo.width > 0 && photo.height > 0);
  });
  return 0;
}

namespace cairn::fuzz {

std::vector<Seed> seeds() {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"train.csv", "id,url,landmark_id\na,http://x/a.jpg,7\nb,\"x,\"\"y\"\"\",-9\n"},
      {"clean.csv", "\xEF\xBB\xBFlandmark_id,images\r\n1,a b\r\n2,c\r\n"},
      {"recognition.csv", "id,landmarks,Usage\na,12 34,Public\nb,,Private\nc,None,Ignored\n"},
      {"retrieval.csv", "id,images,Usage\nq,\"z a\nm\",Private\nr,None,Ignored"},
      {"detections.csv",
       "id,width,height,class,confidence,x1,y1,x2,y2\na,40,30,7,0.75,1,2,3.5,4\nb,9,9,,,,,,\n"},
      {"open_quote.csv", "id,landmark_id\na,\"1\n\n"}};
  std::vector<Seed> all;
  all.reserve(texts.size());
  for (const auto& [name, text] : texts) all.push_back({name, {text.begin(), text.end()}});
  return all;
}

}  // namespace cairn::fuzz
