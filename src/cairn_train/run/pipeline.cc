#include "cairn_train/run/pipeline.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn_train/nn/safetensors.h"
#include "cairn_train/run/checkpoint.h"
#include "cairn_train/run/dry_run.h"
#include "cairn_train/run/setup.h"

namespace cairn::run {
namespace {

using Texts = std::vector<std::string>;

// A recipe of the pipeline with the overrides that are its own.
struct Part {
  fs::path recipe;
  Texts overrides;
};

// What stands after "key=" among the overrides, which are taken out; the last one counts.
std::string take(Texts& overrides, std::string_view start) {
  std::string value;
  std::erase_if(overrides, [&](const std::string& text) {
    if (!text.starts_with(start)) return false;
    value.assign(text, start.size());
    return true;
  });
  return value;
}

fs::path weights_of(const PipelineStage& stage) {
  return fs::path(stage.recipe.out) / "weights.safetensors";
}

Pipeline make_pipeline(const std::vector<Part>& parts, Texts shared, fs::path out) {
  if (const std::string wanted = take(shared, "out="); !wanted.empty()) out = wanted;
  const std::string init = take(shared, "init=");
  Pipeline pipeline;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool first = i == 0;
    // Later ones go over earlier ones: an override, but no recipe, can undo the carry.
    Texts overrides;
    if (!out.empty()) overrides.push_back(fmt::format("out={}", out.string()));
    if (!first) overrides.emplace_back("init=");
    if (first && !init.empty()) overrides.push_back(fmt::format("init={}", init));
    if (!first) overrides.emplace_back("head.carry_over=true");
    overrides.insert(overrides.end(), parts[i].overrides.begin(), parts[i].overrides.end());
    overrides.insert(overrides.end(), shared.begin(), shared.end());
    Recipe recipe = load_recipe(parts[i].recipe, overrides);
    if (out.empty()) out = recipe.out;
    const std::string name = fmt::format("{}-{}", i + 1, parts[i].recipe.stem().string());
    recipe.out = (out / name).string();
    if (!first) {
      recipe.init = weights_of(pipeline.stages.back()).string();
      const bool heads =
          recipe.head.type != "none" && pipeline.stages.back().recipe.head.type != "none";
      recipe.head.carry_over = recipe.head.carry_over && heads;
    }
    pipeline.stages.push_back({name, std::move(recipe)});
  }
  pipeline.out = out;
  return pipeline;
}

YAML::Node parse_yaml(const fs::path& file) {
  try {
    return YAML::Load(read_text(file));
  } catch (const YAML::Exception& error) {
    throw Error(
        fmt::format("{}:{}: not valid YAML: {}", file.string(), error.mark.line + 1, error.msg));
  }
}

void require_keys(const YAML::Node& map, const std::set<std::string>& allowed,
                  const fs::path& file) {
  for (const auto& entry : map) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!allowed.contains(key))
      throw Error(
          fmt::format("{}:{}: unknown key '{}'; a pipeline has out, overrides and stages, "
                      "a stage recipe and overrides",
                      file.string(), entry.first.Mark().line + 1, key));
  }
}

Texts overrides_of(const YAML::Node& map, const fs::path& file) {
  const YAML::Node list = map["overrides"];
  Texts texts;
  if (!list) return texts;
  if (!list.IsSequence())
    throw Error(fmt::format("{}:{}: overrides must be a list, as [schedule.epochs=3]",
                            file.string(), list.Mark().line + 1));
  for (const YAML::Node& item : list) {
    if (!item.IsScalar())
      throw Error(fmt::format("{}:{}: an override is one text, as schedule.epochs=3", file.string(),
                              item.Mark().line + 1));
    texts.push_back(item.Scalar());
  }
  return texts;
}

std::string sha256_or_empty(const std::string& file) {
  return file.empty() ? "" : sha256_file(file);
}

// OUT/pipeline.json: the checksum of the weights that each started stage began with.
class Record {
 public:
  explicit Record(const fs::path& out) : file_(out / "pipeline.json") {
    if (!fs::exists(file_)) return;
    started_ = nlohmann::json::parse(read_text(file_), nullptr, false);
    if (!started_.is_object())
      throw Error(file_.string() + ": damaged; delete it, or start over with --fresh");
  }

  // Throws where the stage was begun with other weights than these.
  void require(const PipelineStage& stage, const std::string& sha256) const {
    const auto found = started_.find(stage.name);
    if (found == started_.end() || *found == sha256) return;
    throw Error(
        fmt::format("{}: was started from other weights than {} now is; start over with "
                    "--fresh, or delete that folder",
                    stage.recipe.out, stage.recipe.init.empty() ? "random" : stage.recipe.init));
  }

  void start(const PipelineStage& stage, const std::string& sha256) {
    started_[stage.name] = sha256;
    write_text_atomically(file_, started_.dump(2) + "\n");
  }

 private:
  fs::path file_;
  nlohmann::json started_ = nlohmann::json::object();
};

