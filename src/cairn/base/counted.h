// Counts in messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cairn {

// "1 photo", "2 photos"; counted(2, "query", "queries") where an s is not enough.
std::string counted(uint64_t count, std::string_view one, std::string_view many = {});

}  // namespace cairn
