#include "cairn/detect/detections_csv.h"

#include <charconv>
#include <cmath>
#include <unordered_map>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"

namespace cairn::detect {
namespace {

constexpr const char* kColumns[] = {"id", "width", "height", "class", "confidence",
                                    "x1", "y1",    "x2",     "y2"};
constexpr size_t kColumnCount = std::size(kColumns);
constexpr int kLargestSide = 1 << 20;

std::string digits(float value) {
  char text[64];
  const auto [end, failed] = std::to_chars(text, text + sizeof text, value);
  return {text, end};
}

template <typename T>
T parse(const std::string& text, const char* column, const CsvReader& reader) {
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  if (!whole || !std::isfinite(static_cast<double>(value)))
    throw Error(reader.where() + ": " + column + " '" + text + "' is no number");
  return value;
}

}  // namespace

void write_detections(const std::filesystem::path& file,
                      const std::vector<PhotoDetections>& photos) {
  std::string text = csv_line({std::begin(kColumns), std::end(kColumns)});
  for (const PhotoDetections& photo : photos) {
    const std::string width = std::to_string(photo.width);
    const std::string height = std::to_string(photo.height);
    if (photo.objects.empty()) text += csv_line({photo.id, width, height, "", "", "", "", "", ""});
    for (const Detection& one : photo.objects)
      text +=
          csv_line({photo.id, width, height, std::to_string(one.class_id), digits(one.confidence),
                    digits(one.x1), digits(one.y1), digits(one.x2), digits(one.y2)});
  }
  write_text_atomically(file, text);
}

std::vector<PhotoDetections> read_detections(const std::filesystem::path& file) {
  CsvReader reader(file);
  size_t at[kColumnCount];
  for (size_t c = 0; c < kColumnCount; ++c) at[c] = reader.column(kColumns[c]);
  std::vector<PhotoDetections> photos;
  std::unordered_map<std::string, size_t> known;
  std::vector<std::string> row;
  while (reader.next(row)) {
    const auto field = [&](size_t c) -> const std::string& { return row[at[c]]; };
    const int width = parse<int>(field(1), kColumns[1], reader);
    const int height = parse<int>(field(2), kColumns[2], reader);
    if (width < 1 || height < 1 || width > kLargestSide || height > kLargestSide)
      throw Error(reader.where() + ": a photo of " + field(1) + " × " + field(2) + " pixels");
    const auto [found, fresh] = known.try_emplace(field(0), photos.size());
    if (fresh) photos.push_back({field(0), width, height, {}});
    PhotoDetections& photo = photos[found->second];
    if (photo.width != width || photo.height != height)
      throw Error(reader.where() + ": photo " + field(0) + " had another size before");
    if (field(3).empty()) continue;
    Detection one;
    one.class_id = parse<int>(field(3), kColumns[3], reader);
    float* const numbers[] = {&one.confidence, &one.x1, &one.y1, &one.x2, &one.y2};
    for (size_t c = 0; c < std::size(numbers); ++c)
      *numbers[c] = parse<float>(field(4 + c), kColumns[4 + c], reader);
    photo.objects.push_back(one);
  }
  return photos;
}

}  // namespace cairn::detect
