// The Reduce* operators.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

struct Reduction {
  bool copies = false;  // no axes and noop_with_empty_axes
  Shape kept;           // the output with reduced axes of 1
  Shape output;
  size_t count = 1;  // elements that make one output element
};

// Axes are an input of ReduceSum since opset 13, an attribute elsewhere.
Reduction plan_reduction(const OpContext& ctx, bool axes_may_be_input) {
  const Shape& shape = ctx.input(0).shape();
  std::vector<int64_t> axes;
  if (axes_may_be_input && ctx.opset >= 13) {
    if (ctx.node.has_attribute("axes")) ctx.fail("attribute \"axes\" ended with opset 12");
    if (ctx.has_input(1)) axes = integers(ctx, 1);
  } else {
    axes = ctx.node.get_ints("axes");
  }
  Reduction plan;
  plan.copies = axes.empty() && ctx.node.get_int("noop_with_empty_axes", 0) != 0;
  std::vector<bool> reduced(shape.size(), axes.empty() && !plan.copies);
  for (const size_t axis : axes_of(ctx, axes, shape.size())) reduced[axis] = true;
  const bool keep = ctx.node.get_int("keepdims", 1) != 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    plan.kept.push_back(reduced[i] ? 1 : shape[i]);
    if (reduced[i]) plan.count *= static_cast<size_t>(shape[i]);
    if (!reduced[i] || keep) plan.output.push_back(plan.kept.back());
  }
  return plan;
}

// Calls step(accumulator, value, index of the accumulator) for every element, in order.
template <typename T, typename A, typename Step>
void accumulate(const Tensor& x, const Shape& kept, std::vector<A>& sums, Step step) {
  const BroadcastWalk<1> walk(x.shape(), {kept});
  walk.for_each_row([&](size_t at, const std::array<size_t, 1>& out, size_t length) {
    const T* in = x.data<T>() + at;
    if (walk.step(0) == 0) {
      A sum = sums[out[0]];
      for (size_t i = 0; i < length; ++i) step(sum, A(Compute<T>(in[i])), out[0]);
      sums[out[0]] = sum;
    } else {
      for (size_t i = 0; i < length; ++i) {
        step(sums[out[0] + i], A(Compute<T>(in[i])), out[0] + i);
      }
    }
  });
}

// y = finish(fold of step over each group, group size).
template <typename List, typename Start, typename Step, typename Finish>
void reduce(OpContext& ctx, List list, Start start, Step step, Finish finish,
            bool axes_may_be_input = false) {
  const Tensor& x = ctx.input(0);
  const Reduction plan = plan_reduction(ctx, axes_may_be_input);
  if (plan.copies) return ctx.share_output(0, x);
  Tensor& y = ctx.make_output(0, x.dtype(), plan.output);
  dispatch(ctx, x.dtype(), list, [&]<typename T>() {
    using A = Accumulator<T>;
    std::vector<A> sums(y.count(), start(A{}));
    accumulate<T>(x, plan.kept, sums, [&](A& sum, A value, size_t) { step(sum, value); });
    for (size_t i = 0; i < sums.size(); ++i) {
      y.data<T>()[i] = convert<T>(finish(sums[i], plan.count));
    }
  });
}

using ReduceTypes = Types<float, double, Half, int32_t, int64_t, uint32_t, uint64_t>;
using OrderTypes =
    Types<float, double, Half, int8_t, uint8_t, int32_t, int64_t, uint32_t, uint64_t>;

constexpr auto kZero = [](auto a) { return decltype(a)(0); };
constexpr auto kOne = [](auto a) { return decltype(a)(1); };
constexpr auto kAdd = [](auto& sum, auto value) { sum = wrapping_add(sum, value); };
constexpr auto kSame = [](auto sum, size_t) { return sum; };
constexpr auto kAddSquare = [](auto& sum, auto value) {
  sum = wrapping_add(sum, wrapping_mul(value, value));
};

void reduce_sum(OpContext& ctx) { reduce(ctx, ReduceTypes{}, kZero, kAdd, kSame, true); }

