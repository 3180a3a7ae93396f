// Text in HTML.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cairn::report {

// The text with &, <, >, " and ' escaped: safe in elements and in quoted attributes.
std::string escape(std::string_view text);

// RFC 4648, with padding.
std::string base64(std::span<const uint8_t> bytes);

}  // namespace cairn::report
