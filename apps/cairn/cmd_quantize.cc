// cairn model quantize: an ONNX model in 8 bits.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/embed/photo_list.h"
#include "cairn/quantize/quantize.h"
#include "commands.h"
#include "embedder_flags.h"
#include "interrupt.h"
#include "numbers.h"
#include "output.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes a copy of the model whose convolutions multiply 8 by 8 bits: weights as int8 with a scale for each
output channel, maps as uint8 on grids that the photos decide. The file is standard ONNX (QuantizeLinear,
DequantizeLinear, opset 13); cairn embed and ONNX Runtime run it as any other.

The photos should look like those that the model will see, and not be ones that it is scored on. A fifth of
them checks the result: convolutions go back to float32, the ones that lose most first, until the mean
cosine of the outputs to those of the float32 model is --min-cosine. Same photos, model and options: same
bytes.

Examples:
  cairn model quantize run/model.onnx --images photos/train --out run/model.int8.onnx
  cairn model quantize mobilenet.onnx --images photos/train --out mobilenet.int8.onnx --size 224 \
              --mean 127.5 --std 127.5 --output embedding --report layers.json)";

struct Options {
  std::string model;
  std::string images;
  std::string root;
  std::string out;
  std::string report;
  std::string calibration = "percentile";
  std::string weights = "lsq";
  ModelFlags model_flags;
  bool no_bias_correction = false;
  quantize::QuantizeOptions quantize;
};

void print_table(const quantize::QuantizeReport& report) {
  size_t width = 11;
  for (const quantize::LayerReport& layer : report.layers)
    width = std::max(width, layer.name.size());
  fmt::print("{:<{}}  {:<7}  {:>7}\n", "convolution", width, "format", "SQNR dB");
  for (const quantize::LayerReport& layer : report.layers) {
    const std::string sqnr = std::isnan(layer.sqnr) ? "" : fmt::format("{:.1f}", layer.sqnr);
    fmt::print("{:<{}}  {:<7}  {:>7}{}{}\n", layer.name, width, layer.int8 ? "int8" : "float32",
               sqnr, layer.reason.empty() ? "" : "  ", layer.reason);
  }
}

void write_report(const quantize::QuantizeReport& report, const Options& options, double seconds) {
  nlohmann::ordered_json json = {{"model", options.model},
                                 {"out", options.out},
                                 {"calibration", options.calibration},
                                 {"calibration_photos", report.calibration_photos},
                                 {"check_photos", report.check_photos},
                                 {"mean_cosine", report.cosine},
                                 {"least_cosine", report.least_cosine},
                                 {"mean_cosine_of_all_int8", report.cosine_of_all_int8},
                                 {"convolutions", report.layers.size()},
                                 {"int8", report.count_int8()},
                                 {"bytes_before", report.bytes_before},
                                 {"bytes_after", report.bytes_after},
                                 {"seconds", seconds}};
  for (const quantize::LayerReport& layer : report.layers) {
    nlohmann::ordered_json row = {{"name", layer.name}, {"int8", layer.int8}};
    row["sqnr_db"] = std::isnan(layer.sqnr) ? nlohmann::ordered_json(nullptr)
                                            : nlohmann::ordered_json(layer.sqnr);
    if (!layer.reason.empty()) row["reason"] = layer.reason;
    json["layers"].push_back(row);
  }
  write_text_atomically(
      options.report,
      json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void quantize_command(Options options) {
  const auto started = std::chrono::steady_clock::now();
  quantize::QuantizeOptions& chosen = options.quantize;
  chosen.calibration = quantize::parse_calibration(options.calibration);
  chosen.weight_scales = options.weights == "max" ? quantize::WeightScales::kMax
                                                  : quantize::WeightScales::kLeastSquares;
  chosen.correct_bias = !options.no_bias_correction;
  options.model_flags.apply_to(chosen.embedder);
  if (!options.report.empty()) make_room_for(options.report);
  catch_interrupts();
  chosen.sampling.stop = interrupted;
  const quantize::QuantizeReport report = quantize::quantize_model(
      options.model, embed::read_photo_list(options.images, options.root), options.out, chosen);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  print_table(report);
  if (!options.report.empty()) write_report(report, options, seconds);
  log_info(fmt::format(
      "{}: {} of {} in int8, {:.1f} MB instead of {:.1f}; mean cosine "
      "{} (least {}) on {}; {:.0f} s",
      options.out, report.count_int8(), counted(report.layers.size(), "convolution"),
      static_cast<double>(report.bytes_after) / 1e6, static_cast<double>(report.bytes_before) / 1e6,
      quantize::cosine_text(report.cosine), quantize::cosine_text(report.least_cosine),
      counted(report.check_photos, "photo"), seconds));
  constexpr size_t kFewPhotos = 50;
  if (report.calibration_photos < kFewPhotos)
    log_warning(
        fmt::format("ranges of only {}: others may lie far outside, and lose much; "
                    "100 to 300 photos are enough",
                    counted(report.calibration_photos, "photo")));
}

void declare_photo_options(CLI::App& app, Options& options) {
  app.add_option("--images", options.images,
                 "folder of photos to measure with, or a .csv table of them")
      ->option_text("DIR|LIST.csv")
      ->required()
      ->check(CLI::ExistingPath);
  app.add_option("--root", options.root, "folder that the table's paths or ids are below")
      ->option_text("DIR")
      ->check(CLI::ExistingDirectory);
  app.add_option("--photos", options.quantize.sampling.photos, "how many of them, drawn at random")
      ->capture_default_str()
      ->option_text("N")
      ->check(between(1, 1e6));
  app.add_option("--seed", options.quantize.sampling.seed, "of that draw")
      ->capture_default_str()
      ->option_text("N");
  options.model_flags.declare(app, "the model's output that must keep its numbers");
  app.add_option("--max-pixels", options.quantize.sampling.max_pixels,
                 "larger photos are passed over")
      ->capture_default_str()
      ->option_text("N")
      ->check(above(0));
  add_threads(app, options.quantize.sampling.threads);
}

}  // namespace

void declare_model_quantize(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("model", options->model, "float32 ONNX model")
      ->option_text("FILE")
      ->required()
      ->check(CLI::ExistingFile);
  add_output(app, "--out", options->out, "ONNX model to write")->required();
  declare_photo_options(app, *options);
  app.add_option("--calibration", options->calibration,
                 "how the range of a map is chosen: percentile; kl: least divergence of the "
                 "histograms; max: all that was seen")
      ->capture_default_str()
      ->option_text("NAME")
      ->check(CLI::IsMember({"percentile", "kl", "max"}));
  app.add_option("--percentile", options->quantize.percentile,
                 "of a map's numbers that lie in its range, on each side")
      ->capture_default_str()
      ->option_text("P")
      ->check(between(50, 100));
  app.add_option("--weights", options->weights,
                 "how the scales of weights are chosen: lsq: least squares; max: of the largest "
                 "weight")
      ->capture_default_str()
      ->option_text("NAME")
      ->check(CLI::IsMember({"lsq", "max"}));
  app.add_option("--min-cosine", options->quantize.min_cosine,
                 "mean cosine to the float32 model that the result must have")
      ->capture_default_str()
      ->option_text("C")
      ->check(between(-1, 1));
  app.add_flag("--depthwise", options->quantize.depthwise, "quantise depthwise convolutions too");
  app.add_flag("--no-bias-correction", options->no_bias_correction,
               "leave biases as they are, not so that each channel keeps its mean");
  add_output(app, "--report", options->report, "write what became of each layer, as JSON");
  app.callback([options] { quantize_command(*options); });
}

}  // namespace cairn::apps
