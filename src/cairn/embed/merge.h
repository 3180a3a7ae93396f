// Several embedding folders of one model to one: the shards of a run, or any others.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace cairn::embed {

struct MergeSummary {
  size_t folders = 0;
  size_t embedded = 0;
  size_t skipped = 0;
  size_t dim = 0;
};

// Writes to out what one run over all photos would have written: rows and skipped photos in id
// order, byte for byte where the folders come from shards. A folder of shards (shard-I-of-N below
// it) stands for them. Rows are copied, never held: memory is that of the ids.
//
// Throws Error where a folder is no complete set, a shard of a list is missing, the sets come from
// another model or other settings, an id is there twice, a row is not of length 1, another process
// works in out, or out holds a set already (and not force). out is then as it was.
MergeSummary merge_embeddings(const std::vector<std::filesystem::path>& folders,
                              const std::filesystem::path& out, bool force);

}  // namespace cairn::embed
