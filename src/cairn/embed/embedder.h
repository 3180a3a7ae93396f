// One photo to one embedding: preprocessing, network, scales.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cairn/engine/model.h"
#include "cairn/image/image.h"

namespace cairn::embed {

// How JPEGs are decoded: with all their pixels, or the large ones at a half, a quarter or an eighth
// of their size, as long as their shorter side keeps kReducedSides times the network's.
enum class Decoding : uint8_t { kFull, kReduced };
inline constexpr int kReducedSides = 2;

// What the command line may say; what it leaves open comes from the model's metadata
// (cairn.input_size, cairn.mean, cairn.std, cairn.output), then from the graph (a fixed input
// size; its only output, or the one named "embedding"), else it is an Error that names the option.
struct EmbedderOptions {
  std::optional<int> size;                 // pixels; photos are resized to size × size
  std::optional<std::vector<float>> mean;  // one number or three (RGB), 0–255 pixel units
  std::optional<std::vector<float>> std;
  std::optional<std::string> output;  // graph output that is the embedding
  // Each multiplies size, down to a multiple of 16 where it is not 1. Photos are resized to size ×
  // size once; the normalised pixels are then interpolated to each side. The raw embeddings are
  // averaged, then normalised (the extraction of Zhang et al., arXiv 2110.04294).
  std::vector<double> scales = {1.0};
  engine::Precision precision = engine::Precision::kF32;
  Decoding decoding = Decoding::kFull;
};

// Settings with the model, not changed after construction; make one Worker a thread.
class Embedder {
 public:
  // Throws Error where options, metadata and graph leave something open or contradict each other.
  Embedder(std::shared_ptr<const engine::Model> model, const EmbedderOptions& options);

  const engine::Model& model() const { return *model_; }
  int size() const { return size_; }
  const image::Normalisation& normalisation() const { return normalisation_; }
  const std::string& output() const { return output_; }
  const std::vector<double>& scales() const { return scales_; }
  // The side in pixels that each scale leads to.
  const std::vector<int>& sides() const { return sides_; }
  engine::Precision precision() const { return precision_; }
  Decoding decoding() const { return decoding_; }
  image::DecodeOptions decode_options() const;  // as the decoding asks
  size_t dim() const { return dim_; }           // D, found by running one black photo

  // Not thread-safe. Lives no longer than its Embedder.
  class Worker {
   public:
    explicit Worker(const Embedder& embedder);
    // The network input of a photo's file, 1 × 3 × size × size, in memory that the next call
    // overwrites; or why there is none.
    Result<engine::Tensor> prepare(std::span<const uint8_t> file, uint64_t max_pixels);
    // D floats of length 1. Throws Error where the network gives NaN, infinity or zeros only.
    std::vector<float> embed(const engine::Tensor& square);
    std::vector<float> embed(const image::Image& photo);
    // As embed, without the normalisation to length 1 (what distillation centres).
    std::vector<float> embed_raw(const engine::Tensor& square);
    std::vector<float> embed_raw(const image::Image& photo);

   private:
    const engine::Tensor& prepare(const image::Image& photo);

    const Embedder& embedder_;
    engine::Executor executor_;
    image::Image photo_;                    // memory for the next photo
    engine::Tensor square_;                 // the photo at size × size, normalised
    std::map<int, engine::Tensor> scaled_;  // by other side: 1 × 3 × side × side
  };

 private:
  void choose_output(const EmbedderOptions& options);
  void choose_size(const EmbedderOptions& options);
  void choose_normalisation(const EmbedderOptions& options);

  std::shared_ptr<const engine::Model> model_;
  std::string input_;
  std::string output_;
  int size_ = 0;
  engine::Precision precision_;
  Decoding decoding_;
  std::vector<double> scales_;
  std::vector<int> sides_;
  image::Normalisation normalisation_;
  size_t dim_ = 0;
};

// The metadata keys, for programs that write models.
inline constexpr const char* kSizeKey = "cairn.input_size";
inline constexpr const char* kMeanKey = "cairn.mean";
inline constexpr const char* kStdKey = "cairn.std";
inline constexpr const char* kOutputKey = "cairn.output";
inline constexpr const char* kResizeKey = "cairn.resize";
inline constexpr const char* kDimKey = "cairn.embedding_dim";

// "full" and "reduced", as meta.json and the command line say.
std::string decoding_name(Decoding decoding);
Decoding parse_decoding(const std::string& name);  // throws Error on another name

// "127.5" or "123.7,116.3,103.5"; throws Error ("where: …") on anything else.
std::vector<float> parse_channel_values(const std::string& text, const std::string& where);

}  // namespace cairn::embed
