#include "cairn/embed/embedder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/embed/testing/fixtures.h"

namespace cairn::embed {
namespace {

using testing::drawn_photo;
using testing::mean_colour_network;
using testing::parse;
using testing::tiny_network;
using Metadata = std::map<std::string, std::string>;

EmbedderOptions all_options() {
  EmbedderOptions options;
  options.size = 32;
  options.mean = {127.5f};
  options.std = {127.5f};
  options.output = "embedding";
  return options;
}

std::string error_of(const std::vector<uint8_t>& onnx, const EmbedderOptions& options) {
  try {
    const Embedder embedder(parse(onnx), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void expect_error(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "' lacks '" << part << "'";
}

TEST(Embedder, feeds_normalised_rgb_pixels) {
  EmbedderOptions options;
  options.size = 16;
  options.mean = {100, 110, 120};
  options.std = {50, 100, 200};
  const Embedder embedder(parse(mean_colour_network()), options);
  EXPECT_EQ(embedder.dim(), 3u);
  const image::Image one_colour{2, 1, {200, 10, 20, 200, 10, 20}};
  const std::vector<float> colour = Embedder::Worker(embedder).embed_raw(one_colour);
  EXPECT_NEAR(colour[0], 2.0f, 1e-5f);
  EXPECT_NEAR(colour[1], -1.0f, 1e-5f);
  EXPECT_NEAR(colour[2], -0.5f, 1e-5f);
}

TEST(Embedder, embeddings_have_length_one_and_the_direction_of_the_raw_ones) {
  const Embedder embedder(parse(tiny_network()), all_options());
  Embedder::Worker worker(embedder);
  const image::Image photo = drawn_photo(1, 40, 30);
  const std::vector<float> raw = worker.embed_raw(photo);
  const std::vector<float> unit = worker.embed(photo);
  double squares = 0;
  double product = 0;
  double raw_squares = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    squares += unit[i] * unit[i];
    raw_squares += raw[i] * raw[i];
    product += unit[i] * raw[i];
  }
  EXPECT_NEAR(squares, 1, 1e-6);
  EXPECT_NEAR(product / std::sqrt(raw_squares), 1, 1e-6);
}

TEST(Embedder, metadata_says_what_options_leave_open) {
  const Metadata metadata = {{"cairn.input_size", "48"},
                             {"cairn.mean", "1, 2,3.5"},
                             {"cairn.std", "60"},
                             {"cairn.output", "embedding"},
                             {"cairn.resize", "bilinear"}};
  const Embedder embedder(parse(tiny_network(-1, metadata)), {});
  EXPECT_EQ(embedder.size(), 48);
  EXPECT_EQ(embedder.normalisation().mean, (std::array<float, 3>{1, 2, 3.5f}));
  EXPECT_EQ(embedder.normalisation().std, (std::array<float, 3>{60, 60, 60}));
  EXPECT_EQ(embedder.output(), "embedding");
  EXPECT_EQ(embedder.dim(), 16u);
}

TEST(Embedder, options_win_over_metadata) {
  const Metadata metadata = {
      {"cairn.input_size", "48"}, {"cairn.mean", "1"}, {"cairn.std", "2"}, {"cairn.output", "map"}};
  const Embedder embedder(parse(tiny_network(-1, metadata)), all_options());
  EXPECT_EQ(embedder.size(), 32);
  EXPECT_EQ(embedder.normalisation().mean[0], 127.5f);
  EXPECT_EQ(embedder.output(), "embedding");
}

TEST(Embedder, the_graph_says_what_metadata_leaves_open) {
  EmbedderOptions options = all_options();
  options.size.reset();
  options.output.reset();  // two outputs, one named "embedding"
  const Embedder embedder(parse(tiny_network(64)), options);
  EXPECT_EQ(embedder.size(), 64);
  EXPECT_EQ(embedder.output(), "embedding");
}

TEST(Embedder, what_nobody_says_is_an_error_that_names_the_option) {
  EmbedderOptions options = all_options();
  options.size.reset();
  expect_error(error_of(tiny_network(), options), "--size");
  options = all_options();
  options.mean.reset();
  expect_error(error_of(tiny_network(), options), "--mean");
  options = all_options();
  options.std.reset();
  expect_error(error_of(tiny_network(), options), "--std");
}

TEST(Embedder, an_unknown_output_and_one_that_is_no_vector_are_refused) {
  EmbedderOptions options = all_options();
  options.output = "nothing";
  expect_error(error_of(tiny_network(), options), "--output can be map, embedding");
  options.output = "map";
  expect_error(error_of(tiny_network(), options), "not one float32 embedding");
}

TEST(Embedder, a_network_of_fixed_size_takes_no_other) {
  expect_error(error_of(tiny_network(64), all_options()), "only photos of 64 pixels");
  EmbedderOptions options = all_options();
  options.size = 64;
  options.scales = {1, 1.414};
  expect_error(error_of(tiny_network(64), options), "only photos of 64 pixels");
}

TEST(Embedder, malformed_metadata_is_refused) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"cairn.input_size", "big"},
                                                        {"cairn.input_size", "0"},
                                                        {"cairn.input_size", "99999"},
                                                        {"cairn.mean", "1,2"},
                                                        {"cairn.mean", ""},
                                                        {"cairn.mean", "nan"},
                                                        {"cairn.std", "1,2,x"},
                                                        {"cairn.std", "0"},
                                                        {"cairn.resize", "bicubic"},
                                                        {"cairn.output", "nothing"}}) {
    EmbedderOptions options = all_options();
    if (key == "cairn.input_size") options.size.reset();
    if (key == "cairn.mean") options.mean.reset();
    if (key == "cairn.std") options.std.reset();
    if (key == "cairn.output") options.output.reset();
    EXPECT_NE(error_of(tiny_network(-1, {{key, value}}), options), "") << key << " " << value;
  }
}

