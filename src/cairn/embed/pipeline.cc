#include "cairn/embed/pipeline.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <span>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/base/thread_pool.h"
#include "cairn/embed/cache.h"
#include "cairn/embed/meta_json.h"
#include "cairn/embed/parts.h"
#include "cairn/image/image.h"

namespace cairn::embed {
namespace {

using Json = nlohmann::ordered_json;
using dataset::Photo;

void sort_by_id(std::vector<Photo>& photos) {
  std::sort(photos.begin(), photos.end(),
            [](const Photo& a, const Photo& b) { return a.id < b.id; });
  const auto twice = std::adjacent_find(
      photos.begin(), photos.end(), [](const Photo& a, const Photo& b) { return a.id == b.id; });
  if (twice != photos.end()) {
    throw Error(twice->path + " and " + (twice + 1)->path + " have the same id, " + twice->id);
  }
}

std::string hash_of_ids(std::span<const Photo> photos) {
  std::string all;
  for (const Photo& photo : photos) all += photo.id + '\n';
  return sha256_hex({reinterpret_cast<const uint8_t*>(all.data()), all.size()});
}

// All that an embedding depends on beside the photo. No times, paths or machine names: equal runs
// give equal files.
Json embedder_settings(const Embedder& embedder, const EmbedRun& run) {
  Json settings;
  settings["cairn_version"] = CAIRN_VERSION;
  settings["model"] = fs::path(embedder.model().name()).filename().string();
  settings["model_sha256"] = embedder.model().checksum();
  settings["output"] = embedder.output();
  settings["size"] = embedder.size();
  settings["scales"] = embedder.scales();
  if (embedder.sides() != std::vector<int>{embedder.size()}) settings["sides"] = embedder.sides();
  settings["mean"] = embedder.normalisation().mean;
  settings["std"] = embedder.normalisation().std;
  if (embedder.decoding() != Decoding::kFull) {
    settings["decode"] = decoding_name(embedder.decoding());
  }
  settings["resize"] = "bilinear";
  settings["precision"] = engine::precision_name(embedder.precision());
  settings["max_pixels"] = run.max_pixels;
  return settings;
}

Json settings_of(const Embedder& embedder, const EmbedRun& run, const std::vector<Photo>& list,
                 std::span<const Photo> photos) {
  Json settings = embedder_settings(embedder, run);
  settings["photos"] = photos.size();
  settings["photos_sha256"] = hash_of_ids(photos);
  if (!run.shard.whole()) {
    settings["shard"] = {
        {"index", run.shard.index}, {"count", run.shard.count}, {"list", hash_of_ids(list)}};
  }
  return settings;
}

// A model of another name is the same model.
std::string cache_settings(const Embedder& embedder, const EmbedRun& run) {
  Json settings = embedder_settings(embedder, run);
  settings.erase("model");
  settings["dim"] = embedder.dim();
  return meta_json_text(settings);
}

// Throws where an earlier run in the folder differs, naming the first setting that does.
void require_same(const Json& mine, const std::string& text, const fs::path& where) {
  Json theirs = Json::parse(text, nullptr, false);
  if (!theirs.is_object()) theirs = Json::object();
  const auto value = [](const Json& settings, const std::string& key) {
    return settings.contains(key) ? settings[key].dump() : "none";
  };
  const auto require = [&](const std::string& key) {
    if (value(mine, key) == value(theirs, key)) return;
    throw Error(where.string() + ": cannot resume, the earlier run had another " + key + " (" +
                value(theirs, key) + ", now " + value(mine, key) +
                "); repeat its settings, or start again with --force");
  };
  for (const auto& [key, ignored] : mine.items()) require(key);
  require("decode");  // absent where it is full
}

// The photos whose chunks are not finished, in the hands of the workers.
class Work {
 public:
  Work(std::span<const Photo> photos, const Embedder& embedder, const EmbedRun& run,
       const PartFolder& parts, EmbeddingCache* cache)
      : photos_(photos), embedder_(embedder), run_(run), parts_(parts), cache_(cache) {
    const size_t chunks = (photos.size() + run.chunk - 1) / run.chunk;
    for (size_t k = 0; k < chunks; ++k) {
      if (!parts.has(k)) open_.push_back(k);
    }
    for (const size_t k : open_) pending_ += chunk_size(k);
  }

