// Normalisations.
#include <algorithm>
#include <cmath>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

// An input of `count` numbers, as double.
std::vector<double> numbers(const OpContext& ctx, size_t i, size_t count) {
  const Tensor& x = ctx.input(i);
  if (x.count() != count) {
    ctx.fail("input " + std::to_string(i) + " of shape " + to_string(x.shape()) + " must have " +
             std::to_string(count) + " elements");
  }
  std::vector<double> values(count);
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    for (size_t k = 0; k < count; ++k) values[k] = convert<double>(x.data<T>()[k]);
  });
  return values;
}

// y = x * scale[channel] + shift[channel] for x [batch, channels, plane].
template <typename T>
void scale_channels(const T* x, T* y, size_t batch, size_t plane, const std::vector<double>& scale,
                    const std::vector<double>& shift) {
  for (size_t i = 0; i < batch * scale.size(); ++i) {
    const auto factor = static_cast<Compute<T>>(scale[i % scale.size()]);
    const auto offset = static_cast<Compute<T>>(shift[i % scale.size()]);
    for (size_t j = i * plane; j < (i + 1) * plane; ++j) {
      y[j] = static_cast<T>(Compute<T>(x[j]) * factor + offset);
    }
  }
}

void batch_normalization(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 2);
  if (ctx.node.get_int("training_mode", 0) != 0 || ctx.has_output(1) ||
      (ctx.opset < 7 && ctx.node.get_int("is_test", 0) == 0)) {
    ctx.fail("training mode is unsupported");
  }
  if (ctx.node.get_int("spatial", 1) != 1) ctx.fail("unsupported attribute value spatial = 0");
  const double epsilon = ctx.node.get_float("epsilon", 1e-5F);
  const auto channels = static_cast<size_t>(x.dim(1));
  std::vector<double> scale = numbers(ctx, 1, channels);
  std::vector<double> shift = numbers(ctx, 2, channels);
  const std::vector<double> mean = numbers(ctx, 3, channels);
  const std::vector<double> variance = numbers(ctx, 4, channels);
  for (size_t c = 0; c < channels; ++c) {
    scale[c] /= std::sqrt(variance[c] + epsilon);
    shift[c] -= mean[c] * scale[c];
  }
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  if (y.count() == 0) return;
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    scale_channels(x.data<T>(), y.data<T>(), static_cast<size_t>(x.dim(0)),
                   product(x.shape(), 2, x.shape().size()), scale, shift);
  });
}

struct Moments {
  double mean = 0;
  double variance = 0;  // of the population
};

template <typename T>
Moments moments(const T* x, size_t count) {
  Moments result;
  for (size_t i = 0; i < count; ++i) result.mean += Compute<T>(x[i]);
  result.mean /= static_cast<double>(count);
  for (size_t i = 0; i < count; ++i) {
    const double difference = Compute<T>(x[i]) - result.mean;
    result.variance += difference * difference;
  }
  result.variance /= static_cast<double>(count);
  return result;
}

void instance_normalization(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 3);
  const double epsilon = ctx.node.get_float("epsilon", 1e-5F);
  const auto channels = static_cast<size_t>(x.dim(1));
  const std::vector<double> scale = numbers(ctx, 1, channels);
  const std::vector<double> shift = numbers(ctx, 2, channels);
  const size_t plane = product(x.shape(), 2, x.shape().size());
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  if (y.count() == 0) return;
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    for (size_t i = 0; i < y.count() / plane; ++i) {
      const T* in = x.data<T>() + i * plane;
      const Moments m = moments(in, plane);
      const double factor = scale[i % channels] / std::sqrt(m.variance + epsilon);
      const double offset = shift[i % channels] - m.mean * factor;
      for (size_t j = 0; j < plane; ++j) {
        y.data<T>()[i * plane + j] = static_cast<T>(Compute<T>(in[j]) * factor + offset);
      }
    }
  });
}

// Over everything from the axis on; scale and bias broadcast to that part of the shape.
void layer_normalization(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const size_t rank = x.shape().size();
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", -1), rank);
  const double epsilon = ctx.node.get_float("epsilon", 1e-5F);
  if (ctx.node.get_int("stash_type", 1) != 1) ctx.fail("unsupported attribute value stash_type");
  const Shape part(x.shape().begin() + static_cast<std::ptrdiff_t>(axis), x.shape().end());
  const size_t rows = product(x.shape(), 0, axis);
  const size_t count = product(part, 0, part.size());
  const auto expanded = [&](size_t i) {
    std::vector<double> values(count, 0);
    const Tensor& t = ctx.input(i);
    if (broadcast(ctx, std::array{part, t.shape()}) != part) ctx.fail("scale or bias do not fit");
    const std::vector<double> compact = numbers(ctx, i, t.count());
    const BroadcastWalk<1> walk(part, {t.shape()});
    walk.for_each_row([&](size_t at, const std::array<size_t, 1>& in, size_t length) {
      for (size_t k = 0; k < length; ++k) values[at + k] = compact[in[0] + k * walk.step(0)];
    });
    return values;
  };
  const std::vector<double> scale = expanded(1);
  const std::vector<double> bias = ctx.has_input(2) ? expanded(2) : std::vector<double>(count, 0.0);
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  Shape stat_shape = x.shape();
  std::fill(stat_shape.begin() + static_cast<std::ptrdiff_t>(axis), stat_shape.end(), 1);
  float* means = nullptr;
  float* inverses = nullptr;
  if (ctx.has_output(1)) means = ctx.make_output(1, DType::kF32, stat_shape).data<float>();
  if (ctx.has_output(2)) inverses = ctx.make_output(2, DType::kF32, stat_shape).data<float>();
  if (y.count() == 0) return;
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    for (size_t r = 0; r < rows; ++r) {
      const T* in = x.data<T>() + r * count;
      const Moments m = moments(in, count);
      const double inverse = 1 / std::sqrt(m.variance + epsilon);
      for (size_t i = 0; i < count; ++i) {
        y.data<T>()[r * count + i] =
            static_cast<T>((Compute<T>(in[i]) - m.mean) * inverse * scale[i] + bias[i]);
      }
      if (means) means[r] = static_cast<float>(m.mean);
      if (inverses) inverses[r] = static_cast<float>(inverse);
    }
  });
}

