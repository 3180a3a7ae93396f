#include "cairn/embed/embedder.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn::embed {
namespace {

constexpr int kLargestSide = 8192;
constexpr int kSideMultiple = 16;
constexpr size_t kKeptBytes = size_t{64} << 20;  // of a photo, for the next one

// The metadata value of a key, or null.
const std::string* metadata(const engine::Model& model, const char* key) {
  const auto found = model.metadata().find(key);
  return found == model.metadata().end() ? nullptr : &found->second;
}

int parse_side(const std::string& text, const std::string& where) {
  int side = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), side);
  if (failed != std::errc() || end != text.data() + text.size()) {
    throw Error(where + ": " + text + " is not a size in pixels");
  }
  return side;
}

std::string list_names(const std::vector<engine::ValueInfo>& values) {
  std::string names;
  for (const engine::ValueInfo& value : values) {
    names += names.empty() ? "" : ", ";
    names += value.name;
  }
  return names;
}

// The only input, as 1 × 3 × height × width can be fed to it.
const engine::ValueInfo& image_input(const engine::Model& model) {
  const std::string& name = model.name();
  if (model.inputs().size() != 1) {
    throw Error(name + ": an embedding network has one input, this model has " +
                std::to_string(model.inputs().size()) + " (" + list_names(model.inputs()) + ")");
  }
  const engine::ValueInfo& input = model.inputs()[0];
  if (input.dtype != engine::DType::kF32) {
    throw Error(name + ": the input " + input.name + " is " + engine::dtype_name(input.dtype) +
                "; photos are fed as float32");
  }
  if (!input.has_shape) return input;
  const auto is_open_or = [](int64_t extent, int64_t wanted) {
    return extent < 0 || extent == wanted;
  };
  if (input.shape.size() != 4 || !is_open_or(input.shape[0], 1) || !is_open_or(input.shape[1], 3)) {
    throw Error(name + ": the input " + input.name +
                " does not take a photo (1 × 3 × height × width)");
  }
  if (input.shape[2] != input.shape[3]) {
    throw Error(name + ": the input " + input.name + " is not square (" +
                std::to_string(input.shape[2]) + " × " + std::to_string(input.shape[3]) + ")");
  }
  return input;
}

// The fixed side of the input, or 0 where it is dynamic.
int fixed_side(const engine::ValueInfo& input) {
  if (!input.has_shape || input.shape[2] < 0) return 0;
  return static_cast<int>(std::min<int64_t>(input.shape[2], kLargestSide + 1));
}

// 1 × D, also as 1 × D × 1 × 1.
bool is_one_vector(const engine::Tensor& output) {
  const engine::Shape& shape = output.shape();
  const auto longer = std::count_if(shape.begin(), shape.end(), [](int64_t n) { return n != 1; });
  return output.dtype() == engine::DType::kF32 && output.count() > 0 && shape.size() > 1 &&
         shape[0] == 1 && longer <= 1;
}

std::array<float, 3> three(const std::vector<float>& values, const std::string& where) {
  if (values.size() != 1 && values.size() != 3) {
    throw Error(where + ": one number or three (RGB), not " + std::to_string(values.size()));
  }
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    throw Error(where + ": not a finite number");
  }
  if (values.size() == 1) return {values[0], values[0], values[0]};
  return {values[0], values[1], values[2]};
}

// One of --mean and --std, from the command line or the metadata.
std::array<float, 3> channel_values(const engine::Model& model,
                                    const std::optional<std::vector<float>>& option,
                                    const std::string& option_name, const char* key) {
  if (option) return three(*option, option_name);
  const std::string where = model.name() + ": metadata " + key;
  if (const std::string* text = metadata(model, key)) {
    return three(parse_channel_values(*text, where), where);
  }
  throw Error(model.name() + ": the model does not say its " + option_name.substr(2) + "; give " +
              option_name + " (0–255 pixel units, one number or three), or write it into the " +
              "model with: cairn model annotate");
}

}  // namespace

