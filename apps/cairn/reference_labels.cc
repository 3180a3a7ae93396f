#include "reference_labels.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <unordered_map>

#include "cairn/base/counted.h"
#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/dataset/countries.h"
#include "cairn/dataset/list_file.h"
#include "cairn/dataset/photos.h"

namespace cairn::apps {

namespace fs = std::filesystem;

struct ReferenceLabels::Tables {
  std::unordered_map<std::string, Label> labels;
  std::unordered_map<std::string, int64_t> numbers;  // of countries

  int64_t number_of(const std::string& country) {
    if (country.empty()) return -1;
    return numbers.emplace(country, static_cast<int64_t>(numbers.size())).first->second;
  }

  // A photo with several landmarks keeps the first of a list.
  void add(const std::string& table, std::string id, Label label, bool first_counts) {
    const auto [known, fresh] = labels.emplace(std::move(id), label);
    if (!fresh && !first_counts && known->second.landmark != label.landmark)
      throw Error(fmt::format("{}: photo {} is landmark {} here and {} in another table", table,
                              known->first, label.landmark, known->second.landmark));
  }
};

namespace {

bool is_list(const std::string& table) {
  const CsvReader reader(table);
  return reader.has_column("id") && reader.has_column("landmark_id") &&
         reader.has_column("country");
}

std::unordered_map<int64_t, dataset::Place> places_of(const LabelSources& sources) {
  if (sources.countries.empty()) return {};
  fs::path categories = sources.categories;
  if (categories.empty()) {
    categories = fs::path(sources.tables.front()).parent_path() / "train_label_to_category.csv";
    if (!fs::exists(categories))
      throw Error(categories.string() +
                  ": no such table of landmarks and categories; name it by --categories");
  }
  return dataset::landmark_places(categories, dataset::CountryTable(sources.countries));
}

}  // namespace

ReferenceLabels::ReferenceLabels(const LabelSources& sources)
    : tables_(std::make_unique<Tables>()), has_countries_(!sources.countries.empty()) {
  const auto places = places_of(sources);
  for (const std::string& table : sources.tables) {
    if (is_list(table)) {
      has_countries_ = true;
      dataset::for_each_row(table, [&](dataset::ListRow&& row) {
        const Label label{row.landmark, tables_->number_of(row.country)};
        tables_->add(table, std::move(row.id), label, true);
      });
      continue;
    }
    for (dataset::Label& row : dataset::read_labels(table)) {
      const auto place = places.find(row.landmark);
      const Label label{row.landmark,
                        place == places.end() ? -1 : tables_->number_of(place->second.country)};
      tables_->add(table, std::move(row.id), label, false);
    }
  }
}

ReferenceLabels::~ReferenceLabels() = default;

const ReferenceLabels::Label* ReferenceLabels::find(const std::string& id) const {
  const auto found = tables_->labels.find(id);
  return found == tables_->labels.end() ? nullptr : &found->second;
}

search::Rows LabelledRows::rows() const {
  if (landmarks.size() == all.size()) return {all.values, all.ids, all.dim};
  return {values, ids, all.dim};
}

LabelledRows label_rows(embed::MappedEmbeddings rows, const ReferenceLabels& labels,
                        const std::string& folder) {
  LabelledRows labelled;
  std::vector<size_t> kept;
  for (size_t i = 0; i < rows.size(); ++i) {
    const ReferenceLabels::Label* label = labels.find(rows.ids[i]);
    if (label == nullptr) continue;
    kept.push_back(i);
    labelled.landmarks.push_back(label->landmark);
    if (labels.has_countries()) labelled.countries.push_back(label->country);
  }
  if (kept.empty())
    throw Error(folder + ": none of its photos is in the tables of --labels; give the table that " +
                "belongs to the references");
  if (kept.size() < rows.size()) {
    log_warning(fmt::format("{}: without a label, and so left out: {} of {}", folder,
                            rows.size() - kept.size(), counted(rows.size(), "photo")));
    for (const size_t i : kept) {
      const auto row = rows.values.subspan(i * rows.dim, rows.dim);
      labelled.values.insert(labelled.values.end(), row.begin(), row.end());
      labelled.ids.push_back(rows.ids[i]);
    }
  }
  labelled.all = std::move(rows);
  return labelled;
}

}  // namespace cairn::apps
