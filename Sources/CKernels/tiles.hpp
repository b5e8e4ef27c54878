// Arrays in float32 or bfloat16 seen as float32, a tile that fits the first-level cache at a time: one loop
// serves every mix of types, and what a chain of loops passes on never leaves the cache.
#pragma once
#include "vector.hpp"

namespace ck {

constexpr size_t tileSize = 1024;

/// A const or mutable array of either type.
struct ConstArray {
  const void *data;
  ck_type type;
};
struct Array {
  void *data;
  ck_type type;
};

void narrow(const float *x, uint16_t *y, size_t count);
/// y = x / (1 − rate) where a draw by (seed, first + i) keeps it, else 0; y may be x.
void drop(const float *x, float *y, size_t count, float rate, uint64_t seed, size_t first);

/// Elements start ..< start + count, in place or widened into `buffer`.
inline const float *read(ConstArray x, size_t start, size_t count, float *buffer) {
  if (x.type == CK_FLOAT32) return static_cast<const float *>(x.data) + start;
  ck_widen_bf16(buffer, static_cast<const uint16_t *>(x.data) + start, count);
  return buffer;
}

/// Where to write elements from start on: in place, or `buffer`, which `write` then stores.
inline float *target(Array y, size_t start, float *buffer) {
  return y.type == CK_FLOAT32 ? static_cast<float *>(y.data) + start : buffer;
}

inline void write(Array y, size_t start, size_t count, const float *buffer) {
  if (y.type == CK_BFLOAT16) narrow(buffer, static_cast<uint16_t *>(y.data) + start, count);
}

inline double elementBytes(ck_type type) { return type == CK_FLOAT32 ? 4 : 2; }

/// Calls body(start, count) for each tile of [0, elements), in parallel.
template <typename Body>
inline void overTiles(size_t elements, Body &&body) {
  parallel(elements, elementGrain, [&](size_t begin, size_t end) {
    for (size_t start = begin; start < end; start += tileSize) {
      body(start, end - start < tileSize ? end - start : tileSize);
    }
  });
}

}  // namespace ck