// Local response over `size` neighbouring channels.
void lrn(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 3);
  const int64_t size = ctx.node.get_int("size", 0);
  if (size < 1) ctx.fail("attribute \"size\" must be at least 1");
  const double alpha = ctx.node.get_float("alpha", 1e-4F) / static_cast<double>(size);
  const double beta = ctx.node.get_float("beta", 0.75F);
  const double bias = ctx.node.get_float("bias", 1.0F);
  const int64_t channels = x.dim(1);
  const size_t plane = product(x.shape(), 2, x.shape().size());
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  if (y.count() == 0) return;
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    std::vector<double> squares(plane);
    for (size_t i = 0; i < y.count() / plane; ++i) {
      const auto c = static_cast<int64_t>(i) % channels;
      const int64_t first = std::max<int64_t>(c - std::min((size - 1) / 2, c), 0);
      const int64_t last = c + std::min(size / 2, channels - 1 - c);
      std::fill(squares.begin(), squares.end(), 0);
      for (int64_t other = first; other <= last; ++other) {
        const T* in =
            x.data<T>() + (i + static_cast<size_t>(other) - static_cast<size_t>(c)) * plane;
        for (size_t j = 0; j < plane; ++j) {
          const double value = Compute<T>(in[j]);
          squares[j] += value * value;
        }
      }
      for (size_t j = 0; j < plane; ++j) {
        const size_t at = i * plane + j;
        y.data<T>()[at] =
            static_cast<T>(Compute<T>(x.data<T>()[at]) / std::pow(bias + alpha * squares[j], beta));
      }
    }
  });
}

// Length 1 along an axis, in the norm of order p (1 or 2); zeros stay zeros.
void lp_normalization(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", -1), x.shape().size());
  const int64_t p = ctx.node.get_int("p", 2);
  if (p != 1 && p != 2) ctx.fail("attribute \"p\" must be 1 or 2");
  const size_t outer = product(x.shape(), 0, axis);
  const auto count = static_cast<size_t>(x.shape()[axis]);
  const size_t inner = product(x.shape(), axis + 1, x.shape().size());
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  if (y.count() == 0) return;
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    for (size_t line = 0; line < outer * inner; ++line) {
      const size_t start = line / inner * count * inner + line % inner;
      double sum = 0;
      for (size_t i = 0; i < count; ++i) {
        const double value = Compute<T>(x.data<T>()[start + i * inner]);
        sum += p == 1 ? std::abs(value) : value * value;
      }
      const double length = p == 1 ? sum : std::sqrt(sum);
      for (size_t i = 0; i < count; ++i) {
        const size_t at = start + i * inner;
        const double value = Compute<T>(x.data<T>()[at]);
        y.data<T>()[at] = static_cast<T>(length == 0 ? 0.0 : value / length);
      }
    }
  });
}

// (x - mean) / deviation over the axes (batch and all spatial ones).
void mean_variance_normalization(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const std::vector<int64_t> axes = ctx.node.get_ints("axes", {0, 2, 3});
  Shape kept = x.shape();
  for (const size_t axis : axes_of(ctx, axes, kept.size())) kept[axis] = 1;
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  if (y.count() == 0) return;
  const size_t groups = product(kept, 0, kept.size());
  const size_t members = x.count() / groups;
  const auto count = static_cast<double>(members);
  const BroadcastWalk<1> walk(x.shape(), {kept});
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    std::vector<double> means(groups, 0), deviations(groups, 0);
    const auto each = [&](auto&& body) {
      walk.for_each_row([&](size_t at, const std::array<size_t, 1>& group, size_t length) {
        for (size_t i = 0; i < length; ++i) body(at + i, group[0] + i * walk.step(0));
      });
    };
    each([&](size_t i, size_t g) { means[g] += Compute<T>(x.data<T>()[i]) / count; });
    each([&](size_t i, size_t g) {
      const double difference = Compute<T>(x.data<T>()[i]) - means[g];
      deviations[g] += difference * difference / count;
    });
    // 1e-9 as in the operator's definition.
    for (double& deviation : deviations) deviation = std::sqrt(deviation) + 1e-9;
    each([&](size_t i, size_t g) {
      y.data<T>()[i] = static_cast<T>((Compute<T>(x.data<T>()[i]) - means[g]) / deviations[g]);
    });
  });
}

}  // namespace

std::vector<OpEntry> norm_ops() {
  return {
      {"BatchNormalization",
       {batch_normalization,
        6,
        17,
        {"epsilon", "is_test", "momentum", "spatial", "training_mode"}}},
      {"InstanceNormalization", {instance_normalization, 6, 17, {"epsilon"}}},
      {"LayerNormalization", {layer_normalization, 17, 17, {"axis", "epsilon", "stash_type"}}},
      {"LRN", {lrn, 1, 17, {"alpha", "beta", "bias", "size"}}},
      {"LpNormalization", {lp_normalization, 1, 17, {"axis", "p"}}},
      {"MeanVarianceNormalization", {mean_variance_normalization, 9, 17, {"axes"}}},
  };
}

}  // namespace cairn::engine::ops
