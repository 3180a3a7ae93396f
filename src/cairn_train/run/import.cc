#include "cairn_train/run/import.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/nn/checkpoint_keys.h"
#include "cairn_train/nn/embedding_net.h"

namespace cairn::run {
namespace {

// How the references prepare photos: sides and 0-255 pixel units.
struct Preparation {
  int size;
  std::vector<double> mean;
  std::vector<double> std;
};

Preparation preparation_of(const std::string& arch) {
  static const std::vector<double> kMean = {123.675, 116.28, 103.53};
  // The retrieval solution divides all channels by 57 and ends its training at 512 pixels.
  if (arch.find("wz_") != std::string::npos) return {512, kMean, {57}};
  return {224, kMean, {58.395, 57.12, 57.375}};
}

// As those who read the model want them.
void require_preparation(const ImportOptions& options) {
  for (const auto& [name, numbers] : {std::pair("--mean", options.mean), {"--std", options.std}}) {
    const bool one_or_three = numbers.size() == 1 || numbers.size() == 3;
    const bool fit = std::ranges::all_of(numbers, [&](double number) {
      return std::isfinite(number) && (number > 0 || name == std::string_view("--mean"));
    });
    if (!one_or_three || !fit)
      throw Error(fmt::format("{} must be one number or three (R,G,B){}, not {}", name,
                              name == std::string_view("--std") ? " above 0" : "",
                              fmt::join(numbers, ",")));
  }
}

}  // namespace

Imported import_checkpoint(const ImportOptions& options) {
  const Preparation usual = preparation_of(options.arch);
  Imported imported{options, nn::make_arch(options.arch), {}, {}, {}, {}};
  ImportOptions& o = imported.options;
  if (o.size == 0) o.size = usual.size;
  if (o.mean.empty()) o.mean = usual.mean;
  if (o.std.empty()) o.std = usual.std;
  require_preparation(o);

  nn::StoredWeights& file = imported.file;
  file = nn::load_weights(o.checkpoint, o.key);
  file.tensors = nn::renamed_for(*imported.arch.net, std::move(file.tensors));
  imported.report = nn::load_state(*imported.arch.net, file.tensors, nn::Strictness::kLenient);
  auto& unexpected = imported.report.unexpected;
  unexpected.insert(unexpected.end(), file.others.begin(), file.others.end());
  std::vector<std::string> ignorable = imported.arch.ignorable;
  ignorable.emplace_back(nn::kHeadPrefix);  // of networks that Cairn trained
  imported.ignored = nn::forgive(imported.report, ignorable);
  if (imported.report.loaded == 0)
    throw Error(fmt::format("{}: none of its tensors fits {} ({})", o.checkpoint.string(), o.arch,
                            imported.report.summary()));
  imported.head = nn::find_head(file.tensors, imported.arch.channels);
  return imported;
}

void require_complete(const Imported& imported) {
  if (imported.report.complete()) return;
  throw Error(fmt::format("{}: does not fit {}: {}; --lenient takes what fits",
                          imported.options.checkpoint.string(), imported.options.arch,
                          imported.report.summary()));
}

void write_onnx(const Imported& imported, const std::filesystem::path& file) {
  const ImportOptions& o = imported.options;
  std::map<std::string, std::string> metadata = {
      {"cairn.input_size", std::to_string(o.size)},
      {"cairn.mean", fmt::format("{}", fmt::join(o.mean, ","))},
      {"cairn.std", fmt::format("{}", fmt::join(o.std, ","))},
      {"cairn.resize", "bilinear"},
      {"cairn.output", imported.arch.output},
      {"cairn.version", CAIRN_VERSION}};
  if (imported.arch.output == "embedding")
    metadata["cairn.embedding_dim"] = std::to_string(imported.arch.channels);
  nn::export_onnx(imported.arch, file, metadata);
}

int64_t write_weights(const Imported& imported, int64_t classes, int64_t centers, uint64_t seed,
                      const std::filesystem::path& file) {
  const nn::Arch& arch = imported.arch;
  nn::NamedTensors weights = nn::state_dict(*arch.net);
  std::erase_if(weights, [](const auto& entry) { return nn::is_unused_key(entry.first); });
  int64_t kept = 0;
  if (classes > 0) {
    if (arch.output != "embedding")
      throw Error(imported.options.arch +
                  ": a backbone alone has no classifier; leave --classes out");
    torch::manual_seed(seed);
    loss::CosineHead head(arch.channels, classes, centers);
    const torch::NoGradGuard no_grad;
    if (imported.head.defined()) {
      kept = std::min(classes * centers, imported.head.size(0));
      head.weight().narrow(0, 0, kept).copy_(imported.head.narrow(0, 0, kept));
    }
    weights.emplace_back(std::string(nn::kHeadPrefix) + "weight", head.weight());
  }
  nn::save_safetensors(file, weights, {{"cairn.arch", imported.options.arch}});
  return kept;
}

}  // namespace cairn::run
