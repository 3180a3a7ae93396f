// cairn lists: the photo lists that the retrieval solution trains on.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <memory>
#include <string>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/dataset/gld_list_files.h"
#include "commands.h"
#include "numbers.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes into the folder, from the tables of the Google Landmarks v2 layout (photos need not be there):
  clean.csv        photos of train_clean.csv
  c2x.csv          photos of train.csv whose landmark is in train_clean.csv
  full.csv         photos of train.csv
  index_train.csv  full, and the index photos whose category train knows
  all.csv          index_train, and the test photos; -1: not a landmark
  index.csv        the index photos of index_train
  test_sample.csv  some of the first two index photos of each landmark, for validation
  landmarks.csv    what the landmark ids of the lists stand for: those of clean are 0, 1, …
  summary.json     counts
Lists have the columns id,landmark_id,path,noisy,country,continent; training reads them (data.table).

Examples:
  cairn lists --root gldv2 --out lists
  cairn lists --root gldv2 --out lists --expect-gldv2       stop unless the counts are the dataset's
  cairn lists --root gldv2 --out lists --expanded-index     index.csv to score retrieval with
  cairn train --recipe recipe.yaml data.root=gldv2 data.table=$PWD/lists/c2x.csv)";

struct Arguments {
  std::string root, out;
  dataset::GldListOptions options;
  std::string countries;
  bool expect_gldv2 = false;
};

void run(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  dataset::GldListOptions options = arguments.options;
  options.countries = arguments.countries;
  // Shows before the minutes of reading that the folder cannot be made.
  make_folder(arguments.out);
  const dataset::GldLists lists(dataset::GldRoot(arguments.root), options);
  const dataset::ListCounts counts = dataset::count_lists(lists);
  const std::vector<std::string> mismatches = dataset::gldv2_mismatches(counts);
  if (arguments.expect_gldv2 && !mismatches.empty()) {
    throw Error(fmt::format("{}: not the tables of Google Landmarks v2: {}; nothing was written",
                            arguments.root, fmt::join(mismatches, ", ")));
  }
  if (!lists.knows_countries()) {
    log_warning(fmt::format("{}: no folder country/ or country_info/; countries are unknown",
                            arguments.root));
  }
  dataset::write_lists(lists, counts, options, arguments.out);

  for (const auto& [list, count] : counts) {
    fmt::print("{:<12} {:>9} photos of {:>7} landmarks\n", dataset::name_of(list), count.photos,
               count.landmarks);
  }
  const auto& dropped = lists.dropped();
  fmt::print("left out: {} and {} of categories that train does not know\n",
             counted(dropped.index_photos, "index photo"), counted(dropped.queries, "test photo"));
  if (mismatches.empty()) fmt::print("the counts are those of Google Landmarks v2\n");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{}: written in {:.1f} s\n", arguments.out, seconds.count());
}

}  // namespace

void declare_lists(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  dataset::GldListOptions& options = arguments->options;
  app.add_option("--root", arguments->root, "Folder of the dataset")
      ->option_text("DIR")
      ->required();
  app.add_option("--out", arguments->out, "Folder of the lists; older lists in it are replaced")
      ->option_text("DIR")
      ->required();
  app.add_option("--countries", arguments->countries,
                 "Folder of country files (default: ROOT/country or ROOT/country_info)")
      ->option_text("DIR");
  app.add_option("--test-sample", options.test_sample, "Most photos of test_sample.csv")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Another seed draws another test sample")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_flag("--expanded-index", options.expanded_index,
               "Add to index.csv every ground-truth image whose landmark train does not know (-1)");
  app.add_flag("--expect-gldv2", arguments->expect_gldv2,
               "Fail unless the lists have the counts of the real dataset");
  app.footer(kHelp);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace cairn::apps
