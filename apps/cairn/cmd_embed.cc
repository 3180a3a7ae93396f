// cairn embed: photos to an embedding folder.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/embed/photo_list.h"
#include "cairn/embed/pipeline.h"
#include "commands.h"
#include "embedder_flags.h"
#include "interrupt.h"
#include "numbers.h"
#include "output.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Turns photos into an embedding folder: embeddings.npy (N x D float32, rows of length 1), ids.txt,
meta.json, skipped.csv. Rows are in id order; the same photos, model and settings give the same bytes.

What the model's metadata says need not be given (see: cairn model info, cairn model annotate).

An interrupted run (Ctrl-C, kill, full disk) leaves its finished photos in OUT/.parts and no result:
the same command with --resume goes on. Without --resume and --force, a folder that holds anything of
a run is refused. Photos that cannot be read are listed in skipped.csv and do not end the run.

Several processes can share the work: under torchrun, Slurm or Kubernetes (RANK and WORLD_SIZE, or
SLURM_PROCID and SLURM_NTASKS) each embeds its shard of the list into OUT/shard-I-of-N; by hand, say
--shard I/N. `cairn merge OUT` then makes OUT what one process would have written.

With --cache, photos that any run embedded with this model and these settings are not embedded again.

Examples:
  cairn embed --model model.onnx --images photos/ --out emb/
  cairn embed --model mobilenet.onnx --size 224 --mean 127.5 --std 127.5 --output embedding \
              --images gldv2/index --out emb/index
  cairn embed --model model.onnx --images gldv2/train/train.csv --root gldv2/train --out emb/train
  cairn embed --model model.onnx --images photos/ --out emb/ --scales 0.707,1,1.414 --resume
  srun --ntasks 8 cairn embed --model model.onnx --images train.csv --root gldv2 --out emb --resume \
              --cache cache && cairn merge emb
  cairn embed --model model.onnx --images photos/ --out emb/ --shard 0/4)";

struct Options {
  std::string model;
  std::string images;
  std::string root;
  std::string precision = "auto";
  std::string shard;
  double cache_gb = 50;
  bool strict = false;
  bool json = false;
  EmbedderFlags embedder;
  embed::EmbedRun run;
};

void print_json(const embed::EmbedSummary& summary, double seconds) {
  const nlohmann::ordered_json result = {
      {"out", summary.folder.string()},
      {"photos", summary.photos},
      {"embedded", summary.embedded()},
      {"skipped", summary.skipped.size()},
      {"resumed", summary.resumed},
      {"cached", summary.cached},
      {"dim", summary.dim},
      {"seconds", seconds},
      {"photos_per_second", static_cast<double>(summary.photos - summary.resumed) / seconds}};
  fmt::print("{}\n", result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void embed_command(Options options) {
  const auto started = std::chrono::steady_clock::now();
  options.run.shard =
      options.shard.empty()
          ? embed::shard_from_environment([](const char* name) { return std::getenv(name); })
          : embed::parse_shard(options.shard);
  options.run.cache_limit = static_cast<uint64_t>(options.cache_gb * (uint64_t{1} << 30));
  if (!options.run.shard.whole()) {
    log_info(fmt::format("shard {} of {} (from 0); when all are done: cairn merge {}",
                         options.run.shard.index, options.run.shard.count,
                         options.run.out.string()));
  }
  const embed::Embedder embedder(engine::Model::load(options.model),
                                 options.embedder.options(options.precision));
  catch_interrupts();
  options.run.stop = interrupted;
  const embed::EmbedSummary summary = embed::embed_photos(
      embed::read_photo_list(options.images, options.root), embedder, options.run);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const std::string list = (summary.folder / "skipped.csv").string();
  if (options.json) print_json(summary, seconds);
  log_info(
      fmt::format("{}: {} of {}{}", summary.folder.string(),
                  counted(summary.embedded(), "embedding"), counted(summary.dim, "number"),
                  summary.cached > 0 ? fmt::format(", {} from the cache", summary.cached) : ""));
  if (summary.embedded() == 0) log_warning("no photo was embedded: the result is empty");
  if (summary.skipped.empty()) return;
  if (!options.strict) {
    log_warning(fmt::format("{} of {} skipped, see {}", summary.skipped.size(),
                            counted(summary.photos, "photo"), list));
    return;
  }
  for (const embed::Skipped& photo : summary.skipped) {
    log_warning(fmt::format("skipped {}: {}", photo.id, photo.reason));
  }
  throw Error(
      fmt::format("{} of {} skipped (--strict); the embeddings of the others "
                  "are complete, the reasons are in {}",
                  summary.skipped.size(), counted(summary.photos, "photo"), list));
}

void declare_embedder_options(CLI::App& app, Options& options) {
  options.embedder.declare(app);
  app.add_option(
         "--precision", options.precision,
         "number format of the inference, but for what a quantised model holds in 8 bits: f32; "
         "bf16: about twice as fast where the processor multiplies it (AVX512_BF16, AMX), cosine "
         "to f32 above 0.999; auto: bf16 there, f32 elsewhere")
      ->capture_default_str()
      ->option_text("NAME")
      ->check(CLI::IsMember({"f32", "bf16", "auto"}));
}

}  // namespace

void declare_embed(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--model", options->model, "ONNX model")
      ->option_text("FILE")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--images", options->images,
                 "folder of photos, or a table of them: .csv with a column path, "
                 "relative to the table or to --root, or with a column id and --root")
      ->option_text("DIR|LIST.csv")
      ->required()
      ->check(CLI::ExistingPath);
  app.add_option("--root", options->root, "folder that the table's paths or ids are below")
      ->option_text("DIR")
      ->check(CLI::ExistingDirectory);
  add_output_folder(app, "--out", options->run.out, "embedding folder to write")->required();
  declare_embedder_options(app, *options);
  app.add_option(
         "--shard", options->shard,
         "embed part I (from 0) of N parts of the list into OUT/shard-I-of-N; default: what "
         "RANK and WORLD_SIZE or Slurm say; 0/1: all")
      ->option_text("I/N");
  app.add_option(
         "--cache", options->run.cache,
         "folder of embeddings that runs share, by model, settings and content of the photo")
      ->option_text("DIR");
  app.add_option("--cache-gb", options->cache_gb,
                 "size above which --cache drops its oldest entries")
      ->capture_default_str()
      ->option_text("GB")
      ->check(between(0.001, 1e6));
  add_threads(app, options->run.threads);
  app.add_option("--max-pixels", options->run.max_pixels, "larger photos are skipped")
      ->capture_default_str()
      ->option_text("N")
      ->check(above(0));
  app.add_flag("--resume", options->run.resume, "go on with an interrupted run in --out");
  app.add_flag("--force", options->run.force, "replace what an earlier run left in --out");
  app.add_flag("--strict", options->strict, "skipped photos make the exit code 1");
  app.add_flag("--json", options->json, "print a summary on stdout");
  app.callback([options] { embed_command(*options); });
}

}  // namespace cairn::apps
