#include "cairn/quantize/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/engine/onnx_writer.h"
#include "cairn/quantize/layers.h"
#include "cairn/quantize/rewrite.h"

namespace cairn::quantize {
namespace {

using engine::Graph;
using engine::GraphNode;
using engine::Tensor;
using engine::TensorMap;

constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();
// What one run gives out at most, so that deep networks of large photos fit into memory.
constexpr size_t kMaxRunBytes = size_t{1} << 28;

std::shared_ptr<const engine::Model> parse(const std::string& bytes, const std::string& name) {
  return engine::Model::parse({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, name);
}

// Every output as one row, which is what the Embedder takes, whatever it means.
Graph with_flat_outputs(Graph graph) {
  const std::string shape = "cairn/flat_shape";
  graph.constants[shape] = Tensor::from_i64({2}, std::vector<int64_t>{1, -1});
  for (engine::ValueInfo& output : graph.outputs) {
    const bool computed =
        std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const GraphNode& node) {
          return std::count(node.outputs.begin(), node.outputs.end(), output.name) > 0;
        });
    if (!computed) continue;
    const std::string inner = output.name + "/not_flat";
    for (GraphNode& node : graph.nodes)
      for (auto* names : {&node.inputs, &node.outputs})
        std::replace(names->begin(), names->end(), output.name, inner);
    GraphNode flatten;
    flatten.op_type = "Reshape";
    flatten.inputs = {inner, shape};
    flatten.outputs = {output.name};
    graph.nodes.push_back(flatten);
  }
  return graph;
}

Graph with_outputs(Graph graph, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (!graph.is_output(name)) graph.outputs.push_back({name, engine::DType::kF32, {}, false});
  return graph;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  if (aa == 0 && bb == 0) return 1;
  const double value = ab / std::sqrt(aa * bb);
  return std::isfinite(value) ? value : 0;
}

// What one candidate does to the outputs of the photos.
struct Check {
  double mean = 0;
  double least = 1;
};

class Quantiser {
 public:
  Quantiser(const fs::path& model, const QuantizeOptions& options)
      : options_(options),
        name_(model.string()),
        original_(read_file(model)),
        graph_(read_for_quantisation(original_, name_)) {
    embed::EmbedderOptions settings = options.embedder;
    settings.scales = {1.0};
    settings.precision = engine::Precision::kF32;
    const embed::Embedder embedder(model_of(with_flat_outputs(graph_)), settings);
    output_ = embedder.output();
    normalisation_ = embedder.normalisation();
    options_.sampling.size = embedder.size();
  }

  QuantizeReport quantise(std::vector<dataset::Photo> list, const fs::path& out) {
    choose_layers();
    const std::vector<image::Image> photos = draw_photos(std::move(list), options_.sampling);
    // One photo must do for both.
    const size_t checked = std::clamp<size_t>(photos.size() / 5, 1, 100);
    const std::span<const image::Image> check = std::span(photos).last(checked);
    const std::span<const image::Image> calibration =
        std::span(photos).first(std::max<size_t>(photos.size() - checked, 1));
    report_.calibration_photos = calibration.size();
    report_.check_photos = check.size();
    leave_out_small_maps(photos[0]);
    measure_ranges(calibration);
    measure_errors(calibration.first(std::min<size_t>(calibration.size(), kErrorPhotos)));
    const std::string bytes = take_back_layers(check);
    write_text_atomically(out, bytes);
    report_.bytes_before = original_.size();
    report_.bytes_after = bytes.size();
    return std::move(report_);
  }

 private:
  static constexpr size_t kErrorPhotos = 64;

  std::shared_ptr<const engine::Model> model_of(const Graph& graph) const {
    return parse(engine::write_onnx(graph, original_), name_);
  }
  PhotoRunner runner(const Graph& graph) const {
    return {model_of(graph), normalisation_, options_.sampling};
  }

  LayerReport& report_of(const std::string& output) { return report_.layers[rows_.at(output)]; }

