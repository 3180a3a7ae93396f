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
  // Throws Error for a head.split that cannot be.
  Classification(const Recipe& recipe, const data::TrainingSet& set, const Ranks& ranks);

  torch::Tensor loss(const torch::Tensor& embeddings, const Shown& shown) override;
  void imprint(const torch::Tensor& class_means) override;
  std::shared_ptr<torch::nn::Module> module() override { return head_; }
  bool is_split(const std::string& key) const override { return split_ && key == "weight"; }

 private:
  // Rows of the batch with what they should be, and how much each counts.
  struct Items {
    std::vector<int64_t> rows;
    std::vector<int64_t> labels;  // of landmarks; empty for photos to refuse
    std::vector<float> weights;
  };
  int64_t centres() const;  // of a class
  void carry_over(const std::string& init, const data::TrainingSet& set);
  void collect(const std::vector<size_t>& samples, double share, Items& known,
               Items& refused) const;
  torch::Tensor class_losses(const torch::Tensor& cosines, const torch::Tensor& labels,
                             const loss::MarginState& state) const;
  torch::Tensor hard_loss(const torch::Tensor& cosines, const Shown& shown) const;

  const HeadOptions options_;
  const KnowledgeOptions knowledge_options_;
  const Ranks& ranks_;
  const bool split_;          // over the ranks
  const Slice classes_here_;  // the classes that this rank has: all, unless split
  std::shared_ptr<loss::CosineHead> head_;
  std::unique_ptr<loss::MarginHead> margin_;
  static constexpr int64_t kNonlandmark = -2;
  std::vector<int64_t> classes_;      // by sample; -1: none
  std::vector<int64_t> carried_;      // the head's rows that come from `init`
  std::vector<float> class_weights_;  // by class, of mean 1
  std::unique_ptr<Teacher> teacher_;  // null without
};

}  // namespace cairn::run
