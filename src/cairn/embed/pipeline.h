// Many photos to one embedding folder: on all cores, resumable, the same bytes every time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cairn/dataset/photos.h"
#include "cairn/embed/embedder.h"
#include "cairn/embed/embedding_set.h"
#include "cairn/embed/shard.h"

namespace cairn::embed {

struct EmbedRun {
  std::filesystem::path out;          // the embedding folder; of a shard: the folder above it
  Shard shard;                        // the part of the list to embed
  int threads = 0;                    // 0: all cores. Each decodes and embeds photos of its own
  uint64_t max_pixels = 100'000'000;  // larger photos are skipped
  bool resume = false;                // go on with what an interrupted run left in out
  bool force = false;                 // replace what is in out
  // Photos that are kept together when a run is interrupted. 0: as many as are about as much work
  // as 64 photos of 512 pixels, 16 to 512.
  size_t chunk = 0;
  std::filesystem::path cache;  // EmbeddingCache to look into and to add to; empty: none
  uint64_t cache_limit = uint64_t{50} << 30;  // bytes
  // Asked before each photo, by all threads: true ends the run with an Error that says how to
  // resume.
  std::function<bool()> stop = [] { return false; };
};

struct EmbedSummary {
  std::filesystem::path folder;  // that holds the set
  size_t photos = 0;             // in the list, or in the shard of it
  size_t resumed = 0;            // of them, taken over from an interrupted run
  size_t cached = 0;             // of them, found in the cache
  size_t dim = 0;
  std::vector<Skipped> skipped;  // in id order
  size_t embedded() const { return photos - skipped.size(); }
};

// Embeds the photos in id order (byte order) and writes the embedding folder run.out. Photos that
// cannot be read or embedded go to skipped.csv; a set may be empty. What is written depends on the
// photos, the model and the settings of the embedder alone: not on threads, chunks, interruptions
// or the cache. A shard goes to run.out/shard-I-of-N; merge_embeddings puts them together.
//
// Finished chunks are kept in out/.parts until the run is complete. Without resume and force a
// folder with a finished or unfinished set is an Error; so is resuming with another model, other
// settings or another list of photos. Throws Error where ids repeat, another process works in the
// folder, the disk is full, or the run was stopped; nothing stands under the final names then.
EmbedSummary embed_photos(std::vector<dataset::Photo> photos, const Embedder& embedder,
                          const EmbedRun& run);

}  // namespace cairn::embed
