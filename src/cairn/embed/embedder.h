// One photo to one embedding: preprocessing, network, scales.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn/engine/model.h"
#include "cairn/image/image.h"

namespace cairn::embed {

// What the command line may say; what it leaves open comes from the model's metadata
// (cairn.input_size, cairn.mean, cairn.std, cairn.output), then from the graph (a fixed input
// size), else it is an Error that names the option.
struct EmbedderOptions {
  std::optional<int> size;                 // pixels; photos are resized to size × size
  std::optional<std::vector<float>> mean;  // one number or three (RGB), 0–255 pixel units
  std::optional<std::vector<float>> std;
  std::optional<std::string> output;  // graph output that is the embedding
  std::vector<double> scales = {
      1.0};  // each multiplies size; embeddings are averaged, then normalised
};

// Thread-safe settings with the model; make one Worker a thread.
class Embedder {
 public:
  Embedder(std::shared_ptr<const engine::Model> model, const EmbedderOptions& options);

  const engine::Model& model() const { return *model_; }
  int size() const { return size_; }
  const image::Normalisation& normalisation() const { return normalisation_; }
  const std::string& output() const { return output_; }
  const std::vector<double>& scales() const { return scales_; }
  size_t dim() const { return dim_; }  // D, found by running one black photo

  class Worker {
   public:
    explicit Worker(const Embedder& embedder);
    // Appends nothing, returns D floats of length 1. Throws Error where the network gives NaN or
    // zeros.
    std::vector<float> embed(const image::Image& photo);
    // As embed, without the normalisation to length 1 (what distillation centres).
    std::vector<float> embed_raw(const image::Image& photo);

   private:
    const Embedder& embedder_;
    engine::Executor executor_;
    std::string input_;
  };

 private:
  std::shared_ptr<const engine::Model> model_;
  int size_ = 0;
  image::Normalisation normalisation_;
  std::string output_;
  std::vector<double> scales_;
  size_t dim_ = 0;
};

}  // namespace cairn::embed
