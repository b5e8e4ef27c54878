#include "small_products.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>

#include "onednn.hpp"
#define CK_TILES 1
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

#if defined(CK_TILES)
/// Whether the processor multiplies tiles (AMX) and the system lets this process.
bool hasTiles() {
  static const bool has = [] {
    constexpr long requestPermission = 0x1023, tileData = 18;
    return ck::has(dnnl::cpu_isa::avx512_core_amx) && syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  }();
  return has;
}

/// What a tile holds: 16 rows of c or a, or 16 steps of depth of b, 64 bytes each.
constexpr size_t tileRows = 16;

/// Tiles 0 to 3 are of c, 4 and 5 of a, both of so many rows; 6 and 7 are of b.
struct alignas(64) TileSettings {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  explicit TileSettings(size_t count) {
    for (int tile = 0; tile < 6; ++tile) rows[tile] = static_cast<uint8_t>(count);
  }
};

#define CK_TILE_TARGET __attribute__((target("amx-tile,amx-bf16")))
#define CK_TILE_AT(i, j) (c + (i) * tileRows * s.c_row + (j) * tileRows)

/// 32 rows of 32 columns, or half as many of either: c in tiles 0 to 3, a in 4 and 5, b in 6 and 7.
template <int R, int C>
CK_TILE_TARGET void tileBlock(const ck::SmallProduct &s, const uint16_t *a, const uint16_t *b, float *c) {
  const size_t a_bytes = 2 * s.a_row, b_bytes = 4 * s.b_row, c_bytes = 4 * s.c_row;
  if (s.add) {
    _tile_loadd(0, CK_TILE_AT(0, 0), c_bytes);
    if (C == 2) _tile_loadd(1, CK_TILE_AT(0, 1), c_bytes);
    if (R == 2) _tile_loadd(2, CK_TILE_AT(1, 0), c_bytes);
    if (R == 2 && C == 2) _tile_loadd(3, CK_TILE_AT(1, 1), c_bytes);
  } else {
    _tile_zero(0);
    if (C == 2) _tile_zero(1);
    if (R == 2) _tile_zero(2);
    if (R == 2 && C == 2) _tile_zero(3);
  }
  for (size_t k = 0; k < s.depth; k += tileRows) {
    const uint16_t *left = a + 2 * k, *right = b + 2 * k * s.b_row;
    _tile_loadd(4, left, a_bytes);
    _tile_loadd(6, right, b_bytes);
    _tile_dpbf16ps(0, 4, 6);
    if (C == 2) {
      _tile_loadd(7, right + 2 * tileRows, b_bytes);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (R == 2) {
      _tile_loadd(5, left + tileRows * s.a_row, a_bytes);
      _tile_dpbf16ps(2, 5, 6);
    }
    if (R == 2 && C == 2) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, CK_TILE_AT(0, 0), c_bytes);
  if (C == 2) _tile_stored(1, CK_TILE_AT(0, 1), c_bytes);
  if (R == 2) _tile_stored(2, CK_TILE_AT(1, 0), c_bytes);
  if (R == 2 && C == 2) _tile_stored(3, CK_TILE_AT(1, 1), c_bytes);
}

/// A product whose depth is of whole tiles, with steps that follow one another in a. What a row gives does not
/// depend on how many there are.
CK_TILE_TARGET void tileBlocks(const ck::SmallProduct &s, const uint16_t *a, const uint16_t *b, float *c) {
  size_t set = 0;
  for (size_t m = 0; m < s.rows;) {
    const size_t rows = s.rows - m < tileRows ? s.rows - m : tileRows;
    const bool both = s.rows - m >= 2 * tileRows;
    if (rows != set) {
      const TileSettings settings(rows);
      _tile_loadconfig(&settings);
      set = rows;
    }
    for (size_t n = 0; n < s.columns; n += 2 * tileRows) {
      const uint16_t *left = a + static_cast<ptrdiff_t>(m) * s.a_row, *right = b + 2 * n;
      float *out = c + m * s.c_row + n;
      const bool wide = s.columns - n > tileRows;
      if (both && wide) tileBlock<2, 2>(s, left, right, out);
      else if (both) tileBlock<2, 1>(s, left, right, out);
      else if (wide) tileBlock<1, 2>(s, left, right, out);
      else tileBlock<1, 1>(s, left, right, out);
    }
    m += both ? 2 * tileRows : rows;
  }
  _tile_release();
}

/// In tiles as deep as whole ones go; the rest in vectors.
void tiledBlocks(const ck::SmallProduct &s, const uint16_t *a, const uint16_t *b, float *c) {
  ck::SmallProduct whole = s, rest = s;
  whole.depth = s.depth / tileRows * tileRows;
  if (s.a_depth != 2 || whole.depth == 0) return bfloat16Blocks(s, a, b, c);
  tileBlocks(whole, a, b, c);
  rest.depth = s.depth - whole.depth;
  rest.add = true;
  if (rest.depth > 0) bfloat16Blocks(rest, a + 2 * whole.depth, b + 2 * whole.depth * s.b_row, c);
}
#endif

}  // namespace

void ck::smallProduct(const SmallProduct &shape, const float *a, const float *b, float *c) {
  float32Blocks(shape, a, b, c);
}

void ck::smallProduct(const SmallProduct &shape, const uint16_t *a, const uint16_t *b, float *c) {
#if defined(CK_TILES)
  if (hasTiles()) return tiledBlocks(shape, a, b, c);
#endif
#if defined(__x86_64__)
  bfloat16Blocks(shape, a, b, c);  // callers ask for bfloat16 only where ck_has_bfloat16()
#else
  __builtin_trap();
#endif
}
