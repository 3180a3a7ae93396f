// Helpers of the table readers. Internal to the dataset room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::dataset {

// The words between spaces.
std::vector<std::string> split_words(std::string_view text);

// A landmark id; throws Error "where: …" when the text is no 64-bit number.
int64_t parse_landmark(std::string_view text, const std::string& where);

}  // namespace cairn::dataset
