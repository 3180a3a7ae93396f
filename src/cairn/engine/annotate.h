// Metadata of an ONNX file.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace cairn::engine {

// Writes a copy of the ONNX file with these metadata_props set; others and the graph stay as they
// are. model and out may be one file. Throws Error where the file is no ONNX model or cannot be
// written.
void annotate_model(const std::filesystem::path& model, const std::filesystem::path& out,
                    const std::map<std::string, std::string>& metadata);

}  // namespace cairn::engine
