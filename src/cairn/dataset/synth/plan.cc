// Plans a world: which photos there are, on which side, with which labels.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/dataset/synth/landmark.h"
#include "cairn/dataset/synth/world.h"

namespace cairn::synth {
namespace {

// Directions are cut into this many sectors; every fourth is kept for the test photos.
constexpr int kSectors = 16;
constexpr int kTestEvery = 4;

void check(const WorldOptions& o) {
  const auto in_range = [](const char* option, double value, double low, double high) {
    if (value < low || value > high || std::isnan(value))
      throw Error(fmt::format("{} {}: must be from {} to {}", option, value, low, high));
  };
  in_range("--landmarks", o.landmarks, 1, 100000);
  in_range("--photos", o.photos, 4, 100000);
  in_range("--size", o.size, 32, 4096);
  in_range("--wrong-labels", o.wrong_labels, 0, 0.5);
  in_range("--difficulty", o.difficulty, 0, 1);
  in_range("--nonlandmarks", o.nonlandmarks, -1, 10000000);
  in_range("--test-nonlandmarks", o.test_nonlandmarks, -1, 10000000);
  in_range("--distractors", o.distractors, -1, 10000000);
}

std::string made_up_name(Rng& rng) {
  constexpr std::array<const char*, 16> kStarts = {"Vel", "Kar", "Mon", "San", "Bra", "Ori",
                                                   "Tal", "Lun", "Her", "Cas", "Nor", "Zem",
                                                   "Ash", "Pel", "Dor", "Il"};
  constexpr std::array<const char*, 12> kMiddles = {"mo", "ra", "ti",  "lo", "ve", "na",
                                                    "di", "gu", "sse", "ba", "co", "me"};
  constexpr std::array<const char*, 12> kEnds = {"ra", "nia",  "burg", "to",   "ville", "dor",
                                                 "na", "grad", "mira", "stad", "polis", "shi"};
  std::string name = kStarts[rng.below(kStarts.size())];
  if (rng.chance(0.6)) name += kMiddles[rng.below(kMiddles.size())];
  return name + kEnds[rng.below(kEnds.size())];
}

std::vector<PlannedLandmark> plan_landmarks(const WorldOptions& options, int unlisted) {
  Rng rng = Rng::for_stream(options.seed, fnv1a("landmarks"));
  constexpr std::array<const char*, 8> kCountries = {"AT", "BR", "EG", "FR",
                                                     "IN", "JP", "MX", "OTHER"};
  // A small world uses about half as many families as landmarks, so that each has rivals.
  std::vector<size_t> order;
  for (size_t i = 0; i < families().size(); ++i) order.push_back(i);
  rng.shuffle(order);
  const size_t used = std::min(order.size(), static_cast<size_t>(options.landmarks * 0.6) + 1);
  std::vector<PlannedLandmark> out;
  std::set<int64_t> ids;
  std::set<std::string> names;
  for (int i = 0; i < options.landmarks + unlisted; ++i) {
    PlannedLandmark landmark;
    landmark.family = order[static_cast<size_t>(i) % used];
    if (i < options.landmarks) {
      const auto most = static_cast<uint64_t>(std::max(203093, options.landmarks * 4));
      do landmark.id = static_cast<int64_t>(1 + rng.below(most));
      while (!ids.insert(landmark.id).second);
    }
    std::string kind = families()[landmark.family].name;
    kind[0] = static_cast<char>(kind[0] - 'a' + 'A');
    landmark.name = kind + "_of_" + made_up_name(rng);
    for (int n = 2; !names.insert(landmark.name).second; ++n)
      landmark.name = fmt::format("{}_of_{}_{}", kind, made_up_name(rng), n);
    landmark.country = kCountries[rng.below(kCountries.size())];
    out.push_back(landmark);
  }
  return out;
}

// A direction in [-1, 1) of the landmark's arc, from the sectors of the test side or from the rest.
float draw_direction(bool test, int offset, Rng& rng) {
  int sector = 0;
  do sector = static_cast<int>(rng.below(kSectors));
  while (((sector + offset) % kTestEvery == 0) != test);
  // Sectors keep a gap to each other, so that no two sides share a direction.
  const double at = (sector + rng.uniform(0.05, 0.95)) / kSectors;
  return static_cast<float>(2 * at - 1);
}

}  // namespace

const char* folder_of(Side side) {
  constexpr std::array<const char*, 4> kFolders = {"train", "index", "test", "nonlandmark"};
  return kFolders[static_cast<size_t>(side)];
}

WorldPlan plan_world(const WorldOptions& options) {
  check(options);
  WorldPlan plan;
  Rng rng = Rng::for_stream(options.seed, fnv1a("photos"));
  const int test = std::max(1, static_cast<int>(std::lround(options.photos * 0.15)));
  const int index = std::max(1, static_cast<int>(std::lround(options.photos * 0.25)));
  const int distractors =
      options.distractors < 0 ? options.landmarks * index / 2 : options.distractors;
  const int unlisted = distractors == 0 ? 0 : std::max(1, options.landmarks / 4);
  plan.landmarks = plan_landmarks(options, unlisted);

  std::set<std::string> ids;
  const auto add = [&](Side side, int landmark, float azimuth) -> PlannedPhoto& {
    PlannedPhoto photo;
    do photo.id = fmt::format("{:016x}", rng.next());
    while (!ids.insert(photo.id).second);
    photo.side = side;
    photo.landmark = landmark;
    photo.azimuth = azimuth;
    photo.in_public = rng.chance(0.35);
    plan.photos.push_back(photo);
    return plan.photos.back();
  };
  for (int i = 0; i < options.landmarks; ++i) {
    const int offset = static_cast<int>(rng.below(kTestEvery));
    for (int k = 0; k < options.photos; ++k) {
      const Side side = k < test ? Side::kTest : (k < test + index ? Side::kIndex : Side::kTrain);
      PlannedPhoto& photo = add(side, i, draw_direction(side == Side::kTest, offset, rng));
      photo.train_label = plan.landmarks[static_cast<size_t>(i)].id;
      if (side == Side::kTrain && options.landmarks > 1 && rng.chance(options.wrong_labels)) {
        const auto other =
            static_cast<int>(rng.below(static_cast<uint64_t>(options.landmarks - 1)));
        photo.train_label = plan.landmarks[static_cast<size_t>(other >= i ? other + 1 : other)].id;
      }
    }
  }
  for (int k = 0; k < distractors; ++k) {
    // Half show landmarks that are in no table.
    if (k % 2 == 0)
      add(Side::kIndex, options.landmarks + (k / 2) % unlisted,
          static_cast<float>(rng.uniform(-1, 1)));
    else
      add(Side::kIndex, -1, 0);
  }
  const int test_other =
      options.test_nonlandmarks < 0 ? options.landmarks * test : options.test_nonlandmarks;
  for (int k = 0; k < test_other; ++k) add(Side::kTest, -1, 0);
  const int known =
      options.nonlandmarks < 0 ? options.landmarks * options.photos / 4 : options.nonlandmarks;
  for (int k = 0; k < known; ++k) add(Side::kNonlandmark, -1, 0);
  return plan;
}

}  // namespace cairn::synth
