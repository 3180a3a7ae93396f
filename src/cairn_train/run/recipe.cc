#include "cairn_train/run/recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn_train/nn/backbones/backbone.h"
#include "cairn_train/run/heads.h"
#include "cairn_train/run/recipe_fields.h"
#include "cairn_train/run/stages.h"

namespace cairn::run {
namespace {

constexpr int kDeepestKey = 8;
constexpr size_t kMostStages = 1000;
constexpr const char* kStages = "stages";

// A value and where it was said, for messages.
struct Setting {
  YAML::Node value;
  std::string where;  // "demo.yaml:3", or "the command line"
};

using Settings = std::map<std::string, Setting>;  // by flat key: "schedule.epochs"

bool is_list_of_maps(const YAML::Node& node) {
  return node.IsSequence() && node.size() > 0 &&
         std::all_of(node.begin(), node.end(), [](const YAML::Node& item) { return item.IsMap(); });
}

// Flattens nested maps and lists of maps ("stages.0.epochs"); other lists and scalars are values.
void flatten(const YAML::Node& node, const std::string& prefix, const std::string& file, int depth,
             Settings& settings) {
  if (depth > kDeepestKey) throw Error(fmt::format("{}: keys are nested too deeply", file));
  for (const auto& entry : node) {
    if (!entry.first.IsScalar())
      throw Error(fmt::format("{}:{}: a key must be one word", file, entry.first.Mark().line + 1));
    const std::string key = prefix + entry.first.Scalar();
    const std::string where = fmt::format("{}:{}", file, entry.first.Mark().line + 1);
    if (entry.second.IsMap()) {
      flatten(entry.second, key + ".", file, depth + 1, settings);
    } else if (is_list_of_maps(entry.second)) {
      for (size_t i = 0; i < entry.second.size(); ++i)
        flatten(entry.second[i], fmt::format("{}.{}.", key, i), file, depth + 1, settings);
    } else if (!settings.try_emplace(key, Setting{entry.second, where}).second) {
      throw Error(fmt::format("{}: key '{}' is given twice", where, key));
    }
  }
}

// Puts settings over those of a base. Whoever lists stages lists them all.
void lay_over(Settings& own, bool lists_stages, Settings& settings) {
  if (lists_stages)
    std::erase_if(settings, [](const auto& entry) { return entry.first.starts_with("stages."); });
  for (auto& [key, setting] : own) settings[key] = setting;
}

YAML::Node parse_yaml(const std::string& text, const std::string& where) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw Error(fmt::format("{}:{}: not valid YAML: {}", where, error.mark.line + 1, error.msg));
  }
}

// The settings of a file over those of its base. `open`: the files that wait for this one.
Settings read_settings(const std::filesystem::path& file, std::set<std::filesystem::path>& open) {
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(file);
  if (!open.insert(canonical).second)
    throw Error(fmt::format("{}: base: leads back to this file; break the circle", file.string()));
  const YAML::Node root = parse_yaml(read_text(file), file.string());
  if (!root.IsMap() && !root.IsNull())
    throw Error(fmt::format("{}: a recipe is a map of keys (key: value)", file.string()));
  Settings own;
  flatten(root, "", file.string(), 0, own);
  Settings settings;
  if (const auto base = own.find("base"); base != own.end()) {
    if (!base->second.value.IsScalar())
      throw Error(fmt::format("{}: base must be one file name", base->second.where));
    settings = read_settings(file.parent_path() / base->second.value.Scalar(), open);
    own.erase(base);
  }
  open.erase(canonical);
  lay_over(own, root.IsMap() && root[kStages].IsDefined(), settings);
  return settings;
}

void apply_override(const std::string& text, Settings& settings) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(fmt::format("'{}' is no override; write key=value, as in schedule.epochs=5", text));
  const std::string key = text.substr(0, equals);
  YAML::Node entry;
  entry[key] = parse_yaml(text.substr(equals + 1), text);
  Settings own;
  flatten(entry, "", "the command line", 0, own);
  for (auto& item : own) item.second.where = "the command line";
  lay_over(own, key == kStages, settings);
}

// How many stages the settings list; removes an empty list ("stages: []"). Throws Error where
// numbers are left out.
size_t count_stages(Settings& settings) {
  if (const auto whole = settings.find(kStages); whole != settings.end()) {
    const YAML::Node value = whole->second.value;
    if (!value.IsNull() && !(value.IsSequence() && value.size() == 0))
      throw Error(
          fmt::format("{}: stages must be a list of maps, as [{{epochs: 3, transforms: "
                      "[resize, flip]}}]",
                      whole->second.where));
    settings.erase(whole);
  }
  std::set<size_t> numbers;
  for (const auto& [key, setting] : settings) {
    if (!key.starts_with("stages.")) continue;
    size_t number = 0;
    const char* const begin = key.data() + std::string_view("stages.").size();
    const auto [end, failed] = std::from_chars(begin, key.data() + key.size(), number);
    if (failed != std::errc() || *end != '.' || number >= kMostStages)
      throw Error(fmt::format("{}: '{}' names no stage; write stages.0.epochs and so on",
                              setting.where, key));
    numbers.insert(number);
  }
  if (!numbers.empty() && *numbers.rbegin() + 1 != numbers.size())
    throw Error(
        fmt::format("stages.{} does not follow on the stage before it; the stages are "
                    "numbered from 0",
                    *numbers.rbegin()));
  return numbers.size();
}

