// Products of small matrices inside one thread, for kernels that keep what lies between them in cache.
//
// c[rows, columns] (+)= a · b: a is read one value at a time by any strides, b is packed with rows of a
// multiple of 16 columns. In bfloat16 the depth goes by pairs: b holds pairs of rows side by side, and two
// values of a that follow one another along the depth lie side by side too.
#pragma once
#include "lanes.hpp"

namespace ck {

inline size_t paddedTo(size_t count, size_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

/// How operands lie in float32: a step of depth is one value.
struct Float32Operands {
  using Value = float;
  static constexpr size_t step = 1;
  static constexpr ck_type type = CK_FLOAT32;
  static float store(float x) { return x; }
};

/// How operands lie in bfloat16: a step of depth is a pair of values.
struct BFloat16Operands {
  using Value = uint16_t;
  static constexpr size_t step = 2;
  static constexpr ck_type type = CK_BFLOAT16;
  static uint16_t store(float x) { return ck::toBFloat16(x); }
};

/// row and depth: how far apart a's rows and its steps of depth lie, in values. b_row and c_row: how far apart
/// rows of b (each a step of depth, `step` values a column) and of c lie, in columns. depth in steps.
struct SmallProduct {
  ptrdiff_t a_row, a_depth;
  size_t b_row, c_row;
  size_t rows, columns, depth;
  bool add;
};

void smallProduct(const SmallProduct &shape, const float *a, const float *b, float *c);
void smallProduct(const SmallProduct &shape, const uint16_t *a, const uint16_t *b, float *c);

}  // namespace ck
