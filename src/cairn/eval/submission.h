// Kaggle submission files: id,landmarks and id,images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace cairn::eval {

// The most images that a retrieval submission lists for a query.
inline constexpr size_t kSubmittedImages = 100;

struct RecognitionAnswer {
  std::string id;                   // of the query
  std::optional<int64_t> landmark;  // nothing: "no landmark"
  double confidence = 0;            // finite
};

// Written as "landmark_id confidence", or an empty field for no landmark; confidences have as many
// digits as it takes to read the same number back. The file is written atomically.
void write_recognition_submission(const std::filesystem::path& file,
                                  const std::vector<RecognitionAnswer>& answers);
// Throws Error with file and line on a malformed row, a confidence that is not finite, or a
// repeated query.
std::vector<RecognitionAnswer> read_recognition_submission(const std::filesystem::path& file);

struct RetrievalAnswer {
  std::string id;                   // of the query
  std::vector<std::string> images;  // best first
};

// Throws Error, naming the submission that it is for, where an image id is empty or holds a space.
void require_image_id(const std::string& id, const std::filesystem::path& file);

// Written as ids separated by spaces, atomically. Throws Error where a list is longer than
// kSubmittedImages or an image id holds a space.
void write_retrieval_submission(const std::filesystem::path& file,
                                const std::vector<RetrievalAnswer>& answers);
// Lists may be longer and repeat images, as scoring says what that means. Throws Error with file
// and line on a malformed row or a repeated query.
std::vector<RetrievalAnswer> read_retrieval_submission(const std::filesystem::path& file);

}  // namespace cairn::eval
