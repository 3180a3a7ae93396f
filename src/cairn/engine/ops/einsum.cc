// Einsum by its definition: every combination of all labels.
#include <algorithm>
#include <array>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

// A label is a letter (0..51) or an axis of the ellipsis, counted from its right end (52..).
constexpr int kEllipsis = 52;
constexpr size_t kLabels = kEllipsis + kMaxRank;
constexpr int64_t kMaxTerms = int64_t{1} << 30;

int label_of(const OpContext& ctx, char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= 'A' && c <= 'Z') return c - 'A' + 26;
  ctx.fail(std::string("the equation has an unexpected '") + c + "'");
}

// The labels of one term; `ellipsis` is how many axes "..." stands for.
std::vector<int> labels_of(const OpContext& ctx, const std::string& term, size_t ellipsis) {
  std::vector<int> labels;
  bool seen = false;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term[i] != '.') {
      labels.push_back(label_of(ctx, term[i]));
      continue;
    }
    if (seen || term.compare(i, 3, "...") != 0) ctx.fail("the equation has a stray '.'");
    seen = true;
    i += 2;
    for (size_t k = ellipsis; k-- > 0;) labels.push_back(kEllipsis + static_cast<int>(k));
  }
  return labels;
}

struct Equation {
  std::vector<std::string> terms;
  std::string output;
  bool has_output = false;
};

Equation read_equation(const OpContext& ctx) {
  std::string text = ctx.node.get_string("equation", "");
  std::erase(text, ' ');
  Equation equation;
  if (const size_t arrow = text.find("->"); arrow != std::string::npos) {
    equation.output = text.substr(arrow + 2);
    equation.has_output = true;
    text.resize(arrow);
  }
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    equation.terms.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  if (equation.terms.size() != ctx.input_count() || equation.terms.size() > 8) {
    ctx.fail("the equation has " + std::to_string(equation.terms.size()) + " terms for " +
             std::to_string(ctx.input_count()) + " inputs");
  }
  return equation;
}

// Everything with its labels resolved.
struct Plan {
  std::array<int64_t, kLabels> sizes{};  // 0: not used
  std::vector<int> output;
  std::vector<int> order;                                  // output labels, then summed ones
  std::vector<std::array<size_t, kLabels>> input_strides;  // of each input, by label
};

void add_input(const OpContext& ctx, Plan& plan, std::array<size_t, kLabels>& uses,
               const std::string& term, const Shape& shape) {
  const bool open = term.find('.') != std::string::npos;
  const size_t letters = term.size() - (open ? 3 : 0);
  if (open ? term.size() < 3 || shape.size() < letters : shape.size() != letters) {
    ctx.fail("the term \"" + term + "\" does not fit shape " + to_string(shape));
  }
  const std::vector<int> labels = labels_of(ctx, term, shape.size() - letters);
  const std::vector<size_t> strides = strides_of(shape);
  auto& by_label = plan.input_strides.emplace_back();
  for (size_t i = 0; i < shape.size(); ++i) {
    const auto label = static_cast<size_t>(labels[i]);
    int64_t& size = plan.sizes[label];
    if (uses[label] == 0 || size == 1) size = shape[i];
    if (shape[i] != size && shape[i] != 1) {
      ctx.fail("sizes " + std::to_string(size) + " and " + std::to_string(shape[i]) +
               " meet at one label");
    }
    if (shape[i] != 1) by_label[label] += strides[i];  // a label given twice: the diagonal
    ++uses[label];
  }
}

Plan plan_einsum(const OpContext& ctx) {
  const Equation equation = read_equation(ctx);
  Plan plan;
  std::array<size_t, kLabels> uses{};
  for (size_t k = 0; k < equation.terms.size(); ++k) {
    add_input(ctx, plan, uses, equation.terms[k], ctx.input(k).shape());
  }
  size_t ellipsis = 0;
  while (ellipsis < kMaxRank && uses[kEllipsis + ellipsis] > 0) ++ellipsis;
  if (equation.has_output) {
    plan.output = labels_of(ctx, equation.output, ellipsis);
  } else {
    // The ellipsis, then every letter that occurs once, in order of the alphabet (capitals first).
    plan.output = labels_of(ctx, "...", ellipsis);
    for (int i = 0; i < kEllipsis; ++i) {
      const int label = (i + 26) % kEllipsis;
      if (uses[static_cast<size_t>(label)] == 1) plan.output.push_back(label);
    }
  }
  plan.order = plan.output;
  for (size_t label = 0; label < kLabels; ++label) {
    const auto is_label = [&](int other) { return other == static_cast<int>(label); };
    const auto count = std::count_if(plan.output.begin(), plan.output.end(), is_label);
    if (count > 1 || (count == 1 && uses[label] == 0)) ctx.fail("the output is impossible");
    if (count == 0 && uses[label] > 0) plan.order.push_back(static_cast<int>(label));
  }
  return plan;
}

void einsum(OpContext& ctx) {
  const Plan plan = plan_einsum(ctx);
  const Tensor& first = ctx.input(0);
  Shape shape, order;
  for (const int label : plan.output) shape.push_back(plan.sizes[static_cast<size_t>(label)]);
  int64_t terms = 1;
  for (const int label : plan.order) {
    order.push_back(plan.sizes[static_cast<size_t>(label)]);
    terms = checked_mul(ctx, terms, std::max<int64_t>(order.back(), 1));
  }
  if (terms > kMaxTerms) ctx.fail("the sum has too many terms");
  const size_t inputs = ctx.input_count();
  for (size_t k = 0; k < inputs; ++k) expect_same_type(ctx, first, ctx.input(k));
  Tensor& y = ctx.make_output(0, first.dtype(), shape);
  using EinsumTypes = Types<float, double, Half, int32_t, int64_t, uint32_t, uint64_t>;
  dispatch(ctx, first.dtype(), EinsumTypes{}, [&]<typename T>() {
    using A = Accumulator<T>;
    std::vector<A> sums(y.count(), A(0));
    const std::vector<size_t> out_strides = strides_of(shape);
    std::vector<int64_t> counter(order.size(), 0);
    const bool empty = std::find(order.begin(), order.end(), 0) != order.end();
    if (!empty) do {
        size_t target = 0;
        for (size_t i = 0; i < shape.size(); ++i) {
          target += static_cast<size_t>(counter[i]) * out_strides[i];
        }
        A term = 1;
        for (size_t k = 0; k < inputs; ++k) {
          size_t offset = 0;
          for (size_t i = 0; i < order.size(); ++i) {
            offset += static_cast<size_t>(counter[i]) *
                      plan.input_strides[k][static_cast<size_t>(plan.order[i])];
          }
          term = wrapping_mul(term, A(Compute<T>(ctx.input(k).data<T>()[offset])));
        }
        sums[target] = wrapping_add(sums[target], term);
      } while (advance(counter, order));
    for (size_t i = 0; i < sums.size(); ++i) y.data<T>()[i] = convert<T>(sums[i]);
  });
}

}  // namespace

std::vector<OpEntry> einsum_ops() { return {{"Einsum", {einsum, 12, 17, {"equation"}}}}; }

}  // namespace cairn::engine::ops
