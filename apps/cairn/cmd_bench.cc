// cairn bench: how fast this machine runs a model.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/embed/embedder.h"
#include "cairn/engine/model.h"
#include "cairn/engine/roofline.h"
#include "commands.h"
#include "numbers.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Runs the network alone, one image at a time on one thread, in each precision in turn, so that a busy
machine slows all alike, after two rounds that are not counted. Prints the median images per second, and
the ratio to the first precision.

With --profile, also where the time goes: share, time and floating point operations per second of
each kind of step, and of the slowest steps in the order of the network, and how near each is to the
roofline: the time that this core would need at least, divided by the time it took. The roofline is
measured: operations per second of a large matrix product in that precision, and bytes per second of
copies within as much memory as the network needs. Steps whose maps lie in nearer caches can pass it.

Examples:
  cairn bench embed --model model.onnx --size 512
  cairn bench embed --model model.onnx --precision bf16 --profile)";

struct Options {
  std::string model;
  std::string output;
  int size = 0;
  int rounds = 10;
  std::vector<std::string> precisions = {"f32", "bf16"};
  bool profile = false;
  size_t steps = 20;
  bool json = false;
};

// The first run plans and packs weights; in the second the allocator settles where large values
// lie.
constexpr int kWarmUps = 2;

using Json = nlohmann::ordered_json;
using Steps = std::vector<engine::Executor::StepCost>;

struct Contender {
  engine::Precision precision;
  engine::Executor executor;
  std::vector<double> seconds{};  // of each round
  Steps steps{};                  // each at its fastest
  double median() {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
  }
};

// One image of noise for the only input.
engine::TensorMap input_for(const engine::Model& model, int size) {
  if (model.inputs().size() != 1)
    throw Error(model.name() + ": a model of one input, an image, is meant");
  const engine::ValueInfo& input = model.inputs()[0];
  const bool fixed = input.has_shape && input.shape.size() == 4 && input.shape[2] > 0;
  const auto metadata = model.metadata().find(embed::kSizeKey);
  if (size == 0 && metadata != model.metadata().end()) size = std::stoi(metadata->second);
  if (size == 0 && !fixed) throw Error(model.name() + ": say the side of its images with --size");
  const int64_t side = size > 0 ? size : input.shape[2];
  engine::Tensor image(engine::DType::kF32, {1, 3, side, side});
  Rng random(1);
  for (size_t i = 0; i < image.count(); ++i)
    image.data<float>()[i] = static_cast<float>(random.uniform(-1, 1));
  return {{input.name, image}};
}

// What one or several steps take.
struct Cost {
  double seconds = 0;
  double flops = 0;
  double least = 0;  // seconds, by the roofline
  int steps = 0;

  void add(const engine::Executor::StepCost& step, const engine::Roofline& roofline) {
    seconds += step.seconds;
    flops += step.flops;
    least += roofline.seconds(step.flops, step.int8, step.bytes);
    ++steps;
  }
  std::string text(double total) const {
    const std::string rate =
        flops > 0 ? fmt::format("{:7.0f} GFLOP/s", flops / seconds * 1e-9) : std::string(15, ' ');
    return fmt::format("  {:5.1f} %  {:9.3f} ms  {}  {:3.0f} %", 100 * seconds / total,
                       seconds * 1e3, rate, 100 * least / seconds);
  }
  Json json() const {
    return {{"steps", steps}, {"seconds", seconds}, {"flops", flops}, {"roofline_seconds", least}};
  }
};

// Where the time of a contender goes.
struct Profile {
  engine::Precision precision;
  size_t peak_bytes = 0;
  engine::Roofline roofline;
  Cost total;
  std::vector<std::pair<std::string, Cost>> kinds;  // the slowest first
  struct Step {
    size_t number = 0;
    std::string text;
    Cost cost;
  };
  std::vector<Step> slowest;  // in the order of the network
};

Profile profile_of(const Contender& contender, size_t peak_bytes, size_t listed) {
  const Steps& steps = contender.steps;
  Profile profile{contender.precision,
                  peak_bytes,
                  engine::measure_roofline(contender.precision, peak_bytes),
                  {},
                  {},
                  {}};
  std::map<std::string, Cost> kinds;
  for (size_t i = 0; i < steps.size(); ++i) {
    profile.total.add(steps[i], profile.roofline);
    kinds[steps[i].label].add(steps[i], profile.roofline);
    profile.slowest.push_back({i, steps[i].label + " " + steps[i].detail, {}});
    profile.slowest.back().cost.add(steps[i], profile.roofline);
  }
  profile.kinds.assign(kinds.begin(), kinds.end());
  std::ranges::stable_sort(profile.kinds, std::greater(),
                           [](const auto& kind) { return kind.second.seconds; });
  std::ranges::stable_sort(profile.slowest, std::greater(),
                           [](const Profile::Step& step) { return step.cost.seconds; });
  profile.slowest.resize(std::min(profile.slowest.size(), listed));
  std::ranges::sort(profile.slowest, {}, &Profile::Step::number);
  return profile;
}

