// cairn model import: a checkpoint of PyTorch, or a safetensors file, becomes a model.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn_train/run/import.h"
#include "commands.h"
#include "numbers.h"
#include "output.h"

namespace cairn::apps {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  run::ImportOptions import;
  std::string out;
  std::string weights_out;
  int64_t classes = 0;
  int64_t centers = 1;
  uint64_t seed = 1;
  bool lenient = false;
  bool json = false;
};

// What the checkpoint's classifier has, and how much of it the new one starts with.
struct HeadReport {
  int64_t rows = 0;
  int64_t wanted = 0;
  int64_t kept = 0;
};

void print_json(const Arguments& arguments, const run::Imported& imported, const HeadReport& head) {
  const nn::LoadReport& report = imported.report;
  Json json = {{"checkpoint", arguments.import.checkpoint.string()},
               {"arch", arguments.import.arch},
               {"key", imported.file.key},
               {"prefix", imported.file.stripped},
               {"complete", report.complete()},
               {"loaded", report.loaded},
               {"missing", report.missing},
               {"unexpected", report.unexpected},
               {"mis_shaped", report.mis_shaped},
               {"ignored", imported.ignored},
               {"head", {{"rows", head.rows}, {"wanted", head.wanted}, {"kept", head.kept}}}};
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_list(const char* what, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) fmt::print("  {:<11} {}\n", what, key);
}

void print_text(const Arguments& arguments, const run::Imported& imported, const HeadReport& head) {
  const nn::LoadReport& report = imported.report;
  fmt::print("{}: {} of {} loaded into {}", arguments.import.checkpoint.string(), report.loaded,
             counted(imported.file.tensors.size(), "tensor"), arguments.import.arch);
  if (!imported.file.key.empty()) fmt::print(", from its entry {}", imported.file.key);
  if (!imported.file.stripped.empty()) fmt::print(", without {}", imported.file.stripped);
  fmt::print("\n");
  if (imported.arch.output != "embedding")
    fmt::print(
        "  (its output is {}, a map: cairn embed needs an embedding; models/… have one, and\n"
        "  recipes start from this one with init: and a neck)\n",
        imported.arch.output);
  print_list("missing", report.missing);
  print_list("unexpected", report.unexpected);
  print_list("mis-shaped", report.mis_shaped);
  print_list("ignored", imported.ignored);
  if (head.wanted > 0)
    fmt::print("classifier: {} rows, the first {} from the checkpoint's {}\n", head.wanted,
               head.kept, head.rows);
}

void import_command(const Arguments& arguments) {
  if (arguments.out.empty() && arguments.weights_out.empty())
    throw Error("nothing to write: give --out, --weights-out or both");
  if (arguments.classes > 0 && arguments.weights_out.empty())
    throw Error("--classes is for --weights-out; a model has no classifier");
  for (const std::string& file : {arguments.out, arguments.weights_out})
    if (!file.empty()) make_room_for(file);
  const run::Imported imported = run::import_checkpoint(arguments.import);
  HeadReport head;
  head.rows = imported.head.defined() ? imported.head.size(0) : 0;
  head.wanted = arguments.classes * arguments.centers;
  const bool take = imported.report.complete() || arguments.lenient;
  if (take && !arguments.out.empty()) run::write_onnx(imported, arguments.out);
  if (take && !arguments.weights_out.empty())
    head.kept = run::write_weights(imported, arguments.classes, arguments.centers, arguments.seed,
                                   arguments.weights_out);
  if (arguments.json)
    print_json(arguments, imported, head);
  else
    print_text(arguments, imported, head);
  if (!take) run::require_complete(imported);
}

void declare_import(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.footer(
      "\nReads what torch.save wrote (a state dict or a training checkpoint that has one), and "
      "safetensors.\nNothing in the file is run. The classifier and what else the output does not "
      "depend on is ignored.\n\nExamples:\n"
      "  cairn model import --arch models/wz_resnet101_ibn_a --checkpoint R101ibn.pth "
      "--out R101ibn.onnx\n"
      "  cairn model import --arch models/wz_resnet101_ibn_a --checkpoint clean.pth --classes "
      "203094 "
      "\\\n      --weights-out start.safetensors      (then: init: start.safetensors)\n\n"
      "Networks: " +
      fmt::format("{}", fmt::join(nn::arch_names(), ", ")));
  app.add_option("--arch", arguments->import.arch, "network, by its name (below)")
      ->option_text("NAME")
      ->required();
  app.add_option("--checkpoint", arguments->import.checkpoint, "file of weights")
      ->option_text("FILE")
      ->required();
  add_output(app, "--out", arguments->out, "ONNX model to write");
  app.add_option("--key", arguments->import.key,
                 "entry of a training checkpoint that holds the weights (found where it is called "
                 "state_dict, model, net, ... or is the only one)")
      ->option_text("NAME");
  app.add_flag("--lenient", arguments->lenient,
               "take what fits, also where keys are missing, unexpected or of another shape");
  app.add_option("--size", arguments->import.size,
                 "side of the photos in pixels (the reference's; the model takes any)")
      ->option_text("PX")
      ->check(between(1, 8192));
  app.add_option("--mean", arguments->import.mean,
                 "one number or three (R,G,B) in 0-255 pixel units (the reference's)")
      ->option_text("M[,M,M]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--std", arguments->import.std,
                 "one number or three (R,G,B) in 0-255 pixel units (the reference's)")
      ->option_text("S[,S,S]")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_output(app, "--weights-out", arguments->weights_out,
             "weights to write, for `init:` of a recipe (.safetensors)");
  app.add_option("--classes", arguments->classes,
                 "classes of the classifier in --weights-out; the first keep the checkpoint's rows")
      ->option_text("N")
      ->check(between(1, 100'000'000));
  app.add_option("--centers", arguments->centers, "centres of a class, for subcenter heads")
      ->option_text("N")
      ->check(between(1, 100));
  app.add_option("--seed", arguments->seed, "of the new rows")->option_text("N");
  app.add_flag("--json", arguments->json, "print the report as JSON");
  app.callback([arguments] { import_command(*arguments); });
}

}  // namespace

void declare_model(CLI::App& app) {
  app.require_subcommand(1);
  declare_import(*app.add_subcommand("import", "make a model of a PyTorch checkpoint"));
}

}  // namespace cairn::apps
