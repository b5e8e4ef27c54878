// Linear layers in 8 bits, for inference: weights quantised once by output channel, what comes in anew each time, row
// by row by its largest magnitude; sums are whole numbers, what goes out is float32 or bfloat16.
#include <algorithm>
#include <atomic>
#include <vector>

#include "onednn.hpp"
#include "profile.hpp"
#include "vector.hpp"
#include "workspace.hpp"

using dnnl::memory;

struct ck_int8_weight {
  // `padded` inputs are a multiple of four, zeros behind the others: of other numbers oneDNN 2.6 fills tiles (AMX)
  // wrongly, and some of those end the process.
  int64_t outputs, inputs, padded;
  std::vector<float> scales;
  std::vector<int8_t> values;
  // Of each stripe of outputs, in the layouts that primitives ask for, which depend on the number of rows.
  struct Packed {
    int64_t first;
    memory weight;
  };
  std::vector<Packed> packed;
};

namespace {

struct Product {
  dnnl::matmul primitive;
  memory::desc x, weight, y, scratch;
};

// Sums stay whole numbers: oneDNN 2 has no fast product that scales them by a factor known late. Threads work on blocks
// of their own, whose sums are scaled while they are in the cache, so that each product is one thread's.
Product make(int64_t m, int64_t n, int64_t k) {
  Product product;
  const int threads = ck_threads();
  ck_set_threads(1);
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
  ck_set_threads(threads);
  return product;
}

/// The weights of outputs from `first` on, in a layout; not yet written where they are new.
memory layout(ck_int8_weight &weight, int64_t first, const memory::desc &wanted,
              std::vector<ck_int8_weight::Packed> &unwritten) {
  for (const auto &kept : weight.packed) {
    if (kept.first == first && kept.weight.get_desc() == wanted) return kept.weight;
  }
  weight.packed.push_back({first, memory(wanted, ck::engine())});
  unwritten.push_back(weight.packed.back());
  return weight.packed.back().weight;
}

/// Runs `body` for each of `count`, on all threads.
///
/// - Returns: whether none threw: beyond a thread no exception may pass.
template <typename Body>
bool forEach(size_t count, Body &&body) {
  std::atomic<bool> held{true};
  ck::parallel(count, 1, [&](size_t first, size_t last) {
    try {
      dnnl::stream stream(ck::engine());
      for (size_t index = first; index < last; ++index) body(index, stream);
    } catch (const std::exception &) {
      held = false;
    }
  });
  return held;
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

/// How rows and outputs are parted: so that a block's sums, and the weights they need, stay in a thread's cache, and
/// each thread gets as many blocks.
struct Blocks {
  int64_t rows, columns;
  Blocks(int64_t m, int64_t n) {
    const int64_t threads = ck_threads(), most = 256;
    const int64_t stripes = (n + threads * most - 1) / (threads * most) * threads;
    columns = ((n + stripes - 1) / stripes + 15) / 16 * 16;
    const int64_t parts = (m + 511) / 512;
    rows = (m + parts - 1) / parts;
  }
};

struct Block {
  int64_t row, column, rows, columns;
  Product product;
  memory weight;
};

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
    const Blocks blocks(rows, n);
    std::vector<Block> work;
    std::vector<ck_int8_weight::Packed> unwritten;
    size_t sumBytes = 0, scratchBytes = 0;
    for (int64_t column = 0; column < n; column += blocks.columns) {
      for (int64_t row = 0; row < rows; row += blocks.rows) {
        Block block{row, column, std::min(blocks.rows, rows - row), std::min(blocks.columns, n - column)};
        block.product = cache.get({block.rows, block.columns, weight->padded}, [&] {
          return make(block.rows, block.columns, weight->padded);
        });
        block.weight = layout(*weight, column, block.product.weight, unwritten);
        sumBytes = std::max(sumBytes, block.product.y.get_size());
        scratchBytes = std::max(scratchBytes, block.product.scratch.get_size());
        work.push_back(block);
      }
    }
    const bool packs = forEach(unwritten.size(), [&](size_t index, dnnl::stream &stream) {
      const auto &made = unwritten[index];
      memory plain({{weight->padded, std::min(blocks.columns, n - made.first)}, memory::data_type::s8,
                    memory::format_tag::ba}, ck::engine(),
                   weight->values.data() + made.first * weight->padded);
      memory target = made.weight;
      dnnl::reorder(plain, target).execute(stream, plain, target);
    });
    if (!packs) {
      weight->packed.clear();
      return ck::fail("linear in 8 bits", "its weights cannot be packed");
    }
    rowScales.resize(rows);
    const memory::desc all({rows, weight->padded}, memory::data_type::s8, memory::format_tag::ab);
    auto *input = static_cast<int8_t *>(ck::scratch(all, 1).get_data_handle());
    quantised(x, x_type, rows, k, weight->padded, input, rowScales.data());
    const bool multiplies = forEach(work.size(), [&](size_t index, dnnl::stream &stream) {
      static thread_local ck::Workspace space;
      space.need<char>(sumBytes);
      space.need<char>(scratchBytes);
      space.begin();
      auto *const sums = space.take<char>(sumBytes), *const scratch = space.take<char>(scratchBytes);
      Block &block = work[index];
      const auto *whole = reinterpret_cast<const int32_t *>(sums);
      block.product.primitive.execute(
          stream, {{DNNL_ARG_SRC, memory(block.product.x, ck::engine(), input + block.row * weight->padded)},
                   {DNNL_ARG_WEIGHTS, block.weight},
                   {DNNL_ARG_DST, memory(block.product.y, ck::engine(), sums)},
                   {DNNL_ARG_SCRATCHPAD, memory(block.product.scratch, ck::engine(), scratch)}});
      const float *scales = weight->scales.data() + block.column, *own = bias ? bias + block.column : nullptr;
      for (int64_t row = 0; row < block.rows; ++row) {
        const int64_t place = (block.row + row) * n + block.column;
        const float scale = rowScales[block.row + row];
        if (y_type == CK_BFLOAT16) {
          scaledNarrow(whole + row * block.columns, scale, scales, own, block.columns,
                       static_cast<uint16_t *>(y) + place);
        } else {
          scaled(whole + row * block.columns, scale, scales, own, block.columns, static_cast<float *>(y) + place);
        }
      }
    });
    if (!multiplies) return ck::fail("linear in 8 bits", "a block could not be multiplied");
    return true;
  } catch (const std::exception &error) {
    // Some may be kept that were not yet written.
    weight->packed.clear();
    return ck::fail("linear in 8 bits", error.what());
  }
}
