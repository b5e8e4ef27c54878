// Linear layers in 8 bits, for inference: weights quantised once by output channel, what comes in anew each time, row
// by row by its largest magnitude; sums are whole numbers, what goes out is float32 or bfloat16.
#include <algorithm>
#include <vector>

#include "onednn.hpp"
#include "profile.hpp"
#include "vector.hpp"

using dnnl::memory;

struct ck_int8_weight {
  // `padded` inputs are a multiple of four, zeros behind the others: of other numbers oneDNN 2.6 fills tiles (AMX)
  // wrongly, and some of those end the process.
  int64_t outputs, inputs, padded;
  std::vector<float> scales;
  std::vector<int8_t> values;
  // In the layouts that primitives ask for, which depend on the number of rows.
  std::vector<memory> packed;
};

namespace {

struct Product {
  dnnl::matmul primitive;
  memory::desc x, weight, y, scratch;
};

// Sums stay whole numbers: oneDNN 2 has no fast product that scales them by a factor known late.
Product make(int64_t m, int64_t n, int64_t k) {
  Product product;
  product.x = memory::desc({m, k}, memory::data_type::s8, memory::format_tag::ab);
  const memory::desc weight({k, n}, memory::data_type::s8, memory::format_tag::any);
  product.y = memory::desc({m, n}, memory::data_type::s32, memory::format_tag::ab);
  const auto attributes = ck::sharedScratchpad();
#if DNNL_VERSION_MAJOR >= 3
  const auto described = dnnl::matmul::primitive_desc(ck::engine(), product.x, weight, product.y, attributes);
#else
  const auto described =
      dnnl::matmul::primitive_desc(dnnl::matmul::desc(product.x, weight, product.y), attributes, ck::engine());
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
  memory plain({{weight.padded, weight.outputs}, memory::data_type::s8, memory::format_tag::ba}, ck::engine(),
               weight.values.data());
  memory made(wanted, ck::engine());
  dnnl::reorder(plain, made).execute(ck::stream(), plain, made);
  weight.packed.push_back(made);
  return weight.packed.back();
}

CK_CLONES float largest(const float *x, size_t begin, size_t end) {
  uint32_t most = 0;
  // Without their sign these are ordered as whole numbers are, whose maximum vectorises.
  for (size_t i = begin; i < end; ++i) {
    uint32_t magnitude;
    std::memcpy(&magnitude, x + i, 4);
    magnitude &= 0x7fffffffu;
    most = magnitude > most ? magnitude : most;
  }
  float value;
  std::memcpy(&value, &most, 4);
  return value;
}

CK_CLONES float largestNarrow(const uint16_t *x, size_t begin, size_t end) {
  uint32_t most = 0;
  for (size_t i = begin; i < end; ++i) {
    const uint32_t magnitude = x[i] & 0x7fffu;
    most = magnitude > most ? magnitude : most;
  }
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

CK_CLONES void quantise(const float *x, int8_t *y, size_t count, float factor) {
  for (size_t i = 0; i < count; ++i) y[i] = rounded(x[i] * factor);
}

CK_CLONES void quantiseNarrow(const uint16_t *x, int8_t *y, size_t count, float factor) {
  for (size_t i = 0; i < count; ++i) y[i] = rounded(ck::fromBFloat16(x[i]) * factor);
}

/// Writes rows of numbers in 8 bits, zeros behind them up to `stride`, and what one step of each is worth.
void quantised(const void *x, ck_type type, size_t rows, size_t columns, size_t stride, int8_t *y, float *scales) {
  ck::parallel(rows, ck::rowGrain(columns), [&](size_t first, size_t last) {
    for (size_t row = first; row < last; ++row) {
      const size_t begin = row * columns, end = begin + columns;
      const auto *narrow = static_cast<const uint16_t *>(x);
      const auto *wide = static_cast<const float *>(x);
      const float scale = (type == CK_BFLOAT16 ? largestNarrow(narrow, begin, end) : largest(wide, begin, end)) / 127;
      const float factor = scale > 0 ? 1 / scale : 0;
      scales[row] = scale;
      int8_t *out = y + row * stride;
      if (type == CK_BFLOAT16) {
        quantiseNarrow(narrow + begin, out, columns, factor);
      } else {
        quantise(wide + begin, out, columns, factor);
      }
      std::fill(out + columns, out + stride, int8_t{0});
    }
  });
}

CK_CLONES void scaled(const int32_t *sums, float rowScale, const float *scales, const float *bias, size_t n, float *y) {
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<float>(sums[i]) * (rowScale * scales[i]) + (bias ? bias[i] : 0);
}

CK_CLONES void scaledNarrow(const int32_t *sums, float rowScale, const float *scales, const float *bias, size_t n,
                            uint16_t *y) {
  for (size_t i = 0; i < n; ++i) {
    y[i] = ck::toBFloat16(static_cast<float>(sums[i]) * (rowScale * scales[i]) + (bias ? bias[i] : 0));
  }
}

}  // namespace

bool ck_has_int8(void) { return ck::has(dnnl::cpu_isa::avx512_core_vnni); }

ck_int8_weight *ck_int8_pack(const float *weight, int64_t outputs, int64_t inputs) {
  auto *packed = new ck_int8_weight;
  packed->outputs = outputs;
  packed->inputs = inputs;
  packed->scales.resize(outputs);
  packed->padded = (inputs + 3) / 4 * 4;
  packed->values.resize(outputs * packed->padded);
  ck::parallel(outputs, ck::rowGrain(inputs), [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float *values = weight + row * inputs;
      const float scale = largest(values, 0, inputs) / 127;
      packed->scales[row] = scale;
      quantise(values, packed->values.data() + row * packed->padded, inputs, scale > 0 ? 1 / scale : 0);
    }
  });
  return packed;
}

