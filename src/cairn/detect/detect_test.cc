#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/detect/detections_csv.h"
#include "cairn/detect/detector.h"
#include "cairn/detect/letterbox.h"
#include "cairn/detect/nms.h"

namespace cairn::detect {
namespace {

using cairn::testing::golden_case;
using cairn::testing::shared_dir;
using cairn::testing::TempDir;

TEST(DetectGolden, yolo_letterbox) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto table = golden_case("yolo/nms").spec["letterbox"];
  const auto column = [&](const nlohmann::json& row, const std::string& name) {
    const auto& names = table["columns"];
    for (size_t i = 0; i < names.size(); ++i)
      if (names[i].get<std::string>().starts_with(name)) return row[i];
    throw Error("no column " + name);
  };
  for (const auto& row : table["rows"]) {
    const Letterbox box =
        letterbox(column(row, "h"), column(row, "w"), column(row, "size"), column(row, "auto"));
    EXPECT_EQ((std::vector<int>{box.height, box.width}),
              column(row, "output").get<std::vector<int>>())
        << row;
    EXPECT_NEAR(box.ratio, column(row, "ratio")[0].get<double>(), 1e-12) << row;
  }
}

TEST(DetectGolden, yolo_nms) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("yolo/nms");
  const auto prediction = golden.f32("prediction.npy");
  const auto columns = static_cast<size_t>(prediction.shape[2]);
  const size_t photo_size = static_cast<size_t>(prediction.shape[1]) * columns;
  for (const auto& [name, run] : golden.spec["runs"].items()) {
    const auto& arguments = run["arguments"];
    NmsOptions options;
    options.confidence = arguments["conf_thres"];
    options.iou = arguments["iou_thres"];
    options.agnostic = arguments.value("agnostic", false);
    options.multi_label = arguments.value("multi_label", false);
    options.most = arguments.value("max_det", 300);
    options.classes = arguments.value("classes", std::vector<int>());
    for (size_t i = 0; i < 3; ++i) {
      const auto found = suppress(std::span(prediction.values).subspan(i * photo_size, photo_size),
                                  columns, options);
      ASSERT_EQ(found.size(), run["counts"][i].get<size_t>()) << name << i;
      if (found.empty()) continue;
      const auto rows = golden.f32(name + "_image" + std::to_string(i) + ".npy").values;
      for (size_t k = 0; k < found.size(); ++k) {
        const float* row = &rows[k * 6];
        EXPECT_NEAR(found[k].x1, row[0], 1e-3) << name << i << " " << k;
        EXPECT_NEAR(found[k].y1, row[1], 1e-3);
        EXPECT_NEAR(found[k].x2, row[2], 1e-3);
        EXPECT_NEAR(found[k].y2, row[3], 1e-3);
        EXPECT_NEAR(found[k].confidence, row[4], 1e-6);
        EXPECT_EQ(found[k].class_id, static_cast<int>(row[5]));
      }
    }
  }
}

double iou(const Detection& a, const nlohmann::json& b) {
  const double width = std::min<double>(a.x2, b[2]) - std::max<double>(a.x1, b[0]);
  const double height = std::min<double>(a.y2, b[3]) - std::max<double>(a.y1, b[1]);
  const double both = std::max(0.0, width) * std::max(0.0, height);
  const double other =
      (b[2].get<double>() - b[0].get<double>()) * (b[3].get<double>() - b[1].get<double>());
  return both / (static_cast<double>(a.x2 - a.x1) * (a.y2 - a.y1) + other - both);
}

TEST(DetectReal, yolov5n_finds_the_expected_objects) {
  CAIRN_REQUIRE_SHARED("models/yolov5n.onnx");
  CAIRN_REQUIRE_SHARED("data/landmarks");
  const Detector detector(engine::Model::load(shared_dir() / "models/yolov5n.onnx"), {});
  Detector::Worker worker(detector);
  std::map<std::string, std::filesystem::path> photos;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(shared_dir() / "data/landmarks/test"))
    photos[file.path().stem().string()] = file.path();
  int compared = 0;
  for (const auto& file : std::filesystem::directory_iterator(shared_dir() / "models/expected")) {
    const std::string name = file.path().filename().string();
    if (!name.ends_with(".detections.json")) continue;
    const auto expected = nlohmann::json::parse(read_text(file.path()))["detections"];
    const auto photo = image::read_image(photos.at(name.substr(0, name.find('.'))));
    ASSERT_TRUE(photo);
    const std::vector<Detection> found = worker.detect(photo.value());
    ASSERT_EQ(found.size(), expected.size()) << name;
    for (const auto& one : expected) {
      const bool matched = std::ranges::any_of(found, [&](const Detection& own) {
        return own.class_id == one["class_id"].get<int>() && iou(own, one["xyxy"]) >= 0.95 &&
               std::abs(own.confidence - one["conf"].get<double>()) <= 0.02;
      });
      EXPECT_TRUE(matched) << name << " " << one;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 3);
}

TEST(Detections, read_back_as_they_were_written_and_bad_rows_are_named) {
  const TempDir folder;
  const auto file = folder / "d.csv";
  write_detections(file, {{"a", 40, 30, {{1, 2, 3.5F, 4, 0.75F, 7}, {0, 0, 1, 1, 0.5F, 2}}},
                          {"b,c", 20, 10, {}}});
  const auto photos = read_detections(file);
  ASSERT_EQ(photos.size(), 2U);
  EXPECT_EQ(photos[0].objects.size(), 2U);
  EXPECT_EQ(photos[0].objects[0].x2, 3.5F);
  EXPECT_EQ(photos[0].objects[1].class_id, 2);
  EXPECT_EQ(photos[1].id, "b,c");
  EXPECT_TRUE(photos[1].objects.empty());
  const std::string header = "id,width,height,class,confidence,x1,y1,x2,y2\n";
  for (const char* row : {"a,x,1,,,,,,", "a,0,1,,,,,,", "a,9,9,1,nan,0,0,1,1", "a,9,9,1,0.5,0,0,1,",
                          "a,9,9,,,,,,\na,8,9,,,,,,"}) {
    write_text_atomically(file, header + row + "\n");
    EXPECT_THROW(read_detections(file), Error) << row;
  }
}

TEST(Letterbox, of_a_wide_photo_is_grey_above_and_below) {
  const image::Image photo{64, 32, std::vector<uint8_t>(64 * 32 * 3, 255)};
  const Letterbox box = letterbox(32, 64, 64, false);
  EXPECT_EQ(box.top, 16);
  std::vector<float> input(3 * 64 * 64);
  letterbox_input(photo, box, input.data());
  EXPECT_FLOAT_EQ(input[0], 114.0F / 255);
  EXPECT_FLOAT_EQ(input[16 * 64], 1);
  EXPECT_FLOAT_EQ(input[48 * 64], 114.0F / 255);
}

}  // namespace
}  // namespace cairn::detect
