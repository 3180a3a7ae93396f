// How meta.json and the manifests of unfinished runs are written.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace cairn::embed {

// Indented; file names that are not UTF-8 lose their odd bytes.
inline std::string meta_json_text(const nlohmann::ordered_json& meta) {
  return meta.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace cairn::embed
