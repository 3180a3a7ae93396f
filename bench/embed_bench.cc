// What a photo costs on its way to an embedding, step by step, on one thread.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "cairn/embed/embedder.h"
#include "cairn/engine/model.h"
#include "cairn/image/image.h"

namespace cairn {
namespace {

constexpr int kSide = 224;

// Smooth shapes with some texture, as compressible as a photo.
image::Image drawn_photo(int width, int height) {
  image::Image photo{width, height, std::vector<uint8_t>(size_t{3} * width * height)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = photo.pixels.data() + size_t{3} * (size_t(y) * width + x);
      const double texture = 20 * std::sin(x * 0.9) * std::cos(y * 1.1);
      pixel[0] = static_cast<uint8_t>(128 + 80 * std::sin(x * 0.02) + texture);
      pixel[1] = static_cast<uint8_t>(128 + 80 * std::cos(y * 0.03) + texture);
      pixel[2] = static_cast<uint8_t>(128 + 80 * std::sin((x + y) * 0.01) + texture);
    }
  }
  return photo;
}

void decode_jpeg(benchmark::State& state) {
  const int width = static_cast<int>(state.range(0));
  const std::vector<uint8_t> jpeg = image::encode_jpeg(drawn_photo(width, width * 3 / 4), 90);
  for (auto _ : state) benchmark::DoNotOptimize(image::decode(jpeg));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_jpeg)->Arg(320)->Arg(448)->Arg(800)->Arg(1600)->Unit(benchmark::kMillisecond);

void resize_to_224(benchmark::State& state) {
  const int width = static_cast<int>(state.range(0));
  const image::Image photo = drawn_photo(width, width * 3 / 4);
  for (auto _ : state) benchmark::DoNotOptimize(image::resize_bilinear(photo, kSide, kSide));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(resize_to_224)->Arg(320)->Arg(448)->Arg(800)->Arg(1600)->Unit(benchmark::kMillisecond);

void normalise_to_chw(benchmark::State& state) {
  const image::Image photo = drawn_photo(kSide, kSide);
  const image::Normalisation normalisation{{127.5f, 127.5f, 127.5f}, {127.5f, 127.5f, 127.5f}};
  std::vector<float> planes(size_t{3} * kSide * kSide);
  for (auto _ : state) {
    image::to_chw(photo, normalisation, planes.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(normalise_to_chw)->Unit(benchmark::kMillisecond);

// Null where the model is not there; then the benchmark is marked as skipped.
std::shared_ptr<const engine::Model> mobilenet(benchmark::State& state) {
  const std::filesystem::path path =
      std::filesystem::path(CAIRN_SHARED_DIR) / "models/mobilenet_v2_imagenet.onnx";
  if (std::filesystem::exists(path)) return engine::Model::load(path);
  state.SkipWithError((path.string() + " is not there").c_str());
  return nullptr;
}

// Inference alone, by photos in a batch. Batches gain next to nothing on the CPU, so that
// cairn embed runs photo by photo, which makes an embedding independent of its batch mates.
void infer_batch(benchmark::State& state) {
  const auto model = mobilenet(state);
  if (!model) return;
  engine::Executor executor(model);
  engine::Tensor input(engine::DType::kF32, {state.range(0), 3, kSide, kSide});
  std::fill_n(input.data<float>(), input.count(), 0.5f);
  for (auto _ : state) {
    benchmark::DoNotOptimize(executor.run({{"input", input}}, {"embedding"}));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(infer_batch)->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Unit(benchmark::kMillisecond);

// Resize, normalise, MobileNetV2.
void embed_photo(benchmark::State& state) {
  const auto model = mobilenet(state);
  if (!model) return;
  embed::EmbedderOptions options;
  options.mean = {127.5f};
  options.std = {127.5f};
  options.output = "embedding";
  const embed::Embedder embedder(model, options);
  embed::Embedder::Worker worker(embedder);
  const image::Image photo = drawn_photo(448, 336);
  for (auto _ : state) benchmark::DoNotOptimize(worker.embed(photo));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(embed_photo)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cairn
