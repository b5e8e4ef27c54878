// Powers of two apart from their mantissas: an exponential that cannot underflow.
#pragma once
#include "vector.hpp"

namespace ck {

CK_INLINE uint64_t bits(double x) {
  uint64_t b;
  std::memcpy(&b, &x, sizeof b);
  return b;
}

CK_INLINE double fromBits(uint64_t b) {
  double x;
  std::memcpy(&x, &b, sizeof x);
  return x;
}

/// 2^k for integral k <= 1023; 0 for k < -1022.
CK_INLINE double powerOfTwo(double k) {
  // Adding 1.5 * 2^52 leaves the biased exponent in the lowest bits of the significand.
  const double clamped = k > -1023.0 ? k : -1023.0;
  return fromBits(bits(clamped + (0x1.8p52 + 1023.0)) << 52);
}

/// exp(x) = mantissa * 2^exponent with mantissa in [0.7, 1.42], for x <= 700 and any depth below.
///
/// Relative error 1e-14; exactly 1 at 0; x below -1e12 counts as -1e12; NaN gives NaN.
CK_INLINE void splitExp(double x, double &mantissa, double &exponent) {
  x = x < -1e12 ? -1e12 : x;
  const double k = (x * 0x1.71547652b82fep0 + 0x1.8p52) - 0x1.8p52;
  double f = x - k * 0x1.62e42fefa3800p-1;  // ln 2 in two parts
  f = f - k * 0x1.ef35793c76730p-45;
  double p = 1.0 / 39916800;
  p = p * f + 1.0 / 3628800;
  p = p * f + 1.0 / 362880;
  p = p * f + 1.0 / 40320;
  p = p * f + 1.0 / 5040;
  p = p * f + 1.0 / 720;
  p = p * f + 1.0 / 120;
  p = p * f + 1.0 / 24;
  p = p * f + 1.0 / 6;
  p = p * f + 0.5;
  p = p * f + 1.0;
  p = p * f + 1.0;
  mantissa = p;
  exponent = k;
}

}  // namespace ck
