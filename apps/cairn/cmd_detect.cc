// cairn detect: objects in photos, as a table.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/base/thread_pool.h"
#include "cairn/detect/detections_csv.h"
#include "cairn/detect/detector.h"
#include "cairn/embed/photo_list.h"
#include "commands.h"
#include "embeddings.h"
#include "interrupt.h"
#include "numbers.h"
#include "output.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Finds objects with a YOLOv5- or YOLOv8-style network and writes them as a table, one row an object:
id,width,height,class,confidence,x1,y1,x2,y2 in pixels of the photo. A photo without objects has one
row with empty fields. cairn recognize --detections drops the answers for photos that show objects.

Photos that cannot be read are reported and left out. The table appears when all photos are done.

Examples:
  cairn detect --model yolov5n.onnx --images gldv2/test --out detections.csv
  cairn recognize ... --detections detections.csv --out submission.csv)";

struct Options {
  std::string model;
  std::string images;
  std::string root;
  std::string out;
  int threads = 0;
  bool json = false;
  detect::DetectorOptions detector;
};

void detect_command(const Options& options) {
  make_room_for(options.out);
  const detect::Detector detector(engine::Model::load(options.model), options.detector);
  std::vector<dataset::Photo> photos = embed::read_photo_list(options.images, options.root);
  std::ranges::sort(photos, {}, &dataset::Photo::id);
  catch_interrupts();
  std::vector<detect::PhotoDetections> found(photos.size());
  std::vector<std::string> failures(photos.size());
  std::atomic<size_t> next = 0;
  {
    Progress progress("detecting", "photos", photos.size());
    const int threads = resolve_threads(options.threads);
    parallel_each(static_cast<size_t>(threads), threads, [&](size_t) {
      detect::Detector::Worker worker(detector);
      for (size_t i = next++; i < photos.size(); i = next++) {
        if (interrupted()) throw Error("interrupted; nothing was written");
        const auto photo = image::read_image(photos[i].path);
        if (photo)
          found[i] = {photos[i].id, photo.value().width, photo.value().height,
                      worker.detect(photo.value())};
        else
          failures[i] = photo.reason();
        progress.advance(1);
      }
    });
  }
  size_t objects = 0;
  for (size_t i = 0; i < photos.size(); ++i) {
    objects += found[i].objects.size();
    if (!failures[i].empty()) log_warning(fmt::format("skipped {}: {}", photos[i].id, failures[i]));
  }
  std::erase_if(found, [](const auto& photo) { return photo.id.empty(); });
  detect::write_detections(options.out, found);
  if (options.json) {
    const nlohmann::ordered_json result = {{"out", options.out},
                                           {"photos", found.size()},
                                           {"skipped", photos.size() - found.size()},
                                           {"objects", objects}};
    fmt::print("{}\n", result.dump(2));
  }
  log_info(fmt::format("{}: {} in {}, {} skipped", options.out, counted(objects, "object"),
                       counted(found.size(), "photo"), photos.size() - found.size()));
}

}  // namespace

void declare_detect(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--model", options->model, "ONNX detector")
      ->option_text("FILE")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--images", options->images, "folder of photos, or a table (see cairn embed)")
      ->option_text("DIR|LIST.csv")
      ->required()
      ->check(CLI::ExistingPath);
  app.add_option("--root", options->root, "folder that the table's paths or ids are below")
      ->option_text("DIR");
  add_output(app, "--out", options->out, "table to write")->required();
  app.add_option("--size", options->detector.size,
                 "side of the input; default: the model's, or 640")
      ->check(between(32, 8192));
  app.add_option("--confidence", options->detector.nms.confidence, "objects must exceed it")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--iou", options->detector.nms.iou,
                 "overlap with a surer object of the class above which one is dropped")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  add_threads(app, options->threads);
  app.add_flag("--json", options->json, "print a summary on stdout");
  app.callback([options] { detect_command(*options); });
}

}  // namespace cairn::apps