void print_profile(const Profile& profile) {
  const double total = profile.total.seconds;
  fmt::print(
      "\n{}: {:.1f} MB of maps at most; roofline {:.0f} GFLOP/s, int8 {:.0f}, {:.0f} GB/s\n"
      "each step at its fastest: share, time, operations, time at the roofline by time\n{}  all\n",
      engine::precision_name(profile.precision), static_cast<double>(profile.peak_bytes) * 1e-6,
      profile.roofline.flops_per_second * 1e-9, profile.roofline.int8_per_second * 1e-9,
      profile.roofline.bytes_per_second * 1e-9, profile.total.text(total));
  for (const auto& [label, cost] : profile.kinds)
    fmt::print("{}  {} x {}\n", cost.text(total), cost.steps, label);
  fmt::print("  the slowest steps:\n");
  for (const Profile::Step& step : profile.slowest)
    fmt::print("{}  step {}: {}\n", step.cost.text(total), step.number, step.text);
}

Json json_of(const Profile& profile) {
  Json json = {{"map_bytes", profile.peak_bytes},
               {"roofline",
                {{"flops_per_second", profile.roofline.flops_per_second},
                 {"int8_per_second", profile.roofline.int8_per_second},
                 {"bytes_per_second", profile.roofline.bytes_per_second}}},
               {"all", profile.total.json()},
               {"kinds", Json::array()},
               {"slowest", Json::array()}};
  const auto named = [](Json name, const Cost& cost) {
    name.update(cost.json());
    return name;
  };
  for (const auto& [label, cost] : profile.kinds)
    json["kinds"].push_back(named({{"kind", label}}, cost));
  for (const Profile::Step& step : profile.slowest)
    json["slowest"].push_back(named({{"step", step.number}, {"text", step.text}}, step.cost));
  return json;
}

void keep_fastest(Steps& steps, const Steps& run) {
  if (steps.empty()) steps = run;
  for (size_t i = 0; i < steps.size(); ++i)
    steps[i].seconds = std::min(steps[i].seconds, run[i].seconds);
}

void bench_embed(const Options& options) {
  const auto model = engine::Model::load(options.model);
  const engine::TensorMap inputs = input_for(*model, options.size);
  std::vector<std::string> outputs;
  if (!options.output.empty()) outputs.push_back(options.output);
  std::deque<Contender> contenders;  // an executor that moves would plan again
  for (const std::string& name : options.precisions) {
    const engine::Precision precision = engine::parse_precision(name);
    contenders.push_back({precision, engine::Executor(model, precision)});
  }
  for (int round = -kWarmUps; round < options.rounds; ++round) {
    for (Contender& contender : contenders) {
      const auto start = std::chrono::steady_clock::now();
      contender.executor.run(inputs, outputs);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      if (round < 0) continue;
      contender.seconds.push_back(taken.count());
      if (options.profile)
        keep_fastest(contender.steps, contender.executor.measure(inputs, outputs));
    }
  }
  Json json = Json::array();
  const double first = contenders[0].median();
  for (Contender& contender : contenders) {
    const std::string name(engine::precision_name(contender.precision));
    const double rate = 1 / contender.median();
    const double ratio = first / contender.median();
    if (options.json)
      json.push_back({{"precision", name}, {"images_per_second", rate}, {"ratio", ratio}});
    else
      fmt::print("{:5} {:9.2f} images/s  {:.2f}\n", name, rate, ratio);
    if (!options.profile) continue;
    const Profile profile = profile_of(
        contender, contender.executor.summarise(inputs, outputs).peak_bytes, options.steps);
    if (options.json)
      json.back()["profile"] = json_of(profile);
    else
      print_profile(profile);
  }
  if (options.json) fmt::print("{}\n", json.dump(2));
}

}  // namespace

void declare_bench(CLI::App& app) {
  app.require_subcommand(1);
  const auto options = std::make_shared<Options>();
  CLI::App& embed = *app.add_subcommand("embed", "a network's images per second, by precision");
  embed.footer(kHelp);
  embed.add_option("--model", options->model, "ONNX model")
      ->option_text("FILE")
      ->required()
      ->check(CLI::ExistingFile);
  embed.add_option("--size", options->size, "side of the images in pixels (default: the model's)")
      ->option_text("SIZE")
      ->check(between(1, 8192));
  embed.add_option("--output", options->output, "the output to compute (default: all)")
      ->option_text("NAME");
  embed
      .add_option("--precision", options->precisions,
                  "f32, bf16 or auto, one or several (default: f32,bf16)")
      ->option_text("NAME[,NAME...]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"f32", "bf16", "auto"}));
  embed.add_option("--rounds", options->rounds, "images in each precision that are counted")
      ->capture_default_str()
      ->option_text("N")
      ->check(between(1, 100000));
  CLI::Option* profile =
      embed.add_flag("--profile", options->profile, "also show which steps take the time");
  embed.add_option("--steps", options->steps, "how many steps --profile lists")
      ->needs(profile)
      ->capture_default_str()
      ->option_text("N")
      ->check(between(0, 1000000));
  embed.add_flag("--json", options->json, "print the rates, and the profile, on stdout as JSON");
  embed.callback([options] { bench_embed(*options); });
  declare_bench_photos(
      *app.add_subcommand("photos", "photo files to embeddings: each part, and all on all cores"));
}

}  // namespace cairn::apps
