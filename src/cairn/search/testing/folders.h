// Embedding folders for tests of their indexes.
#pragma once

#include <array>
#include <string>

#include "cairn/base/files.h"
#include "cairn/base/npy.h"
#include "cairn/search/testing/sets.h"

namespace cairn::search::testing {

inline void write_set(const Set& set, const fs::path& folder, const std::string& line_end = "\n") {
  make_folder(folder);
  write_npy(folder / "embeddings.npy",
            std::array{static_cast<int64_t>(set.ids.size()), static_cast<int64_t>(set.dim)},
            set.values);
  std::string text;
  for (const std::string& id : set.ids) text += id + line_end;
  write_text_atomically(folder / "ids.txt", text);
}

}  // namespace cairn::search::testing