TEST(Embedder, scales_go_to_multiples_of_16_and_1_stays_as_it_is) {
  EmbedderOptions options = all_options();
  options.size = 227;
  options.scales = {0.707, 1, 1.414};
  const Embedder embedder(parse(tiny_network()), options);
  EXPECT_EQ(embedder.sides(), (std::vector<int>{160, 227, 320}));
}

TEST(Embedder, the_raw_embeddings_of_scales_are_averaged) {
  EmbedderOptions options = all_options();
  const image::Image photo = drawn_photo(2, 50, 60);
  const auto raw_at = [&](const std::vector<double>& scales) {
    options.scales = scales;
    const Embedder embedder(parse(tiny_network()), options);
    return Embedder::Worker(embedder).embed_raw(photo);
  };
  const std::vector<float> mean = raw_at({1, 2});
  const std::vector<float> a = raw_at({1});
  const std::vector<float> b = raw_at({2});
  for (size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], (a[i] + b[i]) / 2, 1e-6f);
}

TEST(Embedder, scales_go_down_to_a_multiple_of_16_as_the_reference_does) {
  EmbedderOptions options = all_options();
  options.scales = {0.707, 1, 1.414};
  options.size = 128;
  EXPECT_EQ(Embedder(parse(tiny_network()), options).sides(), (std::vector<int>{80, 128, 176}));
  options.size = 512;
  EXPECT_EQ(Embedder(parse(tiny_network()), options).sides(), (std::vector<int>{352, 512, 720}));
}

TEST(Embedder, a_file_is_prepared_as_its_photo_after_larger_smaller_and_broken_ones) {
  const Embedder embedder(parse(tiny_network()), all_options());
  Embedder::Worker files(embedder);
  Embedder::Worker photos(embedder);
  for (const auto& [width, height] : {std::pair(200, 90), {24, 60}, {300, 200}, {32, 32}}) {
    const auto file = image::encode_jpeg(drawn_photo(1, width, height), 90);
    const auto input = files.prepare(file, 100'000);
    ASSERT_TRUE(input) << input.reason();
    EXPECT_EQ(files.embed(input.value()), photos.embed(image::decode(file).value()));
    EXPECT_FALSE(files.prepare(std::span(file).first(file.size() / 2), 100'000));
    EXPECT_FALSE(files.prepare(file, 500));
  }
}

TEST(Embedder, zeros_have_no_direction) {
  EmbedderOptions options;
  options.size = 16;
  options.mean = {0};
  options.std = {1};
  const Embedder embedder(parse(mean_colour_network()), options);
  Embedder::Worker worker(embedder);
  EXPECT_THROW(worker.embed({1, 1, {0, 0, 0}}), Error);
  EXPECT_NO_THROW(worker.embed({1, 1, {0, 0, 9}}));
}

}  // namespace
}  // namespace cairn::embed