std::string section_of(const std::string& key) { return key.substr(0, key.find('.') + 1); }

// What may stand instead of an unknown key: its section's keys, else the top level.
std::string allowed_keys(const std::vector<RecipeField>& fields, const std::string& key) {
  const auto matching = [&](const std::string& section) {
    std::vector<std::string> keys;
    for (const RecipeField& field : fields)
      if (field.key.starts_with(section)) keys.push_back(field.key);
    return keys;
  };
  const size_t dot = key.find('.');
  const std::vector<std::string> same =
      matching(dot == std::string::npos ? key + "." : section_of(key));
  if (!same.empty()) return fmt::format("{}", fmt::join(same, ", "));
  std::set<std::string> top = {"base"};
  for (const RecipeField& field : fields) top.insert(field.key.substr(0, field.key.find('.')));
  return fmt::format("{}", fmt::join(top, ", "));
}

std::string value_text(const YAML::Node& value) {
  return value.IsNull() ? "nothing" : fmt::format("'{}'", YAML::Dump(value));
}

void require_possible_sampler(const Recipe& recipe, const std::string& file) {
  const data::SamplerOptions& sampler = recipe.sampler;
  if (sampler.type != "shuffle" &&
      (!recipe.data.nonlandmark.empty() || !recipe.data.unlabelled.empty()))
    throw Error(fmt::format(
        "{}: sampler.type {} draws photos of landmarks alone; leave out data.nonlandmark "
        "and data.unlabelled, or use shuffle",
        file, sampler.type));
  if (sampler.epoch_photos > 0 && sampler.type != "identity" && sampler.type != "continent")
    throw Error(
        fmt::format("{}: sampler.epoch_photos is for sampler.type identity or continent", file));
  if (sampler.type == "continent" && std::ranges::count(sampler.continents, 0.0) ==
                                         static_cast<std::ptrdiff_t>(sampler.continents.size()))
    throw Error(fmt::format("{}: all of sampler.continents are 0; give one a share", file));
  if ((sampler.type == "identity" || sampler.type == "image") &&
      recipe.batch % sampler.photos_per_identity != 0)
    throw Error(fmt::format("{}: batch {} is no multiple of sampler.photos_per_identity {}", file,
                            recipe.batch, sampler.photos_per_identity));
}

// A run reads none of the files that it writes or, with --fresh, removes.
void require_other_outputs(const Recipe& recipe, const std::string& file) {
  const fs::path out = recipe.out;
  const fs::path root = recipe.data.root;
  const data::DataOptions& data = recipe.data;
  for (const fs::path& read :
       {fs::path(recipe.init), fs::path(recipe.distill.teacher), fs::path(recipe.knowledge.teacher),
        root / data.table, root / data.clean_table, root / data.validation_table})
    for (const char* name : {"checkpoint.safetensors", "best.safetensors", "weights.safetensors",
                             "model.onnx", "curves.csv", "labels.csv", "skipped.csv"})
      if (same_file(read, out / name))
        throw Error(
            fmt::format("{}: the run would overwrite '{}', which it reads; choose another out",
                        file, read.string()));
}

void require_sense(const Recipe& recipe, const std::string& file) {
  if (recipe.out.empty())
    throw Error(fmt::format("{}: key 'out' (the folder of the run) is missing; add out=DIR", file));
  if (recipe.head.type == "none" && recipe.distill.teacher.empty() && !recipe.has_metric())
    throw Error(fmt::format(
        "{}: nothing to learn: set head.type, triplet.weight or distill.teacher", file));
  if (recipe.head.type == "none" && !recipe.data.nonlandmark.empty())
    throw Error(fmt::format(
        "{}: data.nonlandmark needs a head that can refuse; use data.unlabelled to distil on them",
        file));
  if (recipe.head.type == "none" && !recipe.knowledge.teacher.empty())
    throw Error(fmt::format("{}: knowledge.teacher needs a classifier; set head.type", file));
  if (recipe.head.type != "none" && recipe.data.table.empty())
    throw Error(fmt::format("{}: head.type '{}' needs labels: set data.table, or head.type=none",
                            file, recipe.head.type));
  if (recipe.has_metric() && recipe.data.table.empty())
    throw Error(fmt::format(
        "{}: triplet.weight and center.weight need labels: set data.table, or both to 0", file));
  if (recipe.schedule.type == "multistep" && recipe.schedule.milestones.empty())
    throw Error(
        fmt::format("{}: schedule.type multistep needs schedule.milestones, as [4, 8]", file));
  require_possible_head(recipe, file);
  require_possible_sampler(recipe, file);
  const bool validates = !recipe.data.validation_table.empty() ||
                         recipe.data.validation_fraction > 0 || recipe.data.folds > 0;
  if (recipe.export_weights == "best" && !validates)
    throw Error(fmt::format("{}: export_weights 'best' needs validation photos", file));
  if (recipe.early_stop.patience > 0 && !validates)
    throw Error(fmt::format("{}: early_stop needs validation photos", file));
  if (recipe.precision == "f16" && recipe.device == "cpu")
    throw Error(fmt::format("{}: precision f16 needs device cuda; use bf16 on the cpu", file));
  for (const std::string& named : {recipe.init, recipe.distill.teacher, recipe.knowledge.teacher})
    if (!named.empty() && !fs::exists(named))
      throw Error(
          fmt::format("{}: '{}' does not exist (keys init, distill.teacher and "
                      "knowledge.teacher name files)",
                      file, named));
  require_other_outputs(recipe, file);
  require_possible_stages(recipe, file);
}

