// Linear layers in 8 bits, for inference: weights quantised once by output channel, what comes in anew each
// time by its largest magnitude; sums are whole numbers, what goes out is float32 or bfloat16.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "onednn.hpp"
#include "profile.hpp"
#include "vector.hpp"

using dnnl::memory;

struct ck_int8_weight {
  int64_t outputs, inputs;
  std::vector<float> scales;
  std::vector<int8_t> values;
  // In the layouts that primitives ask for, which depend on the number of rows.
  std::vector<memory> packed;
};

namespace {

struct Product {
  dnnl::matmul primitive;
  memory::desc x, weight, bias, y, scratch;
};

Product make(int64_t m, int64_t n, int64_t k, ck_type type, bool hasBias) {
  Product product;
  product.x = memory::desc({m, k}, memory::data_type::s8, memory::format_tag::ab);
  const memory::desc weight({k, n}, memory::data_type::s8, memory::format_tag::any);
  product.y = memory::desc({m, n}, ck::dataType(type), memory::format_tag::ab);
  product.bias = memory::desc({1, n}, memory::data_type::f32, memory::format_tag::ab);
  auto attributes = ck::sharedScratchpad();
#if DNNL_VERSION_MAJOR >= 3
  attributes.set_scales_mask(DNNL_ARG_SRC, 0);
  attributes.set_scales_mask(DNNL_ARG_WEIGHTS, 1 << 1);
  const auto described =
      hasBias ? dnnl::matmul::primitive_desc(ck::engine(), product.x, weight, product.bias, product.y, attributes)
              : dnnl::matmul::primitive_desc(ck::engine(), product.x, weight, product.y, attributes);
#else
  attributes.set_output_scales(1 << 1, {DNNL_RUNTIME_F32_VAL});
  const auto operation = hasBias ? dnnl::matmul::desc(product.x, weight, product.bias, product.y)
                                 : dnnl::matmul::desc(product.x, weight, product.y);
  const auto described = dnnl::matmul::primitive_desc(operation, attributes, ck::engine());
#endif
  product.weight = described.weights_desc();
  product.scratch = described.scratchpad_desc();
  product.primitive = dnnl::matmul(described);
  return product;
}

/// The weights in a layout.
memory &layout(ck_int8_weight &weight, const memory::desc &wanted) {
  for (memory &kept : weight.packed) {
    if (kept.get_desc() == wanted) return kept;
  }
  memory plain({{weight.inputs, weight.outputs}, memory::data_type::s8, memory::format_tag::ba}, ck::engine(),
               weight.values.data());
  memory made(wanted, ck::engine());
  dnnl::reorder(plain, made).execute(ck::stream(), plain, made);
  weight.packed.push_back(made);
  return weight.packed.back();
}

CK_CLONES float largest(const float *x, size_t begin, size_t end) {
  float most = 0;
  for (size_t i = begin; i < end; ++i) most = std::max(most, std::fabs(x[i]));
  return most;
}

CK_CLONES float largestNarrow(const uint16_t *x, size_t begin, size_t end) {
  uint32_t most = 0;
  // Without their sign these are ordered as whole numbers are.
  for (size_t i = begin; i < end; ++i) most = std::max(most, static_cast<uint32_t>(x[i] & 0x7fffu));
  return ck::fromBFloat16(static_cast<uint16_t>(most));
}

CK_INLINE int8_t rounded(float x) {
  x = x < -127.0f ? -127.0f : x > 127.0f ? 127.0f : x;
  // Adding 1.5 · 2²³ leaves the nearest whole number in the last bits.
  const float shifted = x + 12582912.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, 4);
  return static_cast<int8_t>(bits - 0x4B400000);
}

CK_CLONES void quantise(const float *x, int8_t *y, size_t begin, size_t end, float factor) {
  for (size_t i = begin; i < end; ++i) y[i] = rounded(x[i] * factor);
}

CK_CLONES void quantiseNarrow(const uint16_t *x, int8_t *y, size_t begin, size_t end, float factor) {
  for (size_t i = begin; i < end; ++i) y[i] = rounded(ck::fromBFloat16(x[i]) * factor);
}

