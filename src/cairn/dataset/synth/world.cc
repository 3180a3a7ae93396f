#include "cairn/dataset/synth/world.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>

#include "cairn/base/files.h"
#include "cairn/base/thread_pool.h"
#include "cairn/dataset/synth/other.h"
#include "cairn/dataset/synth/tables.h"

namespace cairn::synth {
namespace {

constexpr size_t kChunk = 8;  // photos of one subject that a thread takes at once

// A landmark with its site; built when its first photo is taken, freed after the last.
struct Subject {
  std::once_flag built;
  std::unique_ptr<const Landmark> landmark;
  Mesh site;
  std::atomic<size_t> left = 0;
};

struct Chunk {
  int landmark;
  std::vector<size_t> photos;  // positions in the plan
};

std::vector<Chunk> cut(const WorldPlan& plan) {
  std::vector<std::vector<size_t>> groups(plan.landmarks.size() + 1);
  for (size_t i = 0; i < plan.photos.size(); ++i) {
    const int landmark = plan.photos[i].landmark;
    groups[landmark < 0 ? plan.landmarks.size() : static_cast<size_t>(landmark)].push_back(i);
  }
  std::vector<Chunk> chunks;
  for (size_t g = 0; g < groups.size(); ++g) {
    const int landmark = g == plan.landmarks.size() ? -1 : static_cast<int>(g);
    for (size_t i = 0; i < groups[g].size(); ++i) {
      if (i % kChunk == 0) chunks.push_back({landmark, {}});
      chunks.back().photos.push_back(groups[g][i]);
    }
  }
  return chunks;
}

fs::path photo_path(const fs::path& root, const PlannedPhoto& photo) {
  const std::string& id = photo.id;
  return root / folder_of(photo.side) / id.substr(0, 1) / id.substr(1, 1) / id.substr(2, 1) /
         (id + ".jpg");
}

void write_plain(const fs::path& path, const std::vector<uint8_t>& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw Error(path.string() + ": cannot write: " + std::strerror(errno));
}

// Takes the photos of one world.
class Studio {
 public:
  Studio(const WorldOptions& options, const WorldPlan& plan, const fs::path& root)
      : options_(options),
        plan_(plan),
        root_(root),
        library_(options.seed),
        subjects_(plan.landmarks.size()),
        photos_(plan.photos.size()),
        landmarks_(plan.landmarks.size()) {}

  void run(const std::function<void(uint64_t, uint64_t)>& progress) {
    const std::vector<Chunk> chunks = cut(plan_);
    for (const Chunk& chunk : chunks)
      if (chunk.landmark >= 0)
        subjects_[static_cast<size_t>(chunk.landmark)].left += chunk.photos.size();
    std::mutex reporting;
    uint64_t done = 0;
    parallel_each(chunks.size(), resolve_threads(options_.threads), [&](size_t c) {
      for (const size_t i : chunks[c].photos) take(i);
      const std::lock_guard lock(reporting);
      done += chunks[c].photos.size();
      if (progress) progress(done, plan_.photos.size());
    });
  }

  const std::vector<PhotoRecord>& photos() const { return photos_; }
  const std::vector<LandmarkRecord>& landmarks() const { return landmarks_; }

 private:
  void build(size_t l) {
    Subject& subject = subjects_[l];
    subject.landmark = std::make_unique<const Landmark>(make_landmark(
        plan_.landmarks[l].family, Rng::for_stream(options_.seed, fnv1a("landmark"), l)));
    subject.site =
        make_site(*subject.landmark, library_, Rng::for_stream(options_.seed, fnv1a("site"), l));
    landmarks_[l] = {subject.landmark->family, subject.landmark->height, subject.landmark->radius};
  }

