// cairn synth: draws a small landmark world.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/progress.h"
#include "cairn/dataset/synth/world.h"
#include "commands.h"
#include "interrupt.h"
#include "numbers.h"

namespace cairn::apps {
namespace {

struct SynthArguments {
  std::string out;
  synth::WorldOptions world;
  bool json = false;
};

void run(const SynthArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  catch_interrupts();
  std::unique_ptr<Progress> progress;
  uint64_t reported = 0;
  const synth::WorldSummary summary =
      synth::write_world(arguments.world, arguments.out, [&](uint64_t done, uint64_t total) {
        if (interrupted()) throw Error(arguments.out + ": interrupted; nothing was written");
        if (!progress) progress = std::make_unique<Progress>("drawing", "photos", total);
        progress->advance(done - reported);
        reported = done;
      });
  progress.reset();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (arguments.json) {
    const nlohmann::ordered_json report = {
        {"out", arguments.out},   {"landmarks", arguments.world.landmarks},
        {"train", summary.train}, {"index", summary.index},
        {"test", summary.test},   {"nonlandmark", summary.nonlandmark},
        {"seconds", seconds}};
    fmt::print("{}\n", report.dump());
    return;
  }
  fmt::print("{}: {} of {} in {:.1f} s: train {}, index {}, test {}, nonlandmark {}\n",
             arguments.out, counted(summary.total(), "photo"),
             counted(static_cast<uint64_t>(arguments.world.landmarks), "landmark"), seconds,
             summary.train, summary.index, summary.test, summary.nonlandmark);
}

}  // namespace

void declare_synth(CLI::App& app) {
  const auto arguments = std::make_shared<SynthArguments>();
  synth::WorldOptions& world = arguments->world;
  app.add_option("--out", arguments->out, "Folder of the new world; it must not exist or be empty")
      ->option_text("DIR")
      ->required();
  app.add_option("--landmarks", world.landmarks, "Number of landmarks")->capture_default_str();
  app.add_option("--photos", world.photos,
                 "Photos of each landmark: 60 % train, 25 % index, 15 % test")
      ->capture_default_str();
  app.add_option("--size", world.size, "Longer side of a photo in pixels")->capture_default_str();
  app.add_option("--seed", world.seed, "Another seed gives another world")->capture_default_str();
  app.add_option("--nonlandmarks", world.nonlandmarks,
                 "Photos in nonlandmark/ (default: a quarter of the landmark photos)");
  app.add_option("--test-nonlandmarks", world.test_nonlandmarks,
                 "Test photos without landmark (default: as many as with one)");
  app.add_option("--distractors", world.distractors,
                 "Index photos without label (default: half as many as with one)");
  app.add_option("--wrong-labels", world.wrong_labels, "Share of wrong labels in train.csv, 0-0.5")
      ->capture_default_str();
  app.add_option("--difficulty", world.difficulty, "0 (fair weather, nobody in the way) to 1")
      ->capture_default_str();
  add_threads(app, world.threads);
  app.add_flag("--force", world.force, "Replace an older world");
  app.add_flag("--json", arguments->json, "Print a summary on stdout as JSON");
  app.footer(
      "Writes the Google Landmarks v2 layout and world.json (how each photo was taken).\n"
      "Examples:\n"
      "  cairn synth --out world                                      12 landmarks, 40 photos "
      "each\n"
      "  cairn synth --out big --landmarks 200 --photos 60 --size 256 --seed 7\n"
      "  cairn synth --out easy --difficulty 0 --wrong-labels 0");
  app.callback([arguments] { run(*arguments); });
}

}  // namespace cairn::apps
