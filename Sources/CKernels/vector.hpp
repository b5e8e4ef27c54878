// What the vector loops share: run-time dispatch by processor, a parallel loop over a lambda, and
// transcendental functions that compilers can vectorise.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "CKernels.h"

// Processors with AVX512_BF16 run 512-bit vectors at full speed; compilers tune x86-64-v4 for older ones,
// which slow down for them, and so use 256 bits. CK_NO_AVX512 stays below both, CK_NO_CLONES below AVX2 too.
#if defined(__x86_64__) && defined(CK_NO_AVX512)
#define CK_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#elif defined(__x86_64__) && !defined(CK_NO_CLONES)
#define CK_CLONES \
  __attribute__((target_clones("avx512bf16", "arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CK_CLONES
#endif
#define CK_INLINE static inline __attribute__((always_inline))

namespace ck {

/// ck_parallel_for over a callable (begin, end).
template <typename Body>
inline void parallel(size_t count, size_t grain, Body &&body) {
  using Pure = typename std::remove_reference<Body>::type;
  ck_parallel_for(
      count, grain,
      [](void *context, size_t begin, size_t end) { (*static_cast<Pure *>(context))(begin, end); },
      const_cast<void *>(static_cast<const void *>(&body)));
}

/// Elements an elementwise loop gives a thread at least: below it, waking a worker costs more.
constexpr size_t elementGrain = 16384;

/// Rows of `columns` elements that make up one grain.
inline size_t rowGrain(size_t columns) { return columns == 0 ? 1 : elementGrain / columns + 1; }

/// e^x to 2 units in the last place (Cephes polynomial); x is held within −87.3 … 88.3, so the
/// result never is 0 or infinite. NaN stays NaN.
CK_INLINE float fastExp(float x) {
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.3f ? 88.3f : x;
  // Adding 1.5 · 2²³ leaves the nearest whole number in the last bits, whatever x is, NaN too.
  constexpr float shift = 12582912.0f;
  constexpr uint32_t shiftBits = 0x4B400000u;
  const float shifted = x * 1.44269504f + shift;
  const float n = shifted - shift;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float e = p * r * r + r + 1.0f;
  uint32_t bits;
  std::memcpy(&bits, &shifted, 4);
  bits = (bits - shiftBits + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, 4);
  return e * scale;
}

CK_INLINE float fastTanh(float x) {
  // Near 0 the quotient cancels; the series x − x³/3 + 2x⁵/15 is exact there to float32.
  const float square = x * x;
  const float series = x * (1.0f - square * (0.333333333f - square * 0.133333333f));
  const float e = fastExp(2.0f * x);
  const float quotient = (e - 1.0f) / (e + 1.0f);
  return square < 2.5e-3f ? series : quotient;
}

/// erf x to 3 units in the last place, by polynomials fitted to it: x · P(x²) up to 1, beyond it 1 − e^Q(|x|).
CK_INLINE float fastErf(float x) {
  const float size = x < 0 ? -x : x;
  const float square = x * x;
  float p = 7.889119544e-05f;
  p = p * square - 8.020841284e-04f;
  p = p * square + 5.189535340e-03f;
  p = p * square - 2.685444459e-02f;
  p = p * square + 1.128360018e-01f;
  p = p * square - 3.761262714e-01f;
  p = p * square + 1.128379166e+00f;
  // From 4 on nothing is left of 1 − erf x in float32.
  const float far = size > 4.0f ? 4.0f : size;
  float q = 1.8557489309e-04f;
  q = q * far - 2.9396157343e-03f;
  q = q * far + 2.1805351150e-02f;
  q = q * far - 1.0303743551e-01f;
  q = q * far - 6.3822560238e-01f;
  q = q * far - 1.1270400800e+00f;
  q = q * far - 3.5370893107e-04f;
  const float tail = 1.0f - fastExp(q);
  return square < 1.0f ? x * p : (x < 0 ? -tail : tail);
}

CK_INLINE float sigmoid(float x) { return 1.0f / (1.0f + fastExp(-x)); }

/// float32 to bfloat16, to nearest, ties to even; NaN stays NaN, with its sign.
CK_INLINE uint16_t toBFloat16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40;
  return static_cast<uint16_t>((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
}

CK_INLINE float fromBFloat16(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

/// A random word that a seed and an index determine: 32-bit multiplications, which vectorise well
/// (Wellons' lowbias32, with the seed's halves mixed in before and between).
CK_INLINE uint32_t hashIndex(uint64_t seed, uint64_t index) {
  uint32_t z = static_cast<uint32_t>(index) + static_cast<uint32_t>(seed);
  z = (z ^ (z >> 16)) * 0x7FEB352Du;
  z ^= static_cast<uint32_t>(seed >> 32) + static_cast<uint32_t>(index >> 32);
  z = (z ^ (z >> 15)) * 0x846CA68Bu;
  return z ^ (z >> 16);
}

}  // namespace ck
