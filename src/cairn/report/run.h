// What the report knows of one run: its answers, scores and training curves.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/eval/scoring.h"

namespace cairn::report {

// One column of curves.csv.
struct Curve {
  std::string column;
  std::vector<std::array<double, 2>> points;  // epoch, value; rows without a number are left out
};

// A table whose column "epoch" (or else the row number) is the x of all others. Throws Error.
std::vector<Curve> read_curves(const std::filesystem::path& file);

struct RetrievedImage {
  std::string id;
  std::optional<double> score;
};

struct Run {
  std::string name;
  eval::Joined<eval::RecognitionResult> recognition;
  eval::Joined<eval::RetrievalResult> retrieval;
  double gap = 0;
  double top1 = 0;
  eval::RetrievalScores retrieval_scores;
  std::unordered_map<std::string, double> ap;  // of each scored retrieval query
  std::unordered_map<std::string, std::vector<RetrievedImage>> images;  // of each query, best first
  std::vector<Curve> curves;
};

struct Solutions {
  std::vector<dataset::RecognitionSolution> recognition;
  std::vector<dataset::RetrievalSolution> retrieval;
};

// Reads and scores a folder with recognition.csv and retrieval.csv, and where they are there
// search.csv (query,rank,id,score, for scores beside the images) and curves.csv. Throws Error.
Run load_run(const std::string& name, const std::filesystem::path& folder,
             const Solutions& solutions);

}  // namespace cairn::report
