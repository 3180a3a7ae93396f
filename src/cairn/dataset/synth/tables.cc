#include "cairn/dataset/synth/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cairn/base/files.h"
#include "cairn/base/random.h"

namespace cairn::synth {
namespace {

struct Tables {
  const WorldOptions& options;
  const WorldPlan& plan;
  const fs::path& root;

  const PlannedLandmark& landmark(const PlannedPhoto& photo) const {
    return plan.landmarks[static_cast<size_t>(photo.landmark)];
  }
  // Whether the photo shows a landmark of the tables.
  bool listed(const PlannedPhoto& photo) const {
    return photo.landmark >= 0 && photo.landmark < options.landmarks;
  }

  // The photos of a side, mixed, as their tables list them.
  std::vector<const PlannedPhoto*> mixed(Side side) const {
    std::vector<const PlannedPhoto*> photos;
    for (const PlannedPhoto& photo : plan.photos)
      if (photo.side == side) photos.push_back(&photo);
    Rng rng = Rng::for_stream(options.seed, fnv1a("order"), static_cast<uint64_t>(side));
    rng.shuffle(photos);
    return photos;
  }

  void train() const {
    std::string all = "id,url,landmark_id\n";
    std::map<int64_t, std::string> clean;
    for (const PlannedPhoto* photo : mixed(Side::kTrain)) {
      all +=
          fmt::format("{0},https://example.invalid/{0}.jpg,{1}\n", photo->id, photo->train_label);
      if (photo->train_label != landmark(*photo).id) continue;
      std::string& ids = clean[photo->train_label];
      ids += (ids.empty() ? "" : " ") + photo->id;
    }
    write_text_atomically(root / "train" / "train.csv", all);
    std::string table = "landmark_id,images\n";
    for (const auto& [id, ids] : clean) table += fmt::format("{},{}\n", id, ids);
    write_text_atomically(root / "train" / "train_clean.csv", table);
    write_text_atomically(root / "train" / "train_label_to_category.csv", categories());
  }

  std::string categories() const {
    std::string table = "landmark_id,category\n";
    for (const PlannedLandmark& l : plan.landmarks)
      if (l.id != 0)
        table += fmt::format("{},http://commons.wikimedia.org/wiki/Category:{}\n", l.id, l.name);
    return table;
  }

  void index() const {
    std::string table = "id,landmark_id\n";
    for (const PlannedPhoto* photo : mixed(Side::kIndex))
      if (listed(*photo)) table += fmt::format("{},{}\n", photo->id, landmark(*photo).id);
    write_text_atomically(root / "index" / "index_image_to_landmark.csv", table);
    write_text_atomically(root / "index" / "index_label_to_category.csv", categories());
  }

  void test() const {
    std::map<int, std::string> relevant;
    for (const PlannedPhoto& photo : plan.photos) {
      if (photo.side != Side::kIndex || !listed(photo)) continue;
      std::string& ids = relevant[photo.landmark];
      ids += (ids.empty() ? "" : " ") + photo.id;
    }
    std::string recognition = "id,landmarks,Usage\n";
    std::string retrieval = "id,images,Usage\n";
    for (const PlannedPhoto* photo : mixed(Side::kTest)) {
      const char* usage = photo->in_public ? "Public" : "Private";
      const std::string label = listed(*photo) ? fmt::format("{}", landmark(*photo).id) : "";
      recognition += fmt::format("{},{},{}\n", photo->id, label, usage);
      if (listed(*photo))
        retrieval += fmt::format("{},{},{}\n", photo->id, relevant[photo->landmark], usage);
      else
        retrieval += fmt::format("{},None,Ignored\n", photo->id);
    }
    write_text_atomically(root / "test" / "recognition_solution_v2.1.csv", recognition);
    write_text_atomically(root / "test" / "retrieval_solution_v2.1.csv", retrieval);
  }

