#include "cairn/quantize/quantize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/embed/photo_list.h"
#include "cairn/embed/testing/fixtures.h"
#include "cairn/engine/testing/small_graphs.h"

namespace cairn::quantize {
namespace {

using engine::testing::add_conv;
using engine::testing::OnnxBuilder;
using testing::TempDir;

// Two residual blocks, a depthwise convolution and a gate, to an embedding.
OnnxBuilder network(int64_t channels = 16) {
  OnnxBuilder builder(13);
  builder.input("photo", {-1, 3, -1, -1}).output("embedding");
  add_conv(builder, "photo", "c1", 3, channels);
  builder.node("Relu", {"c1"}, {"r1"});
  add_conv(builder, "r1", "c2", channels, channels);
  builder.node("Sigmoid", {"c2"}, {"s2"});
  builder.node("Mul", {"c2", "s2"}, {"silu"});
  builder.weights("dw", {channels, 1, 3, 3});
  builder.node("Conv", {"silu", "dw"}, {"depth"})
      .ints("pads", {1, 1, 1, 1})
      .number("group", channels);
  add_conv(builder, "depth", "c3", channels, channels);
  builder.node("Add", {"c3", "r1"}, {"sum"});
  builder.node("GlobalAveragePool", {"sum"}, {"mean"});
  builder.weights("g", {channels, channels, 1, 1});
  builder.node("Conv", {"mean", "g"}, {"gate"});
  builder.node("Mul", {"sum", "gate"}, {"gated"});
  add_conv(builder, "gated", "c4", channels, 32);
  builder.node("GlobalAveragePool", {"c4"}, {"pooled"});
  builder.node("Flatten", {"pooled"}, {"embedding"});
  return builder;
}

struct Files {
  TempDir folder;
  fs::path model = folder / "model.onnx";
  fs::path out = folder / "out.onnx";
  std::vector<dataset::Photo> photos;