  void choose_layers() {
    layers_ = find_layers(graph_);
    for (const Layer& layer : layers_) {
      rows_[layer.output] = report_.layers.size();
      report_.layers.push_back({layer.label, false, kNotMeasured, ""});
      if (layer.depthwise && !options_.depthwise)
        report_.layers.back().reason = "depthwise";
      else
        choice_.layers.insert(layer.output);
    }
    if (choice_.layers.empty())
      throw Error(name_ + ": there is no convolution to quantise" +
                  (layers_.empty() ? "" : " but depthwise ones; see --depthwise"));
    choice_.weight_scales = options_.weight_scales;
  }

  // What global pooling made is precious, and costs nothing.
  void leave_out_small_maps(const image::Image& photo) {
    std::vector<std::string> wanted;
    for (const Layer& layer : layers_) wanted.push_back(layer.input);
    for (const auto& [value, owner] : values_on_grids(graph_, choice_.layers))
      wanted.push_back(owner);
    std::map<std::string, size_t> sizes;
    runner(with_outputs(graph_, wanted))
        .run({&photo, 1}, wanted, [&](int, size_t, const TensorMap& values) {
          for (const auto& [value, tensor] : values) {
            if (tensor.dtype() != engine::DType::kF32 || tensor.shape().size() != 4) continue;
            bytes_[value] = tensor.bytes();
            if (tensor.dim(2) * tensor.dim(3) > 1) sizes[value] = tensor.bytes();
          }
        });
    for (const Layer& layer : layers_) {
      if (!choice_.layers.contains(layer.output) || sizes.contains(layer.input)) continue;
      choice_.layers.erase(layer.output);
      report_of(layer.output).reason = "a map of one position";
    }
    if (choice_.layers.empty())
      throw Error(name_ + ": no convolution reads a map of more than one position");
  }

  void measure_ranges(std::span<const image::Image> photos) {
    std::set<std::string> owners;
    for (const auto& [value, owner] : values_on_grids(graph_, choice_.layers)) owners.insert(owner);
    std::vector<std::vector<std::string>> groups(1);
    size_t bytes = 0;
    for (const std::string& value : owners) {
      bytes += bytes_.at(value);
      if (bytes > kMaxRunBytes && !groups.back().empty()) {
        groups.emplace_back();
        bytes = bytes_.at(value);
      }
      groups.back().push_back(value);
    }
    Progress progress("measuring ranges", "photos", photos.size() * groups.size());
    for (const std::vector<std::string>& group : groups) {
      const PhotoRunner run = runner(with_outputs(graph_, group));
      std::vector<std::map<std::string, Histogram>> counted(static_cast<size_t>(run.threads()));
      run.run(photos, group, [&](int thread, size_t, const TensorMap& values) {
        for (const auto& [value, tensor] : values) {
          try {
            counted[static_cast<size_t>(thread)][value].add(tensor.values<float>());
          } catch (const Error& error) {
            throw Error(fmt::format("{}: value \"{}\" is {}", name_, value, error.what()));
          }
        }
        progress.advance();
      });
      for (const std::string& value : group) {
        Histogram all;
        for (auto& of_thread : counted) all.merge(of_thread[value]);
        choice_.grids[value] =
            grid_of_range(choose_range(all, options_.calibration, options_.percentile));
      }
    }
  }

  void measure_errors(std::span<const image::Image> photos) {
    const ErrorGraph errors = error_graph(graph_, choice_);
    std::vector<std::string> wanted;
    for (const engine::ValueInfo& output : errors.graph.outputs) wanted.push_back(output.name);
    std::vector<TensorMap> measured(photos.size());
    Progress progress("measuring layers", "photos", photos.size());
    runner(errors.graph).run(photos, wanted, [&](int, size_t photo, const TensorMap& values) {
      measured[photo] = values;
      progress.advance();
    });
    const auto mean_of = [&](const std::string& value) {
      std::vector<double> mean(measured[0].at(value).count(), 0);
      for (const TensorMap& values : measured)
        for (size_t c = 0; c < mean.size(); ++c)
          mean[c] += static_cast<double>(values.at(value).data<float>()[c]) /
                     static_cast<double>(measured.size());
      return mean;
    };
    for (const auto& [output, names] : errors.outputs) {
      const std::vector<double> error = mean_of(names.error);
      const std::vector<double> squared_error = mean_of(names.squared_error);
      const std::vector<double> squared_value = mean_of(names.squared_value);
      double noise = 0;
      double signal = 0;
      for (size_t c = 0; c < error.size(); ++c) {
        noise += squared_error[c] - (options_.correct_bias ? error[c] * error[c] : 0);
        signal += squared_value[c];
      }
      report_of(output).sqnr = 10 * std::log10(signal / std::max(noise, signal * 1e-12 + 1e-30));
      if (!options_.correct_bias) continue;
      for (const double shift : error)
        choice_.bias_shifts[output].push_back(static_cast<float>(-shift));
    }
  }