  void countries() const {
    const std::map<std::string, std::string> continents = {
        {"AT", "Europe"}, {"BR", "South America"}, {"EG", "Africa"},        {"FR", "Europe"},
        {"IN", "Asia"},   {"JP", "Asia"},          {"MX", "North America"}, {"OTHER", "OTHER"}};
    std::map<std::string, nlohmann::ordered_json> lists;
    for (const PlannedLandmark& l : plan.landmarks)
      if (l.id != 0) lists[l.country].push_back({{"id", l.id}, {"name", l.name}});
    nlohmann::ordered_json codes;
    std::string table = "Continent_Name,Two_Letter_Country_Code\n";
    for (const auto& [country, list] : lists) {
      write_text_atomically(root / "country" / (country + ".json"), list.dump());
      codes[country] = country;
      table += fmt::format("{},{}\n", continents.at(country), country);
    }
    write_text_atomically(root / "country" / "country_codes.json", codes.dump());
    write_text_atomically(root / "country" / "continent_codes.csv", table);
  }
};

// Nine digits give every float back exactly.
std::string camera_json(const Camera& c) {
  const auto rows = [](Vec3 v) { return fmt::format("[{:.9g}, {:.9g}, {:.9g}]", v.x, v.y, v.z); };
  return fmt::format(
      R"({{"focal": {:.9g}, "centre": [{:.9g}, {:.9g}], "rotation": [{}, {}, {}], "position": {}}})",
      c.focal, c.centre_x, c.centre_y, rows(c.right), rows(c.down), rows(c.forward),
      rows(c.position));
}

void write_world_json(const WorldOptions& o, const WorldPlan& plan,
                      const std::vector<PhotoRecord>& photos,
                      const std::vector<LandmarkRecord>& landmarks, const fs::path& root) {
  std::string text = fmt::format(
      "{{\"format\": \"cairn-world 1\", \"seed\": {}, \"size\": {}, \"difficulty\": {:.9g}, "
      "\"wrong_labels\": {:.9g},\n\"landmarks\": [",
      o.seed, o.size, o.difficulty, o.wrong_labels);
  for (size_t i = 0; i < landmarks.size(); ++i) {
    const PlannedLandmark& l = plan.landmarks[i];
    text += fmt::format(
        "{}\n{{\"landmark_id\": {}, \"name\": \"{}\", \"family\": \"{}\", \"country\": \"{}\", "
        "\"height\": {:.6g}, \"radius\": {:.6g}}}",
        i == 0 ? "" : ",", l.id == 0 ? "null" : fmt::format("{}", l.id), l.name,
        landmarks[i].family, l.country, landmarks[i].height, landmarks[i].radius);
  }
  text += "\n],\n\"photos\": [";
  for (size_t i = 0; i < photos.size(); ++i) {
    const PlannedPhoto& p = plan.photos[i];
    const PhotoRecord& r = photos[i];
    text += fmt::format(
        "{}\n{{\"id\": \"{}\", \"side\": \"{}\", \"landmark\": {}, \"kind\": \"{}\", \"width\": "
        "{}, "
        "\"height\": {}, \"quality\": {}, \"daytime\": \"{}\", \"weather\": \"{}\"",
        i == 0 ? "" : ",", p.id, folder_of(p.side),
        p.landmark < 0 ? "null" : fmt::format("{}", p.landmark), r.kind, r.width, r.height,
        r.quality, r.daytime, r.weather);
    if (r.has_camera)
      text +=
          fmt::format(", \"visible\": {:.4f}, \"camera\": {}", r.visible, camera_json(r.camera));
    text += "}";
  }
  text += "\n]}\n";
  write_text_atomically(root / "world.json", text);
}

}  // namespace

void write_tables(const WorldOptions& options, const WorldPlan& plan,
                  const std::vector<PhotoRecord>& photos,
                  const std::vector<LandmarkRecord>& landmarks, const fs::path& root) {
  const Tables tables{options, plan, root};
  tables.train();
  tables.index();
  tables.test();
  tables.countries();
  write_world_json(options, plan, photos, landmarks, root);
}

}  // namespace cairn::synth