std::string decoding_name(Decoding decoding) {
  return decoding == Decoding::kReduced ? "reduced" : "full";
}

Decoding parse_decoding(const std::string& name) {
  for (const Decoding decoding : {Decoding::kFull, Decoding::kReduced}) {
    if (decoding_name(decoding) == name) return decoding;
  }
  throw Error("--decode: " + name + " is neither full nor reduced");
}

std::vector<float> parse_channel_values(const std::string& text, const std::string& where) {
  std::vector<float> values;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (true) {
    float value = 0;
    const auto [stop, failed] = std::from_chars(at, end, value);
    if (failed != std::errc() || (stop != end && *stop != ',')) {
      throw Error(where + ": " + text + " is not one number or three with commas between");
    }
    values.push_back(value);
    if (stop == end) break;
    at = stop + 1;
    while (at != end && *at == ' ') ++at;
  }
  three(values, where);
  return values;
}

Embedder::Embedder(std::shared_ptr<const engine::Model> model, const EmbedderOptions& options)
    : model_(std::move(model)),
      precision_(engine::available_precision(options.precision)),
      decoding_(options.decoding),
      scales_(options.scales) {
  input_ = image_input(*model_).name;
  if (const std::string* resize = metadata(*model_, kResizeKey); resize && *resize != "bilinear") {
    throw Error(model_->name() + ": metadata " + kResizeKey + ": " + *resize +
                " is not supported, only bilinear");
  }
  choose_output(options);
  choose_size(options);
  choose_normalisation(options);
  dim_ = 1;  // for the probe, which finds the real one
  const image::Image black{1, 1, {0, 0, 0}};
  dim_ = Worker(*this).embed_raw(black).size();
}

void Embedder::choose_output(const EmbedderOptions& options) {
  const std::vector<engine::ValueInfo>& outputs = model_->outputs();
  const auto exists = [&](const std::string& name) {
    return std::any_of(outputs.begin(), outputs.end(),
                       [&](const engine::ValueInfo& value) { return value.name == name; });
  };
  const std::string* annotated = metadata(*model_, kOutputKey);
  if (options.output) {
    output_ = *options.output;
  } else if (annotated) {
    output_ = *annotated;
  } else if (outputs.size() == 1) {
    output_ = outputs[0].name;
  } else if (exists("embedding")) {
    output_ = "embedding";
  } else {
    throw Error(model_->name() + ": choose the embedding with --output: " + list_names(outputs));
  }
  if (!exists(output_)) {
    throw Error(model_->name() + ": no output " + output_ + "; --output can be " +
                list_names(outputs));
  }
}

void Embedder::choose_size(const EmbedderOptions& options) {
  const int fixed = fixed_side(image_input(*model_));
  if (options.size) {
    size_ = *options.size;
  } else if (const std::string* text = metadata(*model_, kSizeKey)) {
    size_ = parse_side(*text, model_->name() + ": metadata " + kSizeKey);
  } else if (fixed > 0) {
    size_ = fixed;
  } else {
    throw Error(model_->name() + ": the model takes any size; give --size");
  }
  if (scales_.empty()) throw Error("--scales: at least one");
  for (const double scale : scales_) {
    if (!(scale > 0) || !std::isfinite(scale)) {
      throw Error("--scales: " + std::to_string(scale) + " is not a positive number");
    }
    const double wanted = size_ * scale;
    const double side =
        scale == 1
            ? size_
            : std::max<double>(kSideMultiple, std::floor(wanted / kSideMultiple) * kSideMultiple);
    if (side < 1 || side > kLargestSide) {
      throw Error("--size: photos of " + std::to_string(std::llround(side)) +
                  " pixels; the side must be 1 to " + std::to_string(kLargestSide));
    }
    if (fixed > 0 && static_cast<int>(side) != fixed) {
      throw Error(model_->name() + ": the model takes only photos of " + std::to_string(fixed) +
                  " pixels, --size and --scales ask for " + std::to_string(static_cast<int>(side)));
    }
    sides_.push_back(static_cast<int>(side));
  }
}

