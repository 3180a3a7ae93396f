// What is known of labelled references: their landmarks, and the countries of these.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cairn/embed/mapped_embeddings.h"
#include "cairn/search/exact_search.h"

namespace cairn::apps {

struct LabelSources {
  std::vector<std::string> tables;  // train.csv, train_clean.csv, or lists of `cairn lists`
  std::string countries;            // folder of country files; lists bring their own countries
  std::string categories;           // landmark_id,category; empty: train_label_to_category.csv
                                    // beside the first table
};

// The labels of many photos.
class ReferenceLabels {
 public:
  // Throws Error where a table is malformed, tables disagree, or the categories are missing.
  explicit ReferenceLabels(const LabelSources& sources);
  ~ReferenceLabels();
  ReferenceLabels(const ReferenceLabels&) = delete;
  ReferenceLabels& operator=(const ReferenceLabels&) = delete;

  bool has_countries() const { return has_countries_; }
  struct Label {
    int64_t landmark = -1;  // below 0: none
    int64_t country = -1;   // a number of its own; below 0: unknown
  };
  const Label* find(const std::string& id) const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
  bool has_countries_ = false;
};

// The references that have a label.
struct LabelledRows {
  embed::MappedEmbeddings all;
  std::vector<float> values;     // of those with a label, where some have none
  std::vector<std::string> ids;  // likewise
  std::vector<int64_t> landmarks;
  std::vector<int64_t> countries;  // empty where unknown

  search::Rows rows() const;
};

// Throws Error where no photo of the folder has a label; warns of photos without one.
LabelledRows label_rows(embed::MappedEmbeddings rows, const ReferenceLabels& labels,
                        const std::string& folder);

}  // namespace cairn::apps
