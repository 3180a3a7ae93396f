// cairn model: what an ONNX file holds, and the metadata that cairn embed reads.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/embed/embedder.h"
#include "cairn/engine/annotate.h"
#include "cairn/engine/model.h"
#include "commands.h"
#include "embedder_flags.h"
#include "output.h"

namespace cairn::apps {
namespace {

using Json = nlohmann::ordered_json;

Json value_json(const engine::ValueInfo& value) {
  Json json = {{"name", value.name}, {"type", engine::dtype_name(value.dtype)}};
  json["shape"] = value.has_shape ? Json(value.shape) : Json(nullptr);  // -1: dynamic
  return json;
}

// What cairn embed uses without options, or what it still asks for.
Json embed_json(const std::shared_ptr<const engine::Model>& model) {
  try {
    const embed::Embedder embedder(model, {});
    return {{"output", embedder.output()},
            {"dim", embedder.dim()},
            {"size", embedder.size()},
            {"mean", embedder.normalisation().mean},
            {"std", embedder.normalisation().std}};
  } catch (const Error& error) {
    return {{"needs", error.what()}};
  }
}

Json info_json(const std::string& path) {
  const auto model = engine::Model::load(path);
  Json info = {
      {"file", path}, {"sha256", model->checksum()}, {"opset", model->opset()}, {"parameters", 0}};
  int64_t parameters = 0;
  for (const auto& [type, count] : model->parameters()) {
    info["parameters_of_type"][engine::dtype_name(type)] = count;
    parameters += count;
  }
  info["parameters"] = parameters;
  for (const engine::ValueInfo& input : model->inputs()) {
    info["inputs"].push_back(value_json(input));
  }
  for (const engine::ValueInfo& output : model->outputs()) {
    info["outputs"].push_back(value_json(output));
  }
  info["operators"] = model->operator_counts();
  info["nodes_after_passes"] = model->node_count();
  info["metadata"] = model->metadata();
  info["embed"] = embed_json(model);
  return info;
}

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string one_line(const Json& object) {
  std::string line;
  for (const auto& [key, value] : object.items()) {
    line += (line.empty() ? "" : ", ") + key + " " + plain(value);
  }
  return line;
}

void print_text(const Json& info) {
  for (const char* key : {"file", "sha256", "opset"}) {
    fmt::print("{:<12} {}\n", key, plain(info[key]));
  }
  fmt::print("{:<12} {} ({})\n", "parameters", plain(info["parameters"]),
             one_line(info["parameters_of_type"]));
  for (const char* key : {"inputs", "outputs"}) {
    for (const Json& value : info.value(key, Json::array())) {
      fmt::print("{:<12} {} {} {}\n", std::string(key, std::string(key).size() - 1),
                 plain(value["name"]), plain(value["type"]), plain(value["shape"]));
    }
  }
  fmt::print("{:<12} {} ({} nodes after the passes)\n", "operators", one_line(info["operators"]),
             plain(info["nodes_after_passes"]));
  for (const auto& [key, value] : info["metadata"].items()) {
    fmt::print("{:<12} {} = {}\n", "metadata", key, plain(value));
  }
  fmt::print("{:<12} {}\n", "embed", one_line(info["embed"]));
}

void declare_info(CLI::App& app) {
  const auto path = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  app.footer("\nExample:\n  cairn model info model.onnx");
  app.add_option("model", *path, "ONNX model")
      ->option_text("FILE")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_flag("--json", *json, "print it as JSON");
  app.callback([path, json] {
    const Json info = info_json(*path);
    if (*json) {
      fmt::print("{}\n", info.dump(2, ' ', false, Json::error_handler_t::replace));
    } else {
      print_text(info);
    }
  });
}

struct AnnotateOptions {
  std::string model;
  std::string out;
  ModelFlags flags;
};

void annotate_command(const AnnotateOptions& options) {
  embed::EmbedderOptions wanted;
  options.flags.apply_to(wanted);
  // Running the model once proves that what will stand in the file works.
  const embed::Embedder embedder(engine::Model::load(options.model), wanted);
  const std::map<std::string, std::string> metadata = {
      {embed::kSizeKey, std::to_string(embedder.size())},
      {embed::kMeanKey, fmt::format("{}", fmt::join(embedder.normalisation().mean, ","))},
      {embed::kStdKey, fmt::format("{}", fmt::join(embedder.normalisation().std, ","))},
      {embed::kResizeKey, "bilinear"},
      {embed::kOutputKey, embedder.output()},
      {embed::kDimKey, std::to_string(embedder.dim())}};
  engine::annotate_model(options.model, options.out, metadata);
}

void declare_annotate(CLI::App& app) {
  const auto options = std::make_shared<AnnotateOptions>();
  app.footer(
      "\nWrites a copy of the model that cairn embed uses without options. What is not given stays "
      "as the\nmodel's metadata or graph has it.\n\nExample:\n"
      "  cairn model annotate mobilenet.onnx --out annotated.onnx --size 224 --mean 127.5 "
      "--std 127.5 --output embedding");
  app.add_option("model", options->model, "ONNX model")
      ->option_text("FILE")
      ->required()
      ->check(CLI::ExistingFile);
  add_output(app, "--out", options->out, "ONNX model to write")->required();
  options->flags.declare(app);
  app.callback([options] { annotate_command(*options); });
}

}  // namespace

void declare_model(CLI::App& app) {
  app.require_subcommand(1);
  declare_info(*app.add_subcommand("info", "print what an ONNX file holds"));
  declare_annotate(
      *app.add_subcommand("annotate", "write size, mean, std and output into an ONNX file"));
  declare_model_quantize(*app.add_subcommand("quantize", "write the model in 8 bits"));
  app.add_subcommand("import", "make a model of a PyTorch checkpoint (cairn model import --help)");
}

}  // namespace cairn::apps