  std::vector<std::vector<float>> outputs_of(const Graph& graph,
                                             std::span<const image::Image> photos) const {
    std::vector<std::vector<float>> outputs(photos.size());
    runner(graph).run(photos, {output_}, [&](int, size_t photo, const TensorMap& values) {
      const auto numbers = values.at(output_).values<float>();
      outputs[photo].assign(numbers.begin(), numbers.end());
    });
    return outputs;
  }

  Check check(const std::vector<std::vector<float>>& expected,
              std::span<const image::Image> photos) const {
    const auto got = outputs_of(quantise_graph(graph_, choice_), photos);
    Check check;
    for (size_t i = 0; i < got.size(); ++i) {
      const double here = cosine(got[i], expected[i]);
      check.mean += here / static_cast<double>(got.size());
      check.least = std::min(check.least, here);
    }
    return check;
  }

  // The bytes of a model that is near enough to the float32 one.
  std::string take_back_layers(std::span<const image::Image> photos) {
    const auto expected = outputs_of(graph_, photos);
    std::vector<std::string> order(choice_.layers.begin(), choice_.layers.end());
    std::sort(order.begin(), order.end(), [&](const std::string& a, const std::string& b) {
      return report_of(a).sqnr < report_of(b).sqnr;
    });
    const size_t step = (order.size() + 19) / 20;
    Check now = check(expected, photos);
    report_.cosine_of_all_int8 = now.mean;
    size_t taken = 0;
    while (now.mean < options_.min_cosine && taken < order.size()) {
      for (size_t k = 0; k < step && taken < order.size(); ++k, ++taken) {
        choice_.layers.erase(order[taken]);
        report_of(order[taken]).reason = "loses too much";
      }
      now = check(expected, photos);
      log_info(fmt::format("{} back in float32: mean cosine {}", counted(taken, "convolution"),
                           cosine_text(now.mean)));
    }
    if (choice_.layers.empty())
      throw Error(
          fmt::format("{}: no convolution can be quantised with a mean cosine of {}; lower "
                      "--min-cosine, or see whether --size, --mean and --std are right",
                      name_, options_.min_cosine));
    for (const std::string& output : choice_.layers) report_of(output).int8 = true;
    report_.cosine = now.mean;
    report_.least_cosine = now.least;
    return engine::write_onnx(quantise_graph(graph_, choice_), original_);
  }

  QuantizeOptions options_;
  const std::string name_;
  const std::vector<uint8_t> original_;
  const Graph graph_;  // float32
  std::string output_;
  image::Normalisation normalisation_;
  std::vector<Layer> layers_;
  std::map<std::string, size_t> rows_;   // of the report, by output
  std::map<std::string, size_t> bytes_;  // of a value, for one photo
  Choice choice_;
  QuantizeReport report_;
};

}  // namespace

size_t QuantizeReport::count_int8() const {
  return static_cast<size_t>(
      std::count_if(layers.begin(), layers.end(), [](const LayerReport& l) { return l.int8; }));
}

std::string cosine_text(double cosine) {
  const double distance = 1 - cosine;
  const int digits = distance > 0 ? static_cast<int>(1 - std::floor(std::log10(distance))) : 0;
  return fmt::format("{:.{}f}", cosine, std::clamp(digits, 5, 17));
}

QuantizeReport quantize_model(const fs::path& model, std::vector<dataset::Photo> photos,
                              const fs::path& out, const QuantizeOptions& options) {
  make_room_for(out);
  return Quantiser(model, options).quantise(std::move(photos), out);
}

}  // namespace cairn::quantize
