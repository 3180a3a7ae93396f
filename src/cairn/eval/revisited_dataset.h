// The ground truth of Revisited Oxford and Paris as JSON: the content of gnd_roxford5k.pkl and
// gnd_rparis6k.pkl, key by key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cairn/eval/revisited.h"

namespace cairn::eval {

struct RevisitedDataset {
  std::vector<std::string> images;    // imlist: the database; a position is a row
  std::vector<std::string> queries;   // qimlist
  std::vector<RevisitedTruth> truth;  // gnd: of each query

  // The row of each photo. Photos outside the database, such as distractors, are negatives: they
  // get rows past its end, each its own.
  std::vector<int64_t> rows_of(std::span<const std::string> ids) const;
};

// {"imlist": [ids], "qimlist": [ids], "gnd": [{"easy": [rows], "hard": [rows], "junk": [rows]},
// …]}; rows count from 0, other keys are ignored. Throws Error where a key is missing, an id is
// there twice, or a row is not in the database or in two of the sets.
RevisitedDataset read_revisited_dataset(const std::filesystem::path& file);

}  // namespace cairn::eval
