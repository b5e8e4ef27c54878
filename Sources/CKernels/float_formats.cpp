#include "vector.hpp"

// Written as selects on integers, so that every loop becomes vector instructions on every processor, and so
// that flushing of denormals, which a library may have switched on, changes nothing.

static inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

CK_CLONES void ck_widen_f16(float *dst, const uint16_t *src, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const uint32_t sign = static_cast<uint32_t>(src[i] & 0x8000u) << 16;
    const uint32_t rest = static_cast<uint32_t>(src[i] & 0x7fffu) << 13;
    const uint32_t normal = rest + (112u << 23);
    const uint32_t special = rest | (255u << 23);
    // A denormal is its fraction above 2^-14; subtracting the implicit one normalises it.
    const uint32_t denormal = bits_of(float_of(normal + (1u << 23)) - float_of(113u << 23));
    const uint32_t exponent = rest >> 23;
    dst[i] = float_of(sign | (exponent == 31 ? special : exponent == 0 ? denormal : normal));
  }
}

CK_CLONES void ck_widen_bf16(float *dst, const uint16_t *src, size_t n) {
  for (size_t i = 0; i < n; ++i) dst[i] = ck::fromBFloat16(src[i]);
}

CK_CLONES void ck_narrow_f64(float *dst, const double *src, size_t n) {
  for (size_t i = 0; i < n; ++i) dst[i] = static_cast<float>(src[i]);
}

// After F. Giesen, float_to_half_fast3_rtne.
CK_CLONES size_t ck_narrow_f16(uint16_t *dst, const float *src, size_t n) {
  const uint32_t infinity = 255u << 23, too_large = 143u << 23, smallest_normal = 113u << 23;
  const uint32_t magic = 126u << 23;
  size_t overflows = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = bits_of(src[i]);
    const uint32_t sign = bits & 0x80000000u, size = bits ^ sign;
    // The adder itself rounds a denormal: the magic number's last place is binary16's smallest step.
    const uint32_t denormal = bits_of(float_of(size) + float_of(magic)) - magic;
    const uint32_t normal = (size - (112u << 23) + 0xfffu + ((size >> 13) & 1u)) >> 13;
    const uint32_t special = size > infinity ? 0x7e00u : 0x7c00u;
    const uint32_t result =
        size >= too_large ? special : size < smallest_normal ? denormal : normal;
    overflows += (result == 0x7c00u) & (size < infinity);
    dst[i] = static_cast<uint16_t>(result | (sign >> 16));
  }
  return overflows;
}

CK_CLONES size_t ck_narrow_bf16(uint16_t *dst, const float *src, size_t n) {
  const uint32_t infinity = 255u << 23;
  size_t overflows = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = bits_of(src[i]), size = bits & 0x7fffffffu;
    const uint16_t rounded = ck::toBFloat16(src[i]);
    dst[i] = rounded;
    overflows += ((rounded & 0x7fffu) == 0x7f80u) & (size < infinity);
  }
  return overflows;
}
