#include "cairn_train/run/distributed/across_ranks.h"

#include <fmt/format.h>

#include "cairn/base/files.h"
#include "cairn_train/run/distributed/autograd.h"

namespace cairn::run {
namespace {

class AcrossRanks final : public Objective {
 public:
  AcrossRanks(std::unique_ptr<Objective> inner, const Ranks& ranks)
      : inner_(std::move(inner)), ranks_(ranks) {}

  torch::Tensor loss(const torch::Tensor& embeddings, const Shown& shown) override {
    const std::vector<int64_t> own(shown.samples.begin(), shown.samples.end());
    const torch::Tensor all = torch::cat(ranks_.gather_rows(torch::tensor(own, torch::kLong)));
    const int64_t* const begin = all.data_ptr<int64_t>();
    const std::vector<size_t> samples(begin, begin + all.numel());
    const torch::Tensor all_embeddings = gather_rows(embeddings, ranks_);
    Shown whole{samples, shown.mixed, shown.images, shown.progress};
    if (shown.features.defined())
      whole.features =
          shown.features.is_same(embeddings) ? all_embeddings : gather_rows(shown.features, ranks_);
    return inner_->loss(all_embeddings, whole) / ranks_.world();
  }
  void imprint(const torch::Tensor& class_means) override { inner_->imprint(class_means); }
  std::shared_ptr<torch::nn::Module> module() override { return inner_->module(); }
  bool is_split(const std::string& key) const override { return inner_->is_split(key); }

 private:
  std::unique_ptr<Objective> inner_;
  const Ranks& ranks_;
};

}  // namespace

std::unique_ptr<Objective> across_ranks(std::unique_ptr<Objective> objective, const Ranks& ranks) {
  if (ranks.alone()) return objective;
  return std::make_unique<AcrossRanks>(std::move(objective), ranks);
}

torch::Tensor RanksBatch::gather(const torch::Tensor& numbers) const {
  return torch::stack(ranks_.gather(numbers));
}

void require_agreement(const Ranks& ranks, const std::string& what, const std::string& text) {
  if (ranks.alone()) return;
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
  const std::vector<std::string> sums = ranks.gather(sha256_hex({bytes, text.size()}));
  for (size_t r = 1; r < sums.size(); ++r)
    if (sums[r] != sums[0])
      throw Error(fmt::format(
          "rank {} has another {} than rank 0; all processes of a job need the same", r, what));
}

}  // namespace cairn::run
