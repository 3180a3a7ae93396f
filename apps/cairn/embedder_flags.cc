#include "embedder_flags.h"

#include "numbers.h"

namespace cairn::apps {

void ModelFlags::declare(CLI::App& app, const std::string& output_help) {
  app.add_option("--size", size, "photos are resized to SIZE x SIZE pixels")
      ->option_text("SIZE")
      ->check(between(1, 8192));
  app.add_option("--mean", mean, "one number or three (R,G,B) in 0-255 pixel units")
      ->option_text("M[,M,M]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--std", std, "one number or three (R,G,B) in 0-255 pixel units")
      ->option_text("S[,S,S]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--output", output, output_help)->option_text("NAME");
}

void ModelFlags::apply_to(embed::EmbedderOptions& options) const {
  if (size > 0) options.size = size;
  if (!mean.empty()) options.mean = mean;
  if (!std.empty()) options.std = std;
  if (!output.empty()) options.output = output;
}

void EmbedderFlags::declare(CLI::App& app) {
  ModelFlags::declare(app);
  app.add_option("--scales", scales,
                 "each multiplies the size (to multiples of 16); embeddings are averaged")
      ->option_text("S[,S...]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(above(0));
  app.add_option(
         "--decode", decode,
         "full, or reduced: JPEGs much larger than SIZE are decoded at a half, a quarter or "
         "an eighth, which is quicker and gives slightly other embeddings")
      ->capture_default_str()
      ->option_text("NAME")
      ->check(CLI::IsMember({"full", "reduced"}));
}

embed::EmbedderOptions EmbedderFlags::options(const std::string& precision) const {
  embed::EmbedderOptions chosen;
  apply_to(chosen);
  chosen.scales = scales;
  chosen.precision = engine::parse_precision(precision);
  chosen.decoding = embed::parse_decoding(decode);
  return chosen;
}

}  // namespace cairn::apps