  explicit Files(const OnnxBuilder& builder = network(), size_t count = 12) {
    write_file_atomically(model, builder.bytes());
    fs::create_directory(folder / "photos");
    embed::testing::write_photos(folder / "photos", count);
    photos = embed::read_photo_list(folder / "photos", "");
  }
};

QuantizeOptions options() {
  QuantizeOptions options;
  options.embedder.size = 32;
  options.embedder.mean = {127.5F};
  options.embedder.std = {64};
  return options;
}

std::string error_of(const Files& files, const QuantizeOptions& options) {
  try {
    quantize_model(files.model, files.photos, files.out, options);
  } catch (const Error& error) {
    EXPECT_FALSE(fs::exists(files.out));
    return error.what();
  }
  return "no error";
}

TEST(quantize, embeds_nearly_as_the_float32_model_without_further_options) {
  Files files;
  engine::Model::load(files.model);
  const QuantizeReport report = quantize_model(files.model, files.photos, files.out, options());
  ASSERT_EQ(report.layers.size(), 6U);
  EXPECT_EQ(report.count_int8(), 4U);
  EXPECT_EQ(report.layers[2].reason, "depthwise");
  EXPECT_EQ(report.layers[4].reason, "a map of one position");
  EXPECT_TRUE(std::isnan(report.layers[4].sqnr));
  EXPECT_GT(report.layers[0].sqnr, 30);
  EXPECT_GE(report.cosine, 0.999);
  EXPECT_GE(report.cosine, report.least_cosine);
  EXPECT_EQ(report.calibration_photos, 10U);
  EXPECT_EQ(report.check_photos, 2U);
  EXPECT_LT(report.bytes_after, report.bytes_before);
  const embed::Embedder before(engine::Model::load(files.model), options().embedder);
  const embed::Embedder after(engine::Model::load(files.out), options().embedder);
  const image::Image photo = embed::testing::drawn_photo(99, 50, 40);
  const std::vector<float> a = embed::Embedder::Worker(before).embed(photo);
  const std::vector<float> b = embed::Embedder::Worker(after).embed(photo);
  double cosine = 0;
  for (size_t i = 0; i < a.size(); ++i) cosine += static_cast<double>(a[i]) * b[i];
  EXPECT_GT(cosine, 0.999);
  EXPECT_LT(cosine, 1 - 1e-9);
}

TEST(quantize, metadata_and_names_stay) {
  Files files;
  OnnxBuilder builder = network();
  std::vector<uint8_t> bytes = builder.bytes();
  // metadata_props { key: "cairn.mean" value: "127.5" } and so on, as protobuf.
  for (const auto& [key, value] : {std::pair<std::string, std::string>{"cairn.input_size", "32"},
                                   {"cairn.mean", "127.5"},
                                   {"cairn.std", "64"},
                                   {"mine", "kept"}}) {
    std::string entry = "\x0a" + std::string(1, static_cast<char>(key.size())) + key + "\x12" +
                        std::string(1, static_cast<char>(value.size())) + value;
    entry = "\x72" + std::string(1, static_cast<char>(entry.size())) + entry;
    bytes.insert(bytes.end(), entry.begin(), entry.end());
  }
  write_file_atomically(files.model, bytes);
  QuantizeOptions no_options;
  quantize_model(files.model, files.photos, files.out, no_options);
  const auto before = engine::Model::load(files.model);
  const auto after = engine::Model::load(files.out);
  EXPECT_EQ(after->metadata(), before->metadata());
  EXPECT_EQ(after->metadata().at("mine"), "kept");
  EXPECT_EQ(after->inputs()[0].name, "photo");
  EXPECT_EQ(after->inputs()[0].shape, before->inputs()[0].shape);
  EXPECT_EQ(after->outputs()[0].name, "embedding");
  EXPECT_EQ(embed::Embedder(after, {}).size(), 32);
}

TEST(quantize, gives_the_same_bytes_on_any_number_of_threads_and_others_for_another_seed) {
  Files files;
  std::vector<std::vector<uint8_t>> made;
  for (const auto& [threads, seed] : {std::pair{1, 1}, std::pair{3, 1}, std::pair{2, 2}}) {
    QuantizeOptions chosen = options();
    chosen.sampling.threads = threads;
    chosen.sampling.seed = static_cast<uint64_t>(seed);
    quantize_model(files.model, files.photos, files.out, chosen);
    made.push_back(read_file(files.out));
  }
  EXPECT_EQ(made[0], made[1]);
  EXPECT_NE(made[0], made[2]);
}

TEST(quantize, depthwise_convolutions_are_a_choice) {
  Files files;
  QuantizeOptions chosen = options();
  chosen.depthwise = true;
  EXPECT_EQ(quantize_model(files.model, files.photos, files.out, chosen).count_int8(), 5U);
}

TEST(quantize, takes_back_layers_until_the_outputs_are_near_enough) {
  Files files;
  QuantizeOptions chosen = options();
  const QuantizeReport all = quantize_model(files.model, files.photos, files.out, chosen);
  chosen.min_cosine = all.cosine + (1 - all.cosine) * 0.3;
  const QuantizeReport some = quantize_model(files.model, files.photos, files.out, chosen);
  EXPECT_LT(some.count_int8(), all.count_int8());
  EXPECT_GT(some.count_int8(), 0U);
  EXPECT_GE(some.cosine, chosen.min_cosine);
  EXPECT_EQ(some.cosine_of_all_int8, all.cosine);
  double least = 1000;
  for (const LayerReport& layer : some.layers)
    if (!std::isnan(layer.sqnr)) least = std::min(least, layer.sqnr);
  for (const LayerReport& layer : some.layers)
    EXPECT_TRUE(layer.sqnr != least || layer.reason == "loses too much");
  fs::remove(files.out);
  chosen.min_cosine = 1;
  EXPECT_NE(error_of(files, chosen).find("lower --min-cosine"), std::string::npos);
}

TEST(quantize, one_photo_is_enough_and_unreadable_ones_are_passed_over) {
  Files files(network(), 3);
  write_text_atomically(files.folder / "photos/broken.jpg", "no photo");
  files.photos = embed::read_photo_list(files.folder / "photos", "");
  ASSERT_EQ(files.photos.size(), 4U);
  QuantizeReport report = quantize_model(files.model, files.photos, files.out, options());
  EXPECT_EQ(report.calibration_photos + report.check_photos, 3U);
  QuantizeOptions one = options();
  one.sampling.photos = 1;
  report = quantize_model(files.model, files.photos, files.out, one);
  EXPECT_EQ(report.calibration_photos, 1U);
  EXPECT_EQ(report.check_photos, 1U);
  fs::remove(files.out);
  files.photos = {{"broken", (files.folder / "photos/broken.jpg").string()},
                  {"missing", (files.folder / "photos/missing.jpg").string()}};
  EXPECT_NE(error_of(files, options()).find("none of 2 photos can be read"), std::string::npos);
}

TEST(quantize, models_that_cannot_be_quantised_are_refused_with_the_reason) {
  OnnxBuilder none(13);
  none.input("photo", {-1, 3, -1, -1}).output("y");
  none.node("GlobalAveragePool", {"photo"}, {"p"});
  none.node("Flatten", {"p"}, {"y"});
  EXPECT_NE(error_of(Files(none), options()).find("no convolution"), std::string::npos);

  OnnxBuilder depthwise(13);
  depthwise.input("photo", {-1, 3, -1, -1}).output("y");
  depthwise.weights("w", {3, 1, 3, 3});
  depthwise.node("Conv", {"photo", "w"}, {"c"}).number("group", 3);
  depthwise.node("GlobalAveragePool", {"c"}, {"p"});
  depthwise.node("Flatten", {"p"}, {"y"});
  EXPECT_NE(error_of(Files(depthwise), options()).find("--depthwise"), std::string::npos);

  OnnxBuilder on_means(13);
  on_means.input("photo", {-1, 3, -1, -1}).output("y");
  on_means.node("GlobalAveragePool", {"photo"}, {"p"});
  on_means.weights("w", {8, 3, 1, 1});
  on_means.node("Conv", {"p", "w"}, {"c"});
  on_means.node("Flatten", {"c"}, {"y"});
  EXPECT_NE(error_of(Files(on_means), options()).find("one position"), std::string::npos);

  Files quantised;
  quantize_model(quantised.model, quantised.photos, quantised.out, options());
  quantised.model = quantised.folder / "again.onnx";
  fs::rename(quantised.out, quantised.model);
  EXPECT_NE(error_of(quantised, options()).find("quantised already"), std::string::npos);

  Files garbage;
  write_text_atomically(garbage.model, "no model");
  EXPECT_NE(error_of(garbage, options()).find("not an ONNX file"), std::string::npos);
}

TEST(quantize, a_network_that_makes_no_numbers_is_named_with_the_value) {
  OnnxBuilder builder(13);
  builder.input("photo", {-1, 3, -1, -1}).output("y");
  builder.weights("w", {8, 3, 1, 1}).weights("v", {8, 8, 1, 1});
  builder.node("Conv", {"photo", "w"}, {"c"});
  builder.node("Log", {"c"}, {"log"});
  builder.node("Conv", {"log", "v"}, {"d"});
  builder.node("GlobalAveragePool", {"d"}, {"p"});
  builder.node("Flatten", {"p"}, {"y"});
  const std::string message = error_of(Files(builder), options());
  EXPECT_NE(message.find("\"log\" is NaN or infinity"), std::string::npos) << message;
}

TEST(quantize, a_cosine_below_1_is_not_written_as_1) {
  EXPECT_EQ(cosine_text(1), "1.00000");
  EXPECT_EQ(cosine_text(0.98765432), "0.98765");
  EXPECT_EQ(cosine_text(0.9999996), "0.99999960");
  EXPECT_EQ(cosine_text(0.99999949), "0.99999949");
  EXPECT_EQ(cosine_text(-0.5), "-0.50000");
}

TEST(quantize, a_stopped_run_writes_nothing) {
  Files files;
  QuantizeOptions stopped = options();
  stopped.sampling.stop = [] { return true; };
  EXPECT_NE(error_of(files, stopped).find("stopped"), std::string::npos);
  files.out = "/proc/cannot/be/written.onnx";
  EXPECT_THROW(quantize_model(files.model, files.photos, files.out, options()), Error);
}

}  // namespace
}  // namespace cairn::quantize
