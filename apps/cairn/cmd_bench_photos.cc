// cairn bench photos: what files, decoding, resizing and the network cost on the way to embeddings.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/thread_pool.h"
#include "cairn/embed/embedder.h"
#include "cairn/embed/photo_list.h"
#include "cairn/image/image.h"
#include "commands.h"
#include "embedder_flags.h"
#include "numbers.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Runs photo files to embeddings as `cairn embed` does, one worker a core, and parts of that alone, in
turns, so that a busy machine slows all alike. Prints the median photos per second of:

  decode    files read and decoded, all workers
  input     files to network inputs (decoded, resized, normalised), all workers
  engine 1  the network alone, one worker, the other cores idle
  engine    the network alone, all workers
  whole     files to embeddings, all workers
  ratio     whole / (engine 1 x workers): 1 where all but the network costs nothing

Preparing photos takes time from the same cores, so that the ratio cannot exceed
1 / (1 + engine 1 x workers / input).

Examples:
  cairn bench photos --model model.onnx --images photos/
  cairn bench photos --model mobilenet.onnx --size 224 --mean 127.5 --std 127.5 --output embedding \
                     --images gldv2/index --precision f32,bf16 --decode reduced --json)";

struct Options {
  std::string model;
  std::string images;
  std::string root;
  EmbedderFlags embedder;
  std::vector<std::string> precisions = {"f32", "bf16"};
  int threads = 0;
  size_t photos = 300;
  int rounds = 5;
  bool json = false;
};

// Evenly from the whole list.
std::vector<std::string> some_of(const std::vector<dataset::Photo>& list, size_t count) {
  count = std::min(count, list.size());
  std::vector<std::string> paths(count);
  for (size_t i = 0; i < count; ++i) paths[i] = list[i * list.size() / count].path;
  return paths;
}

class Contender {
 public:
  Contender(std::shared_ptr<const engine::Model> model, const Options& options,
            const std::string& precision)
      : embedder_(std::move(model), options.embedder.options(precision)) {
    const int threads = resolve_threads(options.threads);
    for (int i = 0; i < threads; ++i) workers_.emplace_back(embedder_);
    memory_.resize(workers_.size());
  }

  const embed::Embedder& embedder() const { return embedder_; }
  size_t workers() const { return workers_.size(); }

  // Keeps the photos that can be read, and lets every worker plan and warm up.
  void keep_readable(std::vector<std::string>& paths) {
    std::erase_if(paths, [&](const std::string& path) { return !input(0, path); });
    if (paths.empty()) throw Error("--images: none of the photos can be read");
    const engine::Tensor square = input(0, paths[0]).value();
    for (auto& worker : workers_) worker.embed(square);
  }

  void round(const std::vector<std::string>& paths) {
    const size_t all = paths.size();
    const engine::Tensor square = input(0, paths[0]).value();
    decode_.push_back(rate(all, workers(), [&](size_t worker, size_t i) {
      Result<image::Image> photo = image::decode(read_file(paths[i]), embedder_.decode_options(),
                                                 std::move(memory_[worker]));
      memory_[worker] = std::move(photo.value());
    }));
    input_.push_back(
        rate(all, workers(), [&](size_t worker, size_t i) { input(worker, paths[i]); }));
    const auto run_engine = [&](size_t worker, size_t) { workers_[worker].embed(square); };
    engine_one_.push_back(rate((all + workers() - 1) / workers(), 1, run_engine));
    engine_.push_back(rate(all, workers(), run_engine));
    whole_.push_back(rate(all, workers(), [&](size_t worker, size_t i) {
      workers_[worker].embed(input(worker, paths[i]).value());
    }));
    ratio_.push_back(whole_.back() / (engine_one_.back() * static_cast<double>(workers())));
  }

  nlohmann::ordered_json result() const {
    return {{"precision", engine::precision_name(embedder_.precision())},
            {"decode", embed::decoding_name(embedder_.decoding())},
            {"size", embedder_.size()},
            {"workers", workers()},
            {"decode_photos_per_second", median(decode_)},
            {"input_photos_per_second", median(input_)},
            {"engine_one_images_per_second", median(engine_one_)},
            {"engine_images_per_second", median(engine_)},
            {"whole_photos_per_second", median(whole_)},
            {"ratio", median(ratio_)}};
  }

