#include "cairn_train/nn/norm_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn_train/nn/norm_kernels.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "cairn/base/sigmoid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::nn::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using cairn::HWY_NAMESPACE::sigmoid;

// body(d, offset, channel) for every vector of every row; offset is the vector's place in the
// image.
template <typename Body>
void for_rows(int64_t rows, int64_t channels, const Body& body) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t start = row * channels;
    int64_t c = 0;
    for (; c + lanes <= channels; c += lanes) body(d, start + c, c);
    for (; c < channels; ++c) body(one, start + c, c);
  }
}

template <class D, class V>
void add_to(D d, float* sum, V value) {
  hn::StoreU(hn::Add(hn::LoadU(d, sum), value), d, sum);
}

void sum_rows_impl(const float* HWY_RESTRICT x, int64_t rows, int64_t channels,
                   float* HWY_RESTRICT sums, float* HWY_RESTRICT squares) {
  for_rows(rows, channels, [=](auto d, int64_t i, int64_t c) {
    const auto difference = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, x + c));
    add_to(d, sums + c, difference);
    hn::StoreU(hn::MulAdd(difference, difference, hn::LoadU(d, squares + c)), d, squares + c);
  });
}

struct Identity {
  template <class D, class V>
  V value(D, V z) const {
    return z;
  }
  template <class D, class V>
  V gradient(D, V /*z*/, V dy) const {
    return dy;
  }
};

struct Relu {
  template <class D, class V>
  V value(D d, V z) const {
    return hn::Max(z, hn::Zero(d));
  }
  template <class D, class V>
  V gradient(D d, V z, V dy) const {
    return hn::IfThenElseZero(hn::Gt(z, hn::Zero(d)), dy);
  }
};

struct Silu {
  template <class D, class V>
  V value(D d, V z) const {
    return hn::Mul(z, sigmoid(d, z));
  }
  template <class D, class V>
  V gradient(D d, V z, V dy) const {
    const V s = sigmoid(d, z);
    // s · (1 + z · (1 - s))
    const V slope = hn::MulAdd(hn::Mul(s, z), hn::Sub(hn::Set(d, 1), s), s);
    return hn::Mul(dy, slope);
  }
};

template <typename Work>
void with(Activation activation, const Work& work) {
  switch (activation) {
    case Activation::kNone:
      return work(Identity());
    case Activation::kRelu:
      return work(Relu());
    case Activation::kSilu:
      return work(Silu());
  }
}

void norm_rows_impl(Activation activation, const float* HWY_RESTRICT x, int64_t rows,
                    int64_t channels, const float* HWY_RESTRICT scale,
                    const float* HWY_RESTRICT shift, float* HWY_RESTRICT y) {
  with(activation, [=](auto function) {
    for_rows(rows, channels, [=](auto d, int64_t i, int64_t c) {
      const auto z =
          hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, scale + c), hn::LoadU(d, shift + c));
      hn::StoreU(function.value(d, z), d, y + i);
    });
  });
}

void norm_gradient_rows_impl(Activation activation, const float* HWY_RESTRICT x,
                             const float* HWY_RESTRICT dy, int64_t rows, int64_t channels,
                             const NormChannels& at, float* HWY_RESTRICT g,
                             float* HWY_RESTRICT sums, float* HWY_RESTRICT products) {
  with(activation, [=](auto function) {
    for_rows(rows, channels, [=](auto d, int64_t i, int64_t c) {
      const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, at.mean + c)),
                                  hn::LoadU(d, at.inverse + c));
      const auto z = hn::MulAdd(normal, hn::LoadU(d, at.weight + c), hn::LoadU(d, at.bias + c));
      const auto gradient = function.gradient(d, z, hn::LoadU(d, dy + i));
      hn::StoreU(gradient, d, g + i);
      add_to(d, sums + c, gradient);
      hn::StoreU(hn::MulAdd(gradient, normal, hn::LoadU(d, products + c)), d, products + c);
    });
  });
}

void combine_rows_impl(const float* HWY_RESTRICT x, int64_t rows, int64_t channels,
                       const float* HWY_RESTRICT mean, const float* HWY_RESTRICT a,
                       const float* HWY_RESTRICT b, const float* HWY_RESTRICT c0,
                       float* HWY_RESTRICT g) {
  for_rows(rows, channels, [=](auto d, int64_t i, int64_t c) {
    const auto difference = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, mean + c));
    const auto rest = hn::MulAdd(hn::LoadU(d, b + c), difference, hn::LoadU(d, c0 + c));
    hn::StoreU(hn::MulAdd(hn::LoadU(d, a + c), hn::LoadU(d, g + i), rest), d, g + i);
  });
}

void scale_rows_impl(const float* HWY_RESTRICT x, int64_t rows, int64_t channels,
                     const float* HWY_RESTRICT gate, float* HWY_RESTRICT y) {
  for_rows(rows, channels, [=](auto d, int64_t i, int64_t c) {
    hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::LoadU(d, gate + c)), d, y + i);
  });
}

void scale_gradient_rows_impl(const float* HWY_RESTRICT x, const float* HWY_RESTRICT dy,
                              int64_t rows, int64_t channels, const float* HWY_RESTRICT gate,
                              float* HWY_RESTRICT dx, float* HWY_RESTRICT sums) {
  for_rows(rows, channels, [=](auto d, int64_t i, int64_t c) {
    const auto gradient = hn::LoadU(d, dy + i);
    hn::StoreU(hn::MulAdd(gradient, hn::LoadU(d, x + i), hn::LoadU(d, sums + c)), d, sums + c);
    hn::StoreU(hn::Mul(gradient, hn::LoadU(d, gate + c)), d, dx + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::nn::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::nn::kernels {

HWY_EXPORT(sum_rows_impl);
HWY_EXPORT(norm_rows_impl);
HWY_EXPORT(norm_gradient_rows_impl);
HWY_EXPORT(combine_rows_impl);
HWY_EXPORT(scale_rows_impl);
HWY_EXPORT(scale_gradient_rows_impl);

void sum_rows(const float* x, int64_t rows, int64_t channels, float* sums, float* squares) {
  HWY_DYNAMIC_DISPATCH(sum_rows_impl)(x, rows, channels, sums, squares);
}

void norm_rows(Activation activation, const float* x, int64_t rows, int64_t channels,
               const float* scale, const float* shift, float* y) {
  HWY_DYNAMIC_DISPATCH(norm_rows_impl)(activation, x, rows, channels, scale, shift, y);
}

void norm_gradient_rows(Activation activation, const float* x, const float* dy, int64_t rows,
                        int64_t channels, const NormChannels& at, float* g, float* sums,
                        float* products) {
  HWY_DYNAMIC_DISPATCH(norm_gradient_rows_impl)
  (activation, x, dy, rows, channels, at, g, sums, products);
}

void combine_rows(const float* x, int64_t rows, int64_t channels, const float* mean, const float* a,
                  const float* b, const float* c, float* g) {
  HWY_DYNAMIC_DISPATCH(combine_rows_impl)(x, rows, channels, mean, a, b, c, g);
}

void scale_rows(const float* x, int64_t rows, int64_t channels, const float* gate, float* y) {
  HWY_DYNAMIC_DISPATCH(scale_rows_impl)(x, rows, channels, gate, y);
}

void scale_gradient_rows(const float* x, const float* dy, int64_t rows, int64_t channels,
                         const float* gate, float* dx, float* sums) {
  HWY_DYNAMIC_DISPATCH(scale_gradient_rows_impl)(x, dy, rows, channels, gate, dx, sums);
}

}  // namespace cairn::nn::kernels
#endif  // HWY_ONCE