// Whether the stage's outputs are there. Throws where they, or what an unfinished run left, are of
// another recipe.
bool is_finished(const PipelineStage& stage) {
  const auto require = [&](const std::string& there, const char* what) {
    const std::string difference = recipe_difference(there, stage.recipe);
    if (difference.empty()) return;
    throw Error(
        fmt::format("{} holds {} stage of another recipe ({}); choose another out, or start "
                    "over with --fresh",
                    stage.recipe.out, what, difference));
  };
  if (fs::exists(weights_of(stage)) && fs::exists(fs::path(stage.recipe.out) / "model.onnx")) {
    const nn::Safetensors saved = nn::load_safetensors(weights_of(stage));
    const auto recipe = saved.metadata.find("cairn.recipe");
    if (recipe == saved.metadata.end())
      throw Error(weights_of(stage).string() + ": not the weights of a run; start with --fresh");
    require(recipe->second, "a finished");
    return true;
  }
  if (const auto checkpoint = load_checkpoint(stage.recipe.out))
    require(checkpoint->recipe, "an unfinished");
  return false;
}

}  // namespace

Pipeline chain_recipes(const std::vector<fs::path>& recipes, const Texts& overrides) {
  std::vector<Part> parts;
  for (const fs::path& recipe : recipes) parts.push_back({recipe, {}});
  return make_pipeline(parts, overrides, "");
}

Pipeline load_pipeline(const fs::path& file, const Texts& overrides) {
  const YAML::Node root = parse_yaml(file);
  if (!root.IsMap() || !root["stages"] || !root["stages"].IsSequence() ||
      root["stages"].size() == 0)
    throw Error(file.string() +
                ": a pipeline is a map with a list of stages (stages: [{recipe: "
                "a.yaml}, {recipe: b.yaml}])");
  require_keys(root, {"out", "overrides", "stages"}, file);
  if (root["out"] && !root["out"].IsScalar()) throw Error(file.string() + ": out must be a folder");
  std::vector<Part> parts;
  for (const YAML::Node& stage : root["stages"]) {
    if (!stage.IsMap() || !stage["recipe"] || !stage["recipe"].IsScalar())
      throw Error(fmt::format("{}:{}: a stage is a map with a recipe", file.string(),
                              stage.Mark().line + 1));
    require_keys(stage, {"recipe", "overrides"}, file);
    Texts own = overrides_of(root, file);
    for (const std::string& text : overrides_of(stage, file)) own.push_back(text);
    const fs::path recipe = file.parent_path() / stage["recipe"].Scalar();
    if (!fs::exists(recipe))
      throw Error(fmt::format("{}: line {}: there is no recipe {}", file.string(),
                              stage.Mark().line + 1, recipe.string()));
    parts.push_back({recipe, std::move(own)});
  }
  return make_pipeline(parts, overrides, root["out"] ? root["out"].Scalar() : "");
}

void run_pipeline(const Pipeline& pipeline, const TrainOptions& options) {
  const Ranks one_process;
  const Ranks& ranks = options.ranks ? *options.ranks : one_process;
  std::optional<FolderLock> lock;  // rank 0's, as is the record
  std::optional<Record> record;
  ranks.first_does([&] {
    make_folder(pipeline.out);
    lock.emplace(pipeline.out);
    if (options.fresh) {  // all at once, so that what is killed later can go on without --fresh
      fs::remove(pipeline.out / "pipeline.json");
      for (const PipelineStage& stage : pipeline.stages)
        find_checkpoint(stage.recipe.out, stage.recipe, /*fresh=*/true);
    }
    record.emplace(pipeline.out);
  });
  TrainOptions of_stage = options;
  of_stage.fresh = false;
  for (const PipelineStage& stage : pipeline.stages) {
    bool finished = false;
    ranks.first_does([&] {
      const std::string start = sha256_or_empty(stage.recipe.init);
      record->require(stage, start);
      finished = is_finished(stage);
      if (!finished) record->start(stage, start);
    });
    finished = ranks.from_first(std::string(finished ? "finished" : "")) == "finished";
    log_info(finished ? fmt::format("stage {}: finished", stage.name)
                      : fmt::format("stage {} of {}", stage.name, pipeline.stages.size()));
    if (!finished) train(stage.recipe, of_stage);
  }
}

std::string describe_pipeline(const Pipeline& pipeline) {
  std::string text;
  for (const PipelineStage& stage : pipeline.stages) {
    const bool finished = is_finished(stage);
    Recipe recipe = stage.recipe;
    const bool waits = !recipe.init.empty() && !fs::exists(recipe.init);
    text += fmt::format("{}# stage {}: {}{}\n\n{}", text.empty() ? "" : "\n", stage.name,
                        finished ? "finished" : "to run",
                        recipe.init.empty() ? "" : fmt::format(", from {}", recipe.init),
                        recipe_yaml(recipe));
    if (waits) recipe.init.clear();  // the stage before has yet to write it
    text += fmt::format("\n{}", describe_run(recipe));
  }
  return text;
}

}  // namespace cairn::run