 private:
  Result<engine::Tensor> input(size_t worker, const std::string& path) {
    const Result<std::vector<uint8_t>> bytes = try_read_file(path, image::kMaxFileBytes);
    if (!bytes) return Failure{bytes.reason()};
    return workers_[worker].prepare(bytes.value(), image::DecodeOptions().max_pixels);
  }

  // Calls a second; each worker takes the next i when it is free.
  static double rate(size_t count, size_t workers,
                     const std::function<void(size_t worker, size_t i)>& call) {
    std::atomic<size_t> next = 0;
    const auto start = std::chrono::steady_clock::now();
    parallel_for(workers, static_cast<int>(workers), [&](size_t worker, size_t) {
      for (size_t i = next++; i < count; i = next++) call(worker, i);
    });
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    return static_cast<double>(count) / taken.count();
  }

  static double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }

  const embed::Embedder embedder_;
  std::deque<embed::Embedder::Worker> workers_;
  std::vector<image::Image> memory_;  // of each worker's decoding alone
  std::vector<double> decode_, input_, engine_one_, engine_, whole_, ratio_;  // of each round
};

void print_text(const nlohmann::ordered_json& result) {
  const auto number = [&](const char* key) { return result[key].get<double>(); };
  const double workers = number("workers");
  fmt::print("{}, {}, photos/s (ms of one core a photo):\n", result["precision"].get<std::string>(),
             counted(result["workers"].get<uint64_t>(), "worker"));
  for (const auto& [name, key, cores] : {std::tuple("decode", "decode_photos_per_second", workers),
                                         {"input", "input_photos_per_second", workers},
                                         {"engine 1", "engine_one_images_per_second", 1.0},
                                         {"engine", "engine_images_per_second", workers},
                                         {"whole", "whole_photos_per_second", workers}}) {
    fmt::print("  {:9} {:9.1f}  ({:.3f})\n", name, number(key), 1e3 * cores / number(key));
  }
  fmt::print("  {:9} {:9.3f}\n", "ratio", number("ratio"));
}

void bench_photos(const Options& options) {
  const auto model = engine::Model::load(options.model);
  std::vector<std::string> paths =
      some_of(embed::read_photo_list(options.images, options.root), options.photos);
  std::deque<Contender> contenders;
  for (const std::string& precision : options.precisions) {
    contenders.emplace_back(model, options, precision);
    contenders.back().keep_readable(paths);
  }
  for (int round = 0; round < options.rounds; ++round) {
    for (Contender& contender : contenders) contender.round(paths);
  }
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (const Contender& contender : contenders) results.push_back(contender.result());
  if (options.json) {
    fmt::print("{}\n",
               nlohmann::ordered_json{{"photos", paths.size()}, {"results", results}}.dump(2));
  } else {
    for (const auto& result : results) print_text(result);
  }
}

}  // namespace

void declare_bench_photos(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--model", options->model, "ONNX model")
      ->option_text("FILE")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--images", options->images, "photos, as for `cairn embed`")
      ->option_text("DIR|LIST.csv")
      ->required()
      ->check(CLI::ExistingPath);
  app.add_option("--root", options->root, "folder that the table's paths or ids are below")
      ->option_text("DIR")
      ->check(CLI::ExistingDirectory);
  options->embedder.declare(app);
  app.add_option("--precision", options->precisions,
                 "f32, bf16 or auto, one or several (default: f32,bf16)")
      ->option_text("NAME[,NAME...]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"f32", "bf16", "auto"}));
  add_threads(app, options->threads);
  app.add_option("--photos", options->photos, "how many, evenly from the list")
      ->capture_default_str()
      ->option_text("N")
      ->check(between(1, 1e6));
  app.add_option("--rounds", options->rounds, "of each part")
      ->capture_default_str()
      ->option_text("N")
      ->check(between(1, 100000));
  app.add_flag("--json", options->json, "print the rates on stdout as JSON");
  app.callback([options] { bench_photos(*options); });
}

}  // namespace cairn::apps
