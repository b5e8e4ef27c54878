#include "small_products.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

using ck::Vector;

constexpr size_t rowBlock = 6, columnBlock = 4;

/// One block of c in registers: R rows of C vectors.
template <int R, int C>
CK_INLINE void block(const ck::SmallProduct &s, const float *a, const float *b, float *c) {
  Vector sums[R][C] = {};
  for (size_t k = 0; k < s.depth; k++) {
    Vector right[C];
    for (int j = 0; j < C; j++) right[j] = CK_LOAD(b + k * s.b_row + j * ck::lanes);
    for (int i = 0; i < R; i++) {
      const float left = a[i * s.a_row + static_cast<ptrdiff_t>(k) * s.a_depth];
      for (int j = 0; j < C; j++) sums[i][j] += left * right[j];
    }
  }
  for (int i = 0; i < R; i++) {
    for (int j = 0; j < C; j++) {
      float *target = c + i * s.c_row + j * ck::lanes;
      ck::store(target, s.add ? CK_LOAD(target) + sums[i][j] : sums[i][j]);
    }
  }
}

// The blocks of one product, for either type: BLOCK<R, C> is the code above or its bfloat16 twin.
#define CK_BLOCKS(BLOCK, STEP)                                                                      \
  for (size_t n = 0; n < s.columns; n += columnBlock * ck::lanes) {                                 \
    const size_t vectors = (s.columns - n) / ck::lanes;                                             \
    for (size_t m = 0; m < s.rows; m += rowBlock) {                                                 \
      const auto *left = a + static_cast<ptrdiff_t>(m) * s.a_row;                                   \
      const auto *right = b + n * (STEP);                                                           \
      float *out = c + m * s.c_row + n;                                                             \
      const size_t rows = s.rows - m < rowBlock ? s.rows - m : rowBlock;                            \
      switch (rows * 8 + (vectors < columnBlock ? vectors : columnBlock)) {                         \
        CK_ROWS(BLOCK, 1) CK_ROWS(BLOCK, 2) CK_ROWS(BLOCK, 3)                                       \
        CK_ROWS(BLOCK, 4) CK_ROWS(BLOCK, 5) CK_ROWS(BLOCK, 6)                                       \
      }                                                                                             \
    }                                                                                               \
  }
#define CK_ROWS(BLOCK, R)                                            \
  case R * 8 + 1: BLOCK<R, 1>(s, left, right, out); break;           \
  case R * 8 + 2: BLOCK<R, 2>(s, left, right, out); break;           \
  case R * 8 + 3: BLOCK<R, 3>(s, left, right, out); break;           \
  case R * 8 + 4: BLOCK<R, 4>(s, left, right, out); break;

CK_CLONES void float32Blocks(const ck::SmallProduct &s, const float *a, const float *b, float *c) {
  CK_BLOCKS(block, 1)
}

#if defined(__x86_64__)
#define CK_BF16_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

template <int R, int C>
__attribute__((always_inline)) CK_BF16_TARGET static inline void pairBlock(const ck::SmallProduct &s, const uint16_t *a,
                                                             const uint16_t *b, float *c) {
  __m512 sums[R][C];
  for (int i = 0; i < R; i++) {
    for (int j = 0; j < C; j++) sums[i][j] = _mm512_setzero_ps();
  }
  for (size_t k = 0; k < s.depth; k++) {
    __m512bh right[C];
    for (int j = 0; j < C; j++) {
      right[j] = (__m512bh)_mm512_loadu_si512(b + 2 * (k * s.b_row + j * ck::lanes));
    }
    for (int i = 0; i < R; i++) {
      int32_t pair;
      std::memcpy(&pair, a + i * s.a_row + static_cast<ptrdiff_t>(k) * s.a_depth, 4);
      const __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
      for (int j = 0; j < C; j++) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], left, right[j]);
    }
  }
  for (int i = 0; i < R; i++) {
    for (int j = 0; j < C; j++) {
      float *target = c + i * s.c_row + j * ck::lanes;
      const __m512 value = s.add ? _mm512_add_ps(_mm512_loadu_ps(target), sums[i][j]) : sums[i][j];
      _mm512_storeu_ps(target, value);
    }
  }
}

CK_BF16_TARGET void bfloat16Blocks(const ck::SmallProduct &s, const uint16_t *a, const uint16_t *b,
                                   float *c) {
  CK_BLOCKS(pairBlock, 2)
}
#endif

}  // namespace

void ck::smallProduct(const SmallProduct &shape, const float *a, const float *b, float *c) {
  float32Blocks(shape, a, b, c);
}

void ck::smallProduct(const SmallProduct &shape, const uint16_t *a, const uint16_t *b, float *c) {
#if defined(__x86_64__)
  bfloat16Blocks(shape, a, b, c);  // callers ask for bfloat16 only where ck_has_bfloat16()
#else
  __builtin_trap();
#endif
}
