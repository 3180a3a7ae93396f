// The loss of the classification head: margins, photos to refuse, mixed photos, class weights, and
// a teacher's answers.
#pragma once

#include <memory>
#include <vector>

#include "cairn_train/run/heads.h"
#include "cairn_train/run/knowledge.h"
#include "cairn_train/run/objective.h"

namespace cairn::run {

class Classification final : public Objective {
 public:
  Classification(const Recipe& recipe, const data::TrainingSet& set);

  torch::Tensor loss(const torch::Tensor& embeddings, const Shown& shown) override;
  void imprint(const torch::Tensor& class_means) override;
  void carry(const std::filesystem::path& weights, const std::vector<int64_t>& landmarks) override;
  std::shared_ptr<torch::nn::Module> module() override { return head_; }

 private:
  // Rows of the batch with what they should be, and how much each counts.
  struct Items {
    std::vector<int64_t> rows;
    std::vector<int64_t> labels;  // of landmarks; empty for photos to refuse
    std::vector<float> weights;
  };
  void collect(const std::vector<size_t>& samples, double share, Items& known,
               Items& refused) const;
  torch::Tensor hard_loss(const torch::Tensor& cosines, const Shown& shown) const;

  const HeadOptions options_;
  const KnowledgeOptions knowledge_options_;
  std::shared_ptr<loss::CosineHead> head_;
  std::unique_ptr<loss::MarginHead> margin_;
  static constexpr int64_t kNonlandmark = -2;
  std::vector<int64_t> classes_;      // by sample; -1: none
  std::vector<float> class_weights_;  // by class, of mean 1
  std::unique_ptr<Teacher> teacher_;  // null without
};

}  // namespace cairn::run