// "stages.0.epochs" → the section "stages.0." and the key "epochs".
std::pair<std::string, std::string> split_key(const std::string& key) {
  const size_t dot = key.rfind('.');
  if (dot == std::string::npos) return {"", key};
  return {key.substr(0, dot + 1), key.substr(dot + 1)};
}

// What introduces the keys of a section.
std::string section_heading(const std::string& section) {
  if (!section.starts_with("stages.")) return section.substr(0, section.size() - 1) + ":\n";
  return section == "stages.0." ? "stages:\n" : "";
}

std::string print(const Recipe& recipe, bool whole) {
  Recipe copy = recipe;
  std::string text;
  std::string open;
  for (const RecipeField& field : recipe_fields(copy)) {
    if (!whole && !field.shapes_weights) continue;
    const auto [section, key] = split_key(field.key);
    const bool first = section != open;
    if (first && !section.empty()) text += section_heading(section);
    open = section;
    std::string indent = section.empty() ? "" : "  ";
    if (section.starts_with("stages.")) indent = first ? "  - " : "    ";
    text += fmt::format("{}{}: {}\n", indent, key, field.show());
  }
  return text;
}

// The recipe that the settings describe.
Recipe read_recipe(Settings& settings) {
  Recipe recipe;
  recipe.stages.resize(count_stages(settings));
  const std::vector<RecipeField> fields = recipe_fields(recipe);
  std::map<std::string, const RecipeField*> by_key;
  for (const RecipeField& field : fields) by_key[field.key] = &field;
  for (const auto& [key, setting] : settings) {
    const auto found = by_key.find(key);
    if (found == by_key.end())
      throw Error(fmt::format("{}: unknown key '{}'; allowed: {}", setting.where, key,
                              allowed_keys(fields, key)));
    try {
      found->second->read(setting.value);
    } catch (const Error& allowed) {
      throw Error(fmt::format("{}: {} must be {}, not {}", setting.where, key, allowed.what(),
                              value_text(setting.value)));
    }
  }
  if (!nn::has_projection(recipe.model))
    recipe.model.embedding_dim = static_cast<int>(nn::backbone_channels(recipe.model.backbone));
  return recipe;
}

}  // namespace

Recipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  std::set<std::filesystem::path> open;
  Settings settings = read_settings(file, open);
  for (const std::string& text : overrides) apply_override(text, settings);

  Recipe recipe = read_recipe(settings);
  require_sense(recipe, file.string());
  return recipe;
}

std::string recipe_yaml(const Recipe& recipe) { return print(recipe, /*whole=*/true); }

std::string portable_recipe_yaml(const Recipe& recipe) { return print(recipe, /*whole=*/false); }

Recipe parse_recipe(const std::string& text, const std::string& where) {
  Settings settings;
  const YAML::Node root = parse_yaml(text, where);
  if (!root.IsMap()) throw Error(where + ": holds no recipe");
  flatten(root, "", where, 0, settings);
  return read_recipe(settings);
}

std::string recipe_help() {
  Recipe recipe;
  recipe.stages.resize(1);
  std::string text;
  for (const RecipeField& field : recipe_fields(recipe))
    text += fmt::format("  {:<32} {}\n", field.key + "=" + field.show(), field.meaning);
  return text;
}

std::string recipe_difference(const std::string& there, const Recipe& here) {
  // Keys that the other recipe does not have yet stand at their defaults.
  Recipe old = parse_recipe(there, "checkpoint");
  if (old.stages.size() != here.stages.size())
    return fmt::format("there are {} stages there and {} here", old.stages.size(),
                       here.stages.size());
  Recipe copy = here;
  const std::vector<RecipeField> old_fields = recipe_fields(old);
  const std::vector<RecipeField> fields = recipe_fields(copy);
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string was = old_fields[i].show();
    const std::string is = fields[i].show();
    if (fields[i].shapes_weights && was != is)
      return fmt::format("{} is {} there and {} here", fields[i].key, was, is);
  }
  return "";
}

}  // namespace cairn::run
