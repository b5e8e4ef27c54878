// The statistics of one row of logits, shared by the loss, the alignment and greedy decoding.
#pragma once
#include <algorithm>
#include <cstddef>

#include "extended_exponent.hpp"

namespace ck {

/// The largest element; NaNs are passed over. x [count], count >= 1.
CK_INLINE float rowMaximum(const float *x, size_t count) {
  constexpr size_t laneCount = 32;
  if (count < laneCount) {
    float largest = x[0];
    for (size_t i = 1; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
  }
  float lanes[laneCount];
  for (size_t j = 0; j < laneCount; ++j) lanes[j] = x[j];
  for (size_t i = laneCount; i < count; i += laneCount) {
    const float *chunk = x + std::min(i, count - laneCount);  // the last chunk may overlap
    for (size_t j = 0; j < laneCount; ++j) lanes[j] = chunk[j] > lanes[j] ? chunk[j] : lanes[j];
  }
  float largest = lanes[0];
  for (size_t j = 1; j < laneCount; ++j) largest = lanes[j] > largest ? lanes[j] : largest;
  return largest;
}

/// scaled[i] = exp(x[i] - largest), and returns their sum; not finite when the row is not usable.
///
/// The largest term is exactly 1, so the sum less 1 keeps its relative precision.
/// scaled has room for count rounded up to 8.
CK_INLINE double rowExponentials(const float *x, size_t count, double largest, double *scaled) {
  for (size_t i = 0; i < count; ++i) {
    double mantissa, exponent;
    splitExp(static_cast<double>(x[i]) - largest, mantissa, exponent);
    scaled[i] = mantissa * powerOfTwo(exponent);
  }
  const size_t padded = (count + 7) / 8 * 8;
  for (size_t i = count; i < padded; ++i) scaled[i] = 0;
  double lanes[8] = {};
  for (size_t i = 0; i < padded; i += 8)
    for (size_t j = 0; j < 8; ++j) lanes[j] += scaled[i + j];
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

}  // namespace ck