void reduce_mean(OpContext& ctx) {
  reduce(ctx, ReduceTypes{}, kZero, kAdd, [&ctx](auto sum, size_t count) {
    using A = decltype(sum);
    if (std::is_integral_v<A> && count == 0) ctx.fail("the mean of nothing");
    return static_cast<A>(sum / static_cast<A>(count));
  });
}

void reduce_prod(OpContext& ctx) {
  reduce(
      ctx, ReduceTypes{}, kOne, [](auto& sum, auto value) { sum = wrapping_mul(sum, value); },
      kSame);
}

void reduce_sum_square(OpContext& ctx) { reduce(ctx, ReduceTypes{}, kZero, kAddSquare, kSame); }

void reduce_l1(OpContext& ctx) {
  reduce(
      ctx, ReduceTypes{}, kZero,
      [](auto& sum, auto value) {
        using A = std::remove_reference_t<decltype(sum)>;
        sum = value < A(0) ? wrapping_sub(sum, value) : wrapping_add(sum, value);
      },
      kSame);
}

void reduce_l2(OpContext& ctx) {
  reduce(ctx, ReduceTypes{}, kZero, kAddSquare,
         [](auto sum, size_t) { return std::sqrt(static_cast<double>(sum)); });
}

void reduce_log_sum(OpContext& ctx) {
  reduce(ctx, ReduceTypes{}, kZero, kAdd,
         [](auto sum, size_t) { return std::log(static_cast<double>(sum)); });
}

// NaN wins over every number and stays.
template <bool kMax>
void reduce_extreme(OpContext& ctx) {
  reduce(
      ctx, OrderTypes{},
      [](auto a) {
        using Limits = std::numeric_limits<decltype(a)>;
        if constexpr (Limits::has_infinity) return kMax ? -Limits::infinity() : Limits::infinity();
        return kMax ? Limits::lowest() : Limits::max();
      },
      [](auto& best, auto value) {
        if ((kMax ? value > best : value < best) || value != value) best = value;
      },
      [&ctx](auto best, size_t count) {
        if (count == 0) ctx.fail("the extreme of nothing");
        return best;
      });
}

// max + log(sum of exp(x - max)), so that nothing overflows.
void reduce_log_sum_exp(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Reduction plan = plan_reduction(ctx, false);
  Tensor& y = ctx.make_output(0, x.dtype(), plan.output);
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    const double infinity = std::numeric_limits<double>::infinity();
    std::vector<double> best(y.count(), -infinity);
    accumulate<T>(x, plan.kept, best, [](double& m, double v, size_t) { m = std::max(m, v); });
    std::vector<double> sums(y.count(), 0);
    accumulate<T>(x, plan.kept, sums, [&](double& sum, double value, size_t i) {
      sum += std::isinf(best[i]) ? std::exp(value) : std::exp(value - best[i]);
    });
    for (size_t i = 0; i < sums.size(); ++i) {
      y.data<T>()[i] = static_cast<T>(std::log(sums[i]) + (std::isinf(best[i]) ? 0 : best[i]));
    }
  });
}

}  // namespace

std::vector<OpEntry> reduce_ops() {
  const std::vector<std::string_view> attributes{"axes", "keepdims"};
  return {
      {"ReduceSum", {reduce_sum, 1, 17, {"axes", "keepdims", "noop_with_empty_axes"}}},
      {"ReduceMean", {reduce_mean, 1, 17, attributes}},
      {"ReduceProd", {reduce_prod, 1, 17, attributes}},
      {"ReduceMax", {reduce_extreme<true>, 1, 17, attributes}},
      {"ReduceMin", {reduce_extreme<false>, 1, 17, attributes}},
      {"ReduceL1", {reduce_l1, 1, 17, attributes}},
      {"ReduceL2", {reduce_l2, 1, 17, attributes}},
      {"ReduceLogSum", {reduce_log_sum, 1, 17, attributes}},
      {"ReduceLogSumExp", {reduce_log_sum_exp, 1, 17, attributes}},
      {"ReduceSumSquare", {reduce_sum_square, 1, 17, attributes}},
  };
}

}  // namespace cairn::engine::ops