/// Writes `count` numbers in 8 bits and returns what one step of them is worth.
float quantised(const void *x, ck_type type, size_t count, int8_t *y) {
  std::atomic<uint32_t> most{0};
  ck::parallel(count, ck::elementGrain, [&](size_t begin, size_t end) {
    const float part = type == CK_BFLOAT16 ? largestNarrow(static_cast<const uint16_t *>(x), begin, end)
                                           : largest(static_cast<const float *>(x), begin, end);
    uint32_t bits;
    std::memcpy(&bits, &part, 4);
    uint32_t seen = most.load();
    while (seen < bits && !most.compare_exchange_weak(seen, bits)) {
    }
  });
  float scale;
  const uint32_t bits = most.load();
  std::memcpy(&scale, &bits, 4);
  scale /= 127;
  const float factor = scale > 0 ? 1 / scale : 0;
  ck::parallel(count, ck::elementGrain, [&](size_t begin, size_t end) {
    if (type == CK_BFLOAT16) {
      quantiseNarrow(static_cast<const uint16_t *>(x), y, begin, end, factor);
    } else {
      quantise(static_cast<const float *>(x), y, begin, end, factor);
    }
  });
  return scale;
}

}  // namespace

bool ck_has_int8(void) {
#if defined(__x86_64__)
  const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_vnni);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
#else
  return false;
#endif
}

ck_int8_weight *ck_int8_pack(const float *weight, int64_t outputs, int64_t inputs) {
  auto packed = std::make_unique<ck_int8_weight>();
  packed->outputs = outputs;
  packed->inputs = inputs;
  packed->scales.resize(outputs);
  packed->values.resize(outputs * inputs);
  ck::parallel(outputs, ck::rowGrain(inputs), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float *values = weight + row * inputs;
      const float scale = largest(values, 0, inputs) / 127;
      packed->scales[row] = scale;
      quantise(values, packed->values.data() + row * inputs, 0, inputs, scale > 0 ? 1 / scale : 0);
    }
  });
  return packed.release();
}

void ck_int8_release(ck_int8_weight *weight) { delete weight; }

bool ck_int8_linear(ck_int8_weight *weight, const void *x, ck_type x_type, int64_t rows, const float *bias, void *y,
                    ck_type y_type) {
  const int64_t n = weight->outputs, k = weight->inputs;
  const ck::Timed timed("linear, 8 bits", 2.0 * rows * n * k, static_cast<double>(rows * k + n * k + 2 * rows * n));
  if (rows == 0) return true;
  static ck::PrimitiveCache<Product> cache;
  static std::vector<float> scales, shifted;
  try {
    Product &product = cache.get({rows, n, k, y_type, bias != nullptr},
                                 [&] { return make(rows, n, k, y_type, bias != nullptr); });
    memory input = ck::scratch(product.x, 1);
    float scale = quantised(x, x_type, static_cast<size_t>(rows * k), static_cast<int8_t *>(input.get_data_handle()));
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, input},
        {DNNL_ARG_WEIGHTS, layout(*weight, product.weight)},
        {DNNL_ARG_DST, memory(product.y, ck::engine(), y)},
        {DNNL_ARG_SCRATCHPAD, ck::scratch(product.scratch)}};
#if DNNL_VERSION_MAJOR >= 3
    const memory::desc one({1}, memory::data_type::f32, memory::format_tag::a);
    const memory::desc many({n}, memory::data_type::f32, memory::format_tag::a);
    arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, memory(one, ck::engine(), &scale));
    arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, memory(many, ck::engine(), weight->scales.data()));
    if (bias) arguments.emplace(DNNL_ARG_BIAS, memory(product.bias, ck::engine(), const_cast<float *>(bias)));
#else
    // Version 2 scales the sum with its bias in it.
    scales.resize(n);
    shifted.resize(n);
    for (int64_t i = 0; i < n; ++i) {
      // Where nothing can come of it but the bias.
      const float whole = scale * weight->scales[i];
      scales[i] = whole > 0 ? whole : 1;
      if (bias) shifted[i] = bias[i] / scales[i];
    }
    const memory::desc many({n}, memory::data_type::f32, memory::format_tag::a);
    arguments.emplace(DNNL_ARG_ATTR_OUTPUT_SCALES, memory(many, ck::engine(), scales.data()));
    if (bias) arguments.emplace(DNNL_ARG_BIAS, memory(product.bias, ck::engine(), shifted.data()));
#endif
    product.primitive.execute(ck::stream(), arguments);
    return true;
  } catch (const std::exception &error) {
    return ck::fail("linear in 8 bits", error.what());
  }
}
