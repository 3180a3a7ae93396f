#include "cairn/dataset/gld_lists.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/base/random.h"
#include "cairn/dataset/solutions.h"

namespace cairn::dataset {
namespace {

// How many index photos of each landmark may enter the test sample.
constexpr int kSampledOfLandmark = 2;

// Ids become paths; Error where one would leave its folder.
void require_no_slash(const std::string& id, const fs::path& table) {
  if (id.find('/') != std::string::npos) {
    throw Error(table.string() + ": photo id \"" + id +
                "\" holds a slash; ids of Google Landmarks v2 are file names without ending");
  }
}

std::vector<Label> read_photos(const fs::path& table) {
  std::vector<Label> labels = read_labels(table);
  for (const Label& label : labels) require_no_slash(label.id, table);
  return labels;
}

}  // namespace

const char* name_of(GldList list) {
  switch (list) {
    case GldList::kClean:
      return "clean";
    case GldList::kC2x:
      return "c2x";
    case GldList::kFull:
      return "full";
    case GldList::kIndexTrain:
      return "index_train";
    case GldList::kAll:
      return "all";
    case GldList::kIndex:
      return "index";
    case GldList::kTestSample:
      break;
  }
  return "test_sample";
}

GldLists::GldLists(const GldRoot& root, const GldListOptions& options)
    : expanded_index_(options.expanded_index) {
  // Small tables first: what is missing shows at once.
  const fs::path folder = options.countries.empty() ? root.countries : options.countries;
  knows_countries_ = !folder.empty();
  const CountryTable countries = knows_countries_ ? CountryTable(folder) : CountryTable();
  root.need(&GldRoot::train_table, "train/train.csv");
  root.need(&GldRoot::index_table, "index/index_image_to_landmark.csv");
  root.need(&GldRoot::index_categories, "index/index_label_to_category.csv");
  root.need(&GldRoot::retrieval_solution, "test/retrieval_solution_v2.1.csv");
  const auto categories =
      read_categories(root.need(&GldRoot::train_categories, "train/train_label_to_category.csv"));

  read_train(root);
  std::unordered_map<int64_t, std::string_view> category_of(categories.begin(), categories.end());
  for (Landmark& landmark : landmarks_) {
    landmark.category = category_of[landmark.original];
    landmark.place = countries.of(landmark.category);
  }
  read_index(root, categories);
  read_test(root);
  draw_test_sample(options);
}

void GldLists::read_train(const GldRoot& root) {
  std::unordered_map<int64_t, int64_t> global_ids;
  const auto number = [&](std::vector<Label>& labels) {
    for (Label& label : labels) {
      const auto [known, is_new] =
          global_ids.emplace(label.landmark, static_cast<int64_t>(landmarks_.size()));
      if (is_new) landmarks_.push_back({label.landmark, "", {}});
      label.landmark = known->second;
    }
  };
  clean_ = read_photos(root.need(&GldRoot::train_clean_table, "train/train_clean.csv"));
  number(clean_);
  clean_landmarks_ = landmarks_.size();
  train_ = read_photos(root.train_table);
  number(train_);

  struct Clean {
    int64_t landmark = 0;
    bool in_train = false;
  };
  std::unordered_map<std::string_view, Clean> clean;
  clean.reserve(clean_.size());
  for (const Label& label : clean_) clean.emplace(label.id, Clean{label.landmark});
  noisy_.reserve(train_.size());
  for (const Label& label : train_) {
    const auto found = clean.find(label.id);
    noisy_.push_back(found == clean.end() || found->second.landmark != label.landmark);
    if (found != clean.end()) found->second.in_train = true;
  }
  const auto lost = std::ranges::find_if(clean, [](const auto& c) { return !c.second.in_train; });
  if (lost != clean.end())
    log_warning(root.train_clean_table.string() + ": photos that " + root.train_table.string() +
                " lacks, as " + std::string(lost->first) + "; only the list clean has them");
}

void GldLists::read_index(const GldRoot& root, const Categories& categories) {
  std::unordered_map<int64_t, int64_t> global_ids;
  for (size_t i = 0; i < landmarks_.size(); ++i)
    global_ids.emplace(landmarks_[i].original, static_cast<int64_t>(i));
  std::unordered_map<std::string_view, int64_t> landmark_of;
  for (const auto& [original, category] : categories) {
    const auto found = global_ids.find(original);
    if (found != global_ids.end()) landmark_of[category] = found->second;
  }
  std::unordered_map<int64_t, int64_t> known;  // by the index tables' own landmark id
  for (const auto& [original, category] : read_categories(root.index_categories)) {
    const auto found = landmark_of.find(category);
    if (found != landmark_of.end()) known.emplace(original, found->second);
  }
  index_ = read_photos(root.index_table);
  const size_t photos = index_.size();
  std::erase_if(index_, [&](const Label& label) { return !known.contains(label.landmark); });
  dropped_.index_photos = photos - index_.size();
  for (Label& label : index_) label.landmark = known.at(label.landmark);
}

void GldLists::read_test(const GldRoot& root) {
  std::unordered_map<std::string_view, int64_t> landmark_of;
  landmark_of.reserve(index_.size());
  for (const Label& label : index_) landmark_of.emplace(label.id, label.landmark);
  std::unordered_set<std::string> extra;
  for (RetrievalSolution& query : read_retrieval_solution(root.retrieval_solution)) {
    require_no_slash(query.id, root.retrieval_solution);
    if (query.usage == "Ignored" || query.images.empty()) {
      test_.push_back({std::move(query.id), kNoLandmark});
      continue;
    }
    std::set<int64_t> landmarks;
    for (std::string& image : query.images) {
      const auto found = landmark_of.find(image);
      if (found != landmark_of.end()) {
        landmarks.insert(found->second);
      } else if (extra.insert(image).second) {
        require_no_slash(image, root.retrieval_solution);
        index_extra_.push_back({std::move(image), kNoLandmark});
      }
    }
    if (landmarks.empty()) ++dropped_.queries;
    for (const int64_t landmark : landmarks) test_.push_back({query.id, landmark});
  }
}

void GldLists::draw_test_sample(const GldListOptions& options) {
  std::vector<int> taken(landmarks_.size());
  for (size_t i = 0; i < index_.size(); ++i) {
    if (++taken[static_cast<size_t>(index_[i].landmark)] <= kSampledOfLandmark)
      test_sample_.push_back(i);
  }
  if (test_sample_.size() <= options.test_sample) return;
  Rng(options.seed).shuffle(test_sample_);
  test_sample_.resize(options.test_sample);
  std::sort(test_sample_.begin(), test_sample_.end());
}

void GldLists::for_each(GldList list, const std::function<void(const Entry&)>& take) const {
  const auto take_all = [&](const std::vector<Label>& labels, const char* part) {
    for (const Label& label : labels) take({&label.id, part, label.landmark, false});
  };
  const auto take_train = [&](size_t landmarks) {
    for (size_t i = 0; i < train_.size(); ++i) {
      if (static_cast<size_t>(train_[i].landmark) < landmarks)
        take({&train_[i].id, "train", train_[i].landmark, noisy_[i]});
    }
  };
  switch (list) {
    case GldList::kClean:
      return take_all(clean_, "train");
    case GldList::kC2x:
      return take_train(clean_landmarks_);
    case GldList::kFull:
      return take_train(landmarks_.size());
    case GldList::kIndexTrain:
      take_train(landmarks_.size());
      return take_all(index_, "index");
    case GldList::kAll:
      for_each(GldList::kIndexTrain, take);
      return take_all(test_, "test");
    case GldList::kIndex:
      take_all(index_, "index");
      if (expanded_index_) take_all(index_extra_, "index");
      return;
    case GldList::kTestSample:
      for (const size_t i : test_sample_) take({&index_[i].id, "index", index_[i].landmark, false});
  }
}

ListRow GldLists::row(const Entry& entry) const {
  ListRow row{*entry.id, entry.landmark, entry.part, entry.noisy, "", ""};
  for (const char c : row.id.substr(0, 3)) (row.path += '/') += c;
  ((row.path += '/') += row.id) += ".jpg";
  if (entry.landmark == kNoLandmark) return row;
  const Place& place = landmarks_[static_cast<size_t>(entry.landmark)].place;
  row.country = place.country;
  row.continent = place.continent;
  return row;
}

}  // namespace cairn::dataset