void Embedder::choose_normalisation(const EmbedderOptions& options) {
  normalisation_.mean = channel_values(*model_, options.mean, "--mean", kMeanKey);
  normalisation_.std = channel_values(*model_, options.std, "--std", kStdKey);
  for (const float value : normalisation_.std) {
    if (value <= 0) throw Error("--std: " + std::to_string(value) + " is not above 0");
  }
}

image::DecodeOptions Embedder::decode_options() const {
  image::DecodeOptions options;
  if (decoding_ == Decoding::kReduced) options.min_short_side = kReducedSides * size_;
  return options;
}

Embedder::Worker::Worker(const Embedder& embedder)
    : embedder_(embedder),
      executor_(embedder.model_, embedder.precision_),
      square_(engine::DType::kF32, {1, 3, embedder.size_, embedder.size_}) {
  for (const int side : embedder.sides_) {
    if (side == embedder.size_) continue;
    scaled_.try_emplace(side, engine::DType::kF32, engine::Shape{1, 3, side, side});
  }
}

Result<engine::Tensor> Embedder::Worker::prepare(std::span<const uint8_t> file,
                                                 uint64_t max_pixels) {
  image::DecodeOptions options = embedder_.decode_options();
  options.max_pixels = max_pixels;
  Result<image::Image> photo = image::decode(file, options, std::move(photo_));
  if (!photo) return Failure{photo.reason()};
  photo_ = std::move(photo.value());
  const engine::Tensor& square = prepare(photo_);
  if (photo_.pixels.capacity() > kKeptBytes) photo_ = {};
  return square;
}

const engine::Tensor& Embedder::Worker::prepare(const image::Image& photo) {
  const int size = embedder_.size_;
  image::resize_to_chw(photo, size, size, embedder_.normalisation_, square_.data<float>());
  return square_;
}

std::vector<float> Embedder::Worker::embed_raw(const image::Image& photo) {
  return embed_raw(prepare(photo));
}

std::vector<float> Embedder::Worker::embed(const image::Image& photo) {
  return embed(prepare(photo));
}

std::vector<float> Embedder::Worker::embed_raw(const engine::Tensor& square) {
  CAIRN_ASSERT(square.shape() == square_.shape() && square.dtype() == engine::DType::kF32);
  std::vector<double> sum;
  for (const int side : embedder_.sides_) {
    engine::Tensor input = square;
    if (side != embedder_.size_) {
      input = scaled_.at(side);
      image::resize_planes(square.data<float>(), embedder_.size_, side, input.data<float>());
    }
    const engine::TensorMap outputs =
        executor_.run({{embedder_.input_, input}}, {embedder_.output_});
    const engine::Tensor& output = outputs.at(embedder_.output_);
    if (!is_one_vector(output) || (!sum.empty() && sum.size() != output.count())) {
      throw Error(embedder_.model_->name() + ": the output " + embedder_.output_ +
                  " is not one float32 embedding a photo; choose another with --output");
    }
    sum.resize(output.count());
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += output.data<float>()[i];
  }
  std::vector<float> mean(sum.size());
  const double count = static_cast<double>(embedder_.sides_.size());
  for (size_t i = 0; i < sum.size(); ++i) mean[i] = static_cast<float>(sum[i] / count);
  return mean;
}

std::vector<float> Embedder::Worker::embed(const engine::Tensor& square) {
  std::vector<float> values = embed_raw(square);
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  const double length = std::sqrt(squares);
  if (!std::isfinite(length) || length < 1e-20) {
    throw Error(embedder_.model_->name() + ": the network gives " +
                (std::isfinite(length) ? "only zeros" : "NaN or infinity") + " for this photo");
  }
  for (float& value : values) value = static_cast<float>(value / length);
  return values;
}

}  // namespace cairn::embed
