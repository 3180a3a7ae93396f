// The answers of the Google Landmarks v2 test photos.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cairn::dataset {

// Which landmarks a test photo shows. Empty: none.
struct RecognitionSolution {
  std::string id;
  std::vector<int64_t> landmarks;
  std::string usage;  // "Public", "Private" or "Ignored"
};

// Which index photos show what a test photo shows. Empty ("None" in the table): not scored.
struct RetrievalSolution {
  std::string id;
  std::vector<std::string> images;
  std::string usage;
};

// A table id,landmarks,Usage; landmarks are space-separated, empty or "None". Throws Error with
// file and line on a malformed row or a repeated id.
std::vector<RecognitionSolution> read_recognition_solution(const std::filesystem::path& table);

// A table id,images,Usage; images are space-separated, empty or "None". Throws as above.
std::vector<RetrievalSolution> read_retrieval_solution(const std::filesystem::path& table);

}  // namespace cairn::dataset