  size_t pending() const { return pending_; }
  size_t chunk_size(size_t k) const {
    return std::min(run_.chunk, photos_.size() - k * run_.chunk);
  }

  // Returns when all photos are done, or the run was stopped.
  void run() {
    if (pending_ == 0) return;
    const int threads = resolve_threads(run_.threads);
    Progress progress("embedding", "photos", photos_.size(), photos_.size() - pending_);
    parallel_for(threads, threads, [&](size_t, size_t) { work(progress); });
  }

  bool stopped() const { return stopped_; }

 private:
  struct OpenChunk {
    std::vector<std::vector<float>> rows;
    std::vector<std::string> reasons;
    size_t left = 0;
  };

  void work(Progress& progress) {
    try {
      Embedder::Worker worker(embedder_);
      // Only the last chunk can be short, so position / chunk finds the open chunk.
      for (size_t i = next_++; i < pending_; i = next_++) {
        if (stopped_ || run_.stop()) {
          stopped_ = true;
          return;
        }
        const size_t k = open_[i / run_.chunk];
        embed_one(worker, k, i % run_.chunk);
        progress.advance();
      }
    } catch (...) {
      stopped_ = true;  // the others stop too; parallel_for rethrows
      throw;
    }
  }

  void embed_one(Embedder::Worker& worker, size_t k, size_t offset) {
    const Photo& photo = photos_[k * run_.chunk + offset];
    std::vector<float> row;
    std::string reason;
    if (photo.id.empty() || photo.id.find_first_of("\r\n") != std::string::npos) {
      reason = "the file name is no id (empty, or with a line break)";
    } else {
      reason = embed_file(worker, photo, row);
    }
    finish_one(k, offset, std::move(row), std::move(reason));
  }

  // Fills row, or returns why not.
  std::string embed_file(Embedder::Worker& worker, const Photo& photo, std::vector<float>& row) {
    try {
      const Result<std::vector<uint8_t>> bytes = try_read_file(photo.path, image::kMaxFileBytes);
      if (!bytes) return bytes.reason();
      Sha256Digest digest;
      if (cache_) {
        digest = sha256(bytes.value());
        if (cache_->find(digest, row)) return "";
      }
      const Result<engine::Tensor> input = worker.prepare(bytes.value(), run_.max_pixels);
      if (!input) return input.reason();
      row = worker.embed(input.value());
      if (cache_) cache_->add(digest, row);
      return "";
    } catch (const Error& error) {
      return error.what();
    } catch (const std::bad_alloc&) {
      // Not a property of the photo: skipping it would make the result depend on the machine.
      throw Error(photo.path + ": out of memory; lower --threads or --max-pixels");
    }
  }

  void finish_one(size_t k, size_t offset, std::vector<float> row, std::string reason) {
    OpenChunk done;
    {
      const std::lock_guard lock(mutex_);
      OpenChunk& chunk = chunks_[k];
      if (chunk.rows.empty()) {
        chunk.left = chunk_size(k);
        chunk.rows.resize(chunk.left);
        chunk.reasons.resize(chunk.left);
      }
      chunk.rows[offset] = std::move(row);
      chunk.reasons[offset] = std::move(reason);
      if (--chunk.left > 0) return;
      done = std::move(chunk);
      chunks_.erase(k);
    }
    Part part{std::move(done.reasons), {}};
    for (const std::vector<float>& values : done.rows) {
      part.rows.insert(part.rows.end(), values.begin(), values.end());
    }
    parts_.write(k, part);
  }

