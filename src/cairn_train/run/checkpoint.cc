#include "cairn_train/run/checkpoint.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cairn/base/error.h"

namespace cairn::run {

// JSON keeps doubles exactly: it prints as many digits as tell one double from the next.
std::string position_text(const Position& position) {
  return nlohmann::json{{"epoch", position.epoch},
                        {"batch", position.batch},
                        {"steps", position.steps},
                        {"loss_sum", position.loss_sum},
                        {"seconds", position.seconds},
                        {"epoch_seconds", position.epoch_seconds},
                        {"waited_seconds", position.waited_seconds},
                        {"best", position.best ? nlohmann::json(*position.best) : nullptr},
                        {"since_best", position.since_best},
                        {"loss_scale", position.loss_scale},
                        {"good_steps", position.good_steps}}
      .dump();
}

Position parse_position(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  Position position;
  json.at("epoch").get_to(position.epoch);
  json.at("batch").get_to(position.batch);
  json.at("steps").get_to(position.steps);
  json.at("loss_sum").get_to(position.loss_sum);
  json.at("seconds").get_to(position.seconds);
  json.at("epoch_seconds").get_to(position.epoch_seconds);
  json.at("waited_seconds").get_to(position.waited_seconds);
  if (!json.at("best").is_null()) position.best = json.at("best").get<double>();
  json.at("since_best").get_to(position.since_best);
  json.at("loss_scale").get_to(position.loss_scale);
  json.at("good_steps").get_to(position.good_steps);
  return position;
}

std::filesystem::path checkpoint_file(const std::filesystem::path& folder) {
  return folder / "checkpoint.safetensors";
}

void save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& folder) {
  nn::save_safetensors(checkpoint_file(folder), checkpoint.tensors,
                       {{"cairn.recipe", checkpoint.recipe},
                        {"cairn.curves", checkpoint.curves},
                        {"cairn.position", position_text(checkpoint.position)}});
}

std::optional<Checkpoint> load_checkpoint(const std::filesystem::path& folder) {
  const std::filesystem::path file = checkpoint_file(folder);
  if (!std::filesystem::exists(file)) return std::nullopt;
  nn::Safetensors saved = nn::load_safetensors(file);
  Checkpoint checkpoint;
  try {
    checkpoint.recipe = saved.metadata.at("cairn.recipe");
    checkpoint.curves = saved.metadata.at("cairn.curves");
    checkpoint.position = parse_position(saved.metadata.at("cairn.position"));
  } catch (const std::exception&) {  // missing entries, or JSON that is none
    throw Error(fmt::format("{}: not a checkpoint of a run; train with --fresh", file.string()));
  }
  checkpoint.tensors = std::move(saved.tensors);
  return checkpoint;
}

}  // namespace cairn::run