void ck_int8_release(ck_int8_weight *weight) { delete weight; }

bool ck_int8_linear(ck_int8_weight *weight, const void *x, ck_type x_type, int64_t rows, const float *bias, void *y,
                    ck_type y_type) {
  const int64_t n = weight->outputs, k = weight->inputs;
  const ck::Timed timed("linear, 8 bits", 2.0 * rows * n * k, static_cast<double>(rows * k + n * k + 2 * rows * n));
  if (rows == 0) return true;
  static ck::PrimitiveCache<Product> cache;
  static std::vector<float> rowScales;
  try {
    Product &product = cache.get({rows, n, weight->padded}, [&] { return make(rows, n, weight->padded); });
    memory input = ck::scratch(product.x, 1), sums = ck::scratch(product.y, 2);
    rowScales.resize(rows);
    quantised(x, x_type, rows, k, weight->padded, static_cast<int8_t *>(input.get_data_handle()), rowScales.data());
    product.primitive.execute(ck::stream(), {{DNNL_ARG_SRC, input},
                                             {DNNL_ARG_WEIGHTS, layout(*weight, product.weight)},
                                             {DNNL_ARG_DST, sums},
                                             {DNNL_ARG_SCRATCHPAD, ck::scratch(product.scratch)}});
    const auto *whole = static_cast<const int32_t *>(sums.get_data_handle());
    ck::parallel(rows, ck::rowGrain(n), [&](size_t first, size_t last) {
      for (size_t row = first; row < last; ++row) {
        const float scale = rowScales[row];
        if (y_type == CK_BFLOAT16) {
          scaledNarrow(whole + row * n, scale, weight->scales.data(), bias, n, static_cast<uint16_t *>(y) + row * n);
        } else {
          scaled(whole + row * n, scale, weight->scales.data(), bias, n, static_cast<float *>(y) + row * n);
        }
      }
    });
    return true;
  } catch (const std::exception &error) {
    return ck::fail("linear in 8 bits", error.what());
  }
}
