// The options that say how photos become embeddings, for the commands that embed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cairn/embed/embedder.h"

namespace cairn::apps {

struct EmbedderFlags {
  int size = 0;
  std::vector<double> scales = {1.0};
  std::vector<float> mean;
  std::vector<float> std;
  std::string output;
  std::string decode = "full";

  void declare(CLI::App& app);
  embed::EmbedderOptions options(const std::string& precision) const;
};

}  // namespace cairn::apps