  const std::span<const Photo> photos_;
  const Embedder& embedder_;
  const EmbedRun& run_;
  const PartFolder& parts_;
  EmbeddingCache* const cache_;  // null: none
  std::vector<size_t> open_;     // chunks without a part, ascending
  size_t pending_ = 0;           // photos in them
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::map<size_t, OpenChunk> chunks_;
};

// Puts the parts together, reading them twice: how many rows there are stands before the first row,
// and all rows at once may not fit into memory.
std::vector<Skipped> write_result(std::span<const Photo> photos, const Work& work,
                                  const PartFolder& parts, size_t dim, size_t chunk, Json meta,
                                  const fs::path& out) {
  std::vector<std::string> ids;
  std::vector<Skipped> skipped;
  for (size_t first = 0; first < photos.size(); first += chunk) {
    const size_t k = first / chunk;
    const Part part = parts.read(k, work.chunk_size(k));
    for (size_t i = 0; i < part.reasons.size(); ++i) {
      const std::string& id = photos[first + i].id;
      if (part.reasons[i].empty()) {
        ids.push_back(id);
      } else {
        skipped.push_back({id, part.reasons[i]});
      }
    }
  }
  meta["dim"] = dim;
  meta["count"] = ids.size();
  write_embedding_folder(out, dim, ids, skipped, meta_json_text(meta), [&](std::ostream& rows) {
    for (size_t first = 0; first < photos.size(); first += chunk) {
      const size_t k = first / chunk;
      const Part part = parts.read(k, work.chunk_size(k));
      rows.write(reinterpret_cast<const char*>(part.rows.data()),
                 static_cast<std::streamsize>(part.rows.size() * sizeof(float)));
    }
  });
  return skipped;
}

// Small enough that a kill does not cost much, large enough that flushing to disk does not either.
size_t default_chunk(const Embedder& embedder) {
  double pixels = 0;
  for (const int side : embedder.sides()) pixels += static_cast<double>(side) * side;
  return static_cast<size_t>(std::clamp(64.0 * 512 * 512 / pixels, 16.0, 512.0));
}

// Leaves the parts of an earlier equal run where that is wanted, else none.
void start_or_resume(PartFolder& parts, const Json& settings, const EmbedRun& run) {
  Json manifest = settings;
  manifest["chunk"] = run.chunk;
  const std::optional<std::string> earlier = parts.manifest();
  if (run.force) {
    remove_embeddings(run.out);
  } else if (earlier && !run.resume) {
    throw Error(run.out.string() + ": holds an unfinished run; go on with --resume, or start " +
                "again with --force");
  } else if (earlier) {
    require_same(manifest, *earlier, run.out);
    parts.tidy();
    return;
  } else {
    require_no_embeddings(run.out);
  }
  parts.start(meta_json_text(manifest));
}

}  // namespace

EmbedSummary embed_photos(std::vector<Photo> list, const Embedder& embedder,
                          const EmbedRun& wanted) {
  EmbedRun run = wanted;
  if (run.chunk == 0) run.chunk = default_chunk(embedder);
  if (!run.shard.whole()) run.out /= run.shard.folder();
  sort_by_id(list);
  const auto [begin, end] = run.shard.range(list.size());
  const std::span<const Photo> photos = std::span<const Photo>(list).subspan(begin, end - begin);
  const Json settings = settings_of(embedder, run, list, photos);
  EmbedSummary summary{run.out, photos.size(), 0, 0, embedder.dim(), {}};
  make_folder(run.out);
  const FolderLock lock(run.out);
  PartFolder parts(run.out / ".parts", embedder.dim());

  if (is_embedding_folder(run.out) && run.resume && !run.force) {
    require_same(settings, read_text(run.out / "meta.json"), run.out);
    parts.remove();
    summary.resumed = photos.size();
    summary.skipped = read_skipped(run.out);
    return summary;
  }
  start_or_resume(parts, settings, run);
  std::optional<EmbeddingCache> cache;
  if (!run.cache.empty()) {
    cache.emplace(run.cache, cache_settings(embedder, run), embedder.dim(), run.cache_limit);
  }
  Work work(photos, embedder, run, parts, cache ? &*cache : nullptr);
  summary.resumed = photos.size() - work.pending();
  work.run();
  if (cache) {
    summary.cached = cache->hits();
    if (cache->damaged() > 0) {
      log_warning(run.cache.string() + ": " + std::to_string(cache->damaged()) +
                  " damaged entries; their photos were embedded again");
    }
  }
  if (work.stopped()) {
    throw Error("stopped; what is done stays in " + run.out.string() +
                ": go on with the same command and --resume");
  }
  summary.skipped = write_result(photos, work, parts, embedder.dim(), run.chunk, settings, run.out);
  parts.remove();
  return summary;
}

}  // namespace cairn::embed
