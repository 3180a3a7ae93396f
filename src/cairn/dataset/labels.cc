#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/dataset/photos.h"
#include "cairn/dataset/text.h"

namespace cairn::dataset {
namespace {

// Labels with different ids. The set holds positions, not copies of the ids: there are millions.
class LabelList {
 public:
  // several: a photo may have several landmarks.
  explicit LabelList(bool several)
      : several_(several), positions_(0, Hash{&labels_}, Equal{&labels_, several}) {}
  LabelList(const LabelList&) = delete;
  LabelList& operator=(const LabelList&) = delete;

  void add(std::string id, int64_t landmark, const CsvReader& reader) {
    if (id.empty()) throw Error(reader.where() + ": empty photo id");
    labels_.push_back({std::move(id), landmark});
    const auto [position, is_new] = positions_.insert(labels_.size() - 1);
    if (is_new) return;
    const Label& earlier = labels_[*position];
    if (!several_ && earlier.landmark != landmark) {
      throw Error(reader.where() + ": photo " + earlier.id + " has landmark " +
                  std::to_string(landmark) + " here and " + std::to_string(earlier.landmark) +
                  " earlier in the table");
    }
    labels_.pop_back();
  }

  std::vector<Label> take() {
    positions_.clear();
    return std::move(labels_);
  }

 private:
  struct Hash {
    const std::vector<Label>* labels;
    size_t operator()(size_t i) const { return std::hash<std::string>()((*labels)[i].id); }
  };
  struct Equal {
    const std::vector<Label>* labels;
    bool several;
    bool operator()(size_t a, size_t b) const {
      return (*labels)[a].id == (*labels)[b].id &&
             (!several || (*labels)[a].landmark == (*labels)[b].landmark);
    }
  };

  bool several_;
  std::vector<Label> labels_;
  std::unordered_set<size_t, Hash, Equal> positions_;
};

}  // namespace

std::vector<Label> read_labels(const fs::path& table) {
  CsvReader reader(table);
  const bool one_photo_a_row = reader.has_column("id");
  if (!one_photo_a_row && !reader.has_column("images")) {
    std::string columns = csv_line(reader.header());
    columns.pop_back();
    throw Error(table.string() + ": a label table has the columns id,landmark_id or " +
                "landmark_id,images; this one has " + columns);
  }
  const size_t landmark_column = reader.column("landmark_id");
  const size_t id_column = reader.column(one_photo_a_row ? "id" : "images");
  LabelList labels(reader.has_column("noisy"));
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    const int64_t landmark = parse_landmark(fields[landmark_column], reader.where());
    if (one_photo_a_row) {
      labels.add(std::move(fields[id_column]), landmark, reader);
    } else {
      for (std::string& id : split_words(fields[id_column])) {
        labels.add(std::move(id), landmark, reader);
      }
    }
  }
  return labels.take();
}

LabelledPhotos join_labels(const std::vector<Label>& labels, const std::vector<Photo>& photos) {
  std::unordered_map<std::string_view, const Photo*> by_id;
  by_id.reserve(photos.size());
  for (const Photo& photo : photos) by_id.emplace(photo.id, &photo);
  LabelledPhotos joined;
  joined.photos.reserve(labels.size());
  for (const Label& label : labels) {
    const auto found = by_id.find(label.id);
    if (found == by_id.end()) {
      joined.missing_ids.push_back(label.id);
    } else {
      joined.photos.push_back({label.id, found->second->path, label.landmark});
    }
  }
  return joined;
}

}  // namespace cairn::dataset
