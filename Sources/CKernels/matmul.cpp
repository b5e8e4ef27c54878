#include "profile.hpp"
#include "onednn.hpp"
#include "vector.hpp"

using dnnl::memory;

namespace {

struct Product {
  dnnl::matmul primitive;
  memory::desc a, b, c, bias, scratch;
};

Product make(const ck_matmul_shape &s) {
  const memory::dims aStrides = {s.a_batch, s.a_row, s.a_column};
  const memory::dims bStrides = {s.b_batch, s.b_row, s.b_column};
  // One batch is a plain matrix: oneDNN picks faster kernels for two dimensions than for three.
  const bool flat = s.batch == 1;
  auto desc = [&](int64_t rows, int64_t columns, const memory::dims &strides, int64_t batch,
                  ck_type type) {
    if (flat) {
      return memory::desc({rows, columns}, ck::dataType(type), {strides[1], strides[2]});
    }
    return memory::desc({strides[0] == 0 ? 1 : batch, rows, columns}, ck::dataType(type),
                        {strides[0] == 0 ? rows * columns : strides[0], strides[1], strides[2]});
  };
  Product product;
  product.a = desc(s.m, s.k, aStrides, s.batch, s.a_type);
  product.b = desc(s.k, s.n, bStrides, s.batch, s.b_type);
  product.c = desc(s.m, s.n, {s.c_batch, s.c_row, 1}, s.batch, s.c_type);
  const memory::dims biasDims = flat ? memory::dims{1, s.n} : memory::dims{1, 1, s.n};
  if (s.has_bias) {
    product.bias = memory::desc(biasDims, memory::data_type::f32,
                                flat ? memory::format_tag::ab : memory::format_tag::abc);
  }
  auto attributes = ck::sharedScratchpad();
  if (s.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
#if DNNL_VERSION_MAJOR >= 3
  const auto described =
      s.has_bias ? dnnl::matmul::primitive_desc(ck::engine(), product.a, product.b, product.bias,
                                                product.c, attributes)
                 : dnnl::matmul::primitive_desc(ck::engine(), product.a, product.b, product.c,
                                                attributes);
#else
  const auto operation =
      s.has_bias ? dnnl::matmul::desc(product.a, product.b, product.bias, product.c)
                 : dnnl::matmul::desc(product.a, product.b, product.c);
  const auto described = dnnl::matmul::primitive_desc(operation, attributes, ck::engine());
#endif
  product.scratch = described.scratchpad_desc();
  product.primitive = dnnl::matmul(described);
  return product;
}

/// c of a product over no terms, which oneDNN leaves unwritten: bias or 0, or c itself when accumulating.
void emptySum(const ck_matmul_shape &s, const float *bias, void *c) {
  for (int64_t row = 0; row < s.batch * s.m; row++) {
    const int64_t start = row / s.m * s.c_batch + row % s.m * s.c_row;
    for (int64_t j = 0; j < s.n; j++) {
      const float value = s.has_bias ? bias[j] : 0;
      if (s.c_type == CK_BFLOAT16) {
        uint16_t &target = static_cast<uint16_t *>(c)[start + j];
        target = ck::toBFloat16(value + (s.accumulate ? ck::fromBFloat16(target) : 0));
      } else {
        float &target = static_cast<float *>(c)[start + j];
        target = value + (s.accumulate ? target : 0);
      }
    }
  }
}

/// The layout tells what a product is for: rows by rows forward, columns by columns weight gradients.
const char *name(const ck_matmul_shape &s) {
  if (s.batch > 1) return "matmul, batched";
  if (s.a_column != 1) return "matmul, aT.b";
  return s.b_column != 1 ? "matmul, a.bT" : "matmul, a.b";
}

double traffic(const ck_matmul_shape &s) {
  auto size = [](ck_type type) { return type == CK_BFLOAT16 ? 2.0 : 4.0; };
  return s.batch * (s.m * s.k * size(s.a_type) + s.k * s.n * size(s.b_type) +
                    s.m * s.n * size(s.c_type) * (s.accumulate ? 2 : 1));
}

/// Of products in bfloat16 those whose terms leave one place of a tile's 32 free (see `hasFaultyTiles`).
bool isPaddedWrongly(const ck_matmul_shape &s) {
  return ck::hasFaultyTiles() && s.a_type == CK_BFLOAT16 && s.b_type == CK_BFLOAT16 && s.k % 32 == 31;
}

/// All terms but the last, and then that one.
bool withLastTermAlone(const ck_matmul_shape &s, const void *a, const void *b, const float *bias, void *c) {
  ck_matmul_shape most = s, last = s;
  most.k = s.k - 1;
  last.k = 1;
  last.accumulate = true;
  last.has_bias = false;
  return ck_matmul(&most, a, b, bias, c) &&
         ck_matmul(&last, static_cast<const uint16_t *>(a) + most.k * s.a_column,
                   static_cast<const uint16_t *>(b) + most.k * s.b_row, nullptr, c);
}

}  // namespace

bool ck_matmul(const ck_matmul_shape *shape, const void *a, const void *b, const float *bias,
               void *c) {
  const ck_matmul_shape &s = *shape;
  if (isPaddedWrongly(s)) return withLastTermAlone(s, a, b, bias, c);
  const ck::Timed timed(name(s), 2.0 * s.batch * s.m * s.n * s.k, traffic(s));
  static ck::PrimitiveCache<Product> cache;
  if (s.batch == 0 || s.m == 0 || s.n == 0) return true;
  if (s.k == 0) {
    emptySum(s, bias, c);
    return true;
  }
  try {
    Product &product = cache.get(
        {s.batch, s.m, s.n, s.k, s.a_batch, s.a_row, s.a_column, s.b_batch, s.b_row, s.b_column,
         s.c_batch, s.c_row, s.a_type | s.b_type << 2 | s.c_type << 4 | s.accumulate << 6 |
                                 s.has_bias << 7},
        [&] { return make(s); });
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, memory(product.a, ck::engine(), const_cast<void *>(a))},
        {DNNL_ARG_WEIGHTS, memory(product.b, ck::engine(), const_cast<void *>(b))},
        {DNNL_ARG_DST, memory(product.c, ck::engine(), c)},
        {DNNL_ARG_SCRATCHPAD, ck::scratch(product.scratch)}};
    if (s.has_bias) {
      arguments.emplace(DNNL_ARG_BIAS,
                        memory(product.bias, ck::engine(), const_cast<float *>(bias)));
    }
    product.primitive.execute(ck::stream(), arguments);
    return true;
  } catch (const std::exception &error) {
    return ck::fail("matmul", error.what());
  }
}