  void take(size_t i) {
    const PlannedPhoto& planned = plan_.photos[i];
    const Rng rng = Rng::for_stream(options_.seed, fnv1a("photo"), i);
    Photo photo;
    if (planned.landmark < 0) {
      photo = photograph_other(library_, options_.size, options_.difficulty, rng);
    } else {
      const auto l = static_cast<size_t>(planned.landmark);
      Subject& subject = subjects_[l];
      std::call_once(subject.built, [&] { build(l); });
      const ViewWish wish{planned.azimuth * subject.landmark->view_arc, options_.size,
                          options_.difficulty};
      photo = photograph(*subject.landmark, subject.site, library_, wish, rng);
      if (--subject.left == 0) {
        subject.landmark.reset();
        subject.site = {};
      }
    }
    write_plain(photo_path(root_, planned), photo.jpeg);
    photos_[i] = {photo.width,   photo.height,  photo.quality, photo.has_camera, photo.camera,
                  photo.visible, photo.weather, photo.daytime, photo.kind};
  }

  const WorldOptions& options_;
  const WorldPlan& plan_;
  const fs::path& root_;
  const PropLibrary library_;
  std::vector<Subject> subjects_;
  std::vector<PhotoRecord> photos_;
  std::vector<LandmarkRecord> landmarks_;
};

bool has_entries(const fs::path& folder) {
  std::error_code failed;
  if (!fs::exists(folder, failed)) return false;
  if (!fs::is_directory(folder, failed))
    throw Error(folder.string() + ": is not a folder; choose another --out");
  return fs::directory_iterator(folder) != fs::directory_iterator();
}

// Empties the folder but for its lock.
void clear(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.path().filename() != ".lock") fs::remove_all(entry.path());
}

// Puts the finished folder in the place of target, which is missing, empty or an older world.
void replace(const fs::path& finished, const fs::path& target) {
  fs::path old = target;
  old += ".old";
  fs::remove_all(old);
  if (fs::exists(target)) fs::rename(target, old);
  fs::rename(finished, target);
  fs::remove_all(old);
}

}  // namespace

WorldSummary write_world(const WorldOptions& options, const fs::path& folder,
                         const std::function<void(uint64_t, uint64_t)>& progress) {
  const WorldPlan plan = plan_world(options);
  fs::path target = fs::absolute(folder).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  const auto check_target = [&] {
    if (!has_entries(target)) return;
    if (!options.force)
      throw Error(target.string() +
                  ": is not empty; choose another --out, or --force to replace an older world");
    if (!fs::exists(target / "world.json"))
      throw Error(target.string() +
                  ": holds no world.json, so it is not replaced; empty it or choose another --out");
  };
  check_target();
  fs::path partial = target;
  partial += ".partial";
  make_folder(partial);
  const FolderLock lock(partial);  // two runs into one folder would mix their photos
  check_target();                  // another run may have finished before the lock was free
  try {
    clear(partial);
    make_folder(partial / "country");
    std::set<fs::path> folders;
    for (const Side side : {Side::kTrain, Side::kIndex, Side::kTest, Side::kNonlandmark})
      folders.insert(partial / folder_of(side));
    for (const PlannedPhoto& photo : plan.photos)
      folders.insert(photo_path(partial, photo).parent_path());
    for (const fs::path& path : folders) make_folder(path);
    Studio studio(options, plan, partial);
    studio.run(progress);
    write_tables(options, plan, studio.photos(), studio.landmarks(), partial);
    replace(partial, target);  // the lock moves along, so that nobody takes the folder before
    std::error_code ignored;
    fs::remove(target / ".lock", ignored);
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw Error(std::string(error.what()) + "; check the place and the rights of --out");
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
  WorldSummary summary;
  for (const PlannedPhoto& photo : plan.photos) {
    summary.train += photo.side == Side::kTrain ? 1 : 0;
    summary.index += photo.side == Side::kIndex ? 1 : 0;
    summary.test += photo.side == Side::kTest ? 1 : 0;
    summary.nonlandmark += photo.side == Side::kNonlandmark ? 1 : 0;
  }
  return summary;
}

}  // namespace cairn::synth
