#include "cairn/embed/parts.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cairn/base/error.h"
#include "cairn/base/files.h"

namespace cairn::embed {

// A part file: one line of JSON, the list of reasons; then the rows as float32.

PartFolder::PartFolder(fs::path folder, size_t dim) : folder_(std::move(folder)), dim_(dim) {}

std::optional<std::string> PartFolder::manifest() const {
  const fs::path path = folder_ / "manifest.json";
  if (!fs::exists(path)) return std::nullopt;
  return read_text(path);
}

void PartFolder::start(const std::string& manifest) {
  remove();
  make_folder(folder_);
  write_text_atomically(folder_ / "manifest.json", manifest);
}

void PartFolder::tidy() const {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
    if (entry.path().filename().string().find(".tmp-") != std::string::npos) {
      fs::remove(entry.path());
    }
  }
}

void PartFolder::remove() const {
  std::error_code failed;
  fs::remove_all(folder_, failed);
  if (failed) throw Error(folder_.string() + ": cannot remove: " + failed.message());
}

bool PartFolder::has(size_t k) const { return fs::exists(file(k)); }

void PartFolder::write(size_t k, const Part& part) const {
  write_stream_atomically(file(k), [&](std::ostream& out) {
    // Reasons may quote bytes of a broken file; JSON holds UTF-8 only.
    out << nlohmann::json(part.reasons)
               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
        << '\n';
    out.write(reinterpret_cast<const char*>(part.rows.data()),
              static_cast<std::streamsize>(part.rows.size() * sizeof(float)));
  });
}

Part PartFolder::read(size_t k, size_t photos) const {
  const std::vector<uint8_t> bytes = read_file(file(k));
  const auto line_end = std::find(bytes.begin(), bytes.end(), uint8_t{'\n'});
  const nlohmann::json reasons = nlohmann::json::parse(bytes.begin(), line_end, nullptr, false);
  const bool texts = reasons.is_array() &&
                     std::all_of(reasons.begin(), reasons.end(),
                                 [](const nlohmann::json& reason) { return reason.is_string(); });
  Part part;
  if (texts) part.reasons = reasons.get<std::vector<std::string>>();
  const size_t rows = std::count(part.reasons.begin(), part.reasons.end(), "");
  const size_t have = line_end == bytes.end() ? 0 : bytes.end() - line_end - 1;
  if (part.reasons.size() != photos || have != rows * dim_ * sizeof(float)) {
    throw Error(file(k).string() + ": damaged; delete it and run again with --resume");
  }
  part.rows.resize(rows * dim_);
  if (have > 0) std::memcpy(part.rows.data(), &*line_end + 1, have);
  return part;
}

fs::path PartFolder::file(size_t k) const {
  std::string number = std::to_string(k);
  number.insert(0, 8 - std::min<size_t>(8, number.size()), '0');
  return folder_ / (number + ".part");
}

}  // namespace cairn::embed
