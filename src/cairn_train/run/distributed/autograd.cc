#include "cairn_train/run/distributed/autograd.h"

namespace cairn::run {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class GatherRows : public torch::autograd::Function<GatherRows> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& rows,
                               const Ranks* ranks) {
    const std::vector<torch::Tensor> parts = ranks->gather_rows(rows.detach());
    int64_t begin = 0;
    for (int r = 0; r < ranks->rank(); ++r) begin += parts[static_cast<size_t>(r)].size(0);
    context->saved_data["begin"] = begin;
    context->saved_data["count"] = rows.size(0);
    context->saved_data["ranks"] = reinterpret_cast<int64_t>(ranks);
    return torch::cat(parts);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    // What autograd saves are numbers.
    const auto* const ranks = reinterpret_cast<const Ranks*>(  // NOLINT(performance-no-int-to-ptr)
        context->saved_data["ranks"].toInt());
    torch::Tensor sum = gradients[0].contiguous().clone();
    ranks->sum(sum);
    return {
        sum.narrow(0, context->saved_data["begin"].toInt(), context->saved_data["count"].toInt()),
        {}};
  }
};

class SumOverRanks : public torch::autograd::Function<SumOverRanks> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const Ranks* ranks) {
    context->saved_data["ranks"] = reinterpret_cast<int64_t>(ranks);
    torch::Tensor sum = x.detach().contiguous().clone();
    ranks->sum(sum);
    return sum;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    // What autograd saves are numbers.
    const auto* const ranks = reinterpret_cast<const Ranks*>(  // NOLINT(performance-no-int-to-ptr)
        context->saved_data["ranks"].toInt());
    torch::Tensor sum = gradients[0].contiguous().clone();
    ranks->sum(sum);
    return {sum, {}};
  }
};

}  // namespace

torch::Tensor gather_rows(const torch::Tensor& rows, const Ranks& ranks) {
  return ranks.alone() ? rows : GatherRows::apply(rows, &ranks);
}

torch::Tensor sum_over_ranks(const torch::Tensor& x, const Ranks& ranks) {
  return ranks.alone() ? x : SumOverRanks::apply(x, &ranks);
}

}  // namespace cairn::run
