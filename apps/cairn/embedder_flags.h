// The options that say how photos become embeddings.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cairn/embed/embedder.h"

namespace cairn::apps {

// What a model expects and gives, where its file does not say.
struct ModelFlags {
  int size = 0;
  std::vector<float> mean;
  std::vector<float> std;
  std::string output;

  void declare(CLI::App& app,
               const std::string& output_help = "the model's output that is the embedding");
  void apply_to(embed::EmbedderOptions& options) const;
};

// The same and more, for the commands that embed.
struct EmbedderFlags : ModelFlags {
  std::vector<double> scales = {1.0};
  std::string decode = "full";

  void declare(CLI::App& app);
  embed::EmbedderOptions options(const std::string& precision) const;
};

}  // namespace cairn::apps
