#include <algorithm>
#include <limits>

#include "lanes.hpp"

namespace {

using Eight = float __attribute__((vector_size(32)));
struct __attribute__((packed, aligned(4), may_alias)) EightInMemory {
  Eight value;
};

/// ln x to a unit in the last place (Cephes polynomial).
CK_INLINE float fastLog(float x) {
  // A number too small for its exponent is made larger first.
  const bool tiny = x < std::numeric_limits<float>::min();
  const float normal = tiny ? x * 8388608.0f : x;
  uint32_t bits;
  std::memcpy(&bits, &normal, 4);
  // The mantissa from √½ to √2.
  constexpr uint32_t half = 0x3F3504F3u;
  bits -= half;
  const int32_t exponent = (static_cast<int32_t>(bits) >> 23) - (tiny ? 23 : 0);
  bits = (bits & 0x007FFFFFu) + half;
  float mantissa;
  std::memcpy(&mantissa, &bits, 4);
  const float r = mantissa - 1.0f, square = r * r, e = static_cast<float>(exponent);
  float p = 7.0376836292e-2f;
  p = p * r - 1.1514610310e-1f;
  p = p * r + 1.1676998740e-1f;
  p = p * r - 1.2420140846e-1f;
  p = p * r + 1.4249322787e-1f;
  p = p * r - 1.6668057665e-1f;
  p = p * r + 2.0000714765e-1f;
  p = p * r - 2.4999993993e-1f;
  p = p * r + 3.3333331174e-1f;
  p = p * r * square - 2.12194440e-4f * e - 0.5f * square;
  float result = (r + p) + 0.693359375f * e;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  result = x < infinity ? result : x;
  result = x == 0 ? -infinity : result;
  return x < 0 ? std::numeric_limits<float>::quiet_NaN() : result;
}

CK_CLONES void logarithm(float *x, size_t count, ck_log_guard guard, float value, float factor) {
  switch (guard) {
    case CK_LOG_OFFSET:
      for (size_t i = 0; i < count; i++) x[i] = factor * fastLog(x[i] + value);
      return;
    case CK_LOG_FLOOR:
      for (size_t i = 0; i < count; i++) x[i] = factor * fastLog(x[i] < value ? value : x[i]);
      return;
    case CK_LOG_ZERO:
      for (size_t i = 0; i < count; i++) x[i] = factor * fastLog(x[i] == 0 ? value : x[i]);
  }
}

// The same loops in both precisions; clones are made of the functions below that name one.

template <typename Real>
CK_INLINE void takeSamples(const float *x, Real emphasis, Real scale, Real *__restrict out, size_t count) {
  if (emphasis == 0) {
    for (size_t i = 0; i < count; i++) out[i] = static_cast<Real>(x[i]) * scale;
  } else {
    for (size_t i = 0; i < count; i++) {
      out[i] = (static_cast<Real>(x[i]) - emphasis * static_cast<Real>(x[static_cast<ptrdiff_t>(i) - 1])) * scale;
    }
  }
}

/// The sum of `value` over 0 ..< count in float64, sixteen at a time.
template <typename Value>
CK_INLINE double sumOf(size_t count, Value value) {
  double sums[16] = {};
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t lane = 0; lane < 16; lane++) sums[lane] += value(i + lane);
  for (; i < count; i++) sums[i % 16] += value(i);
  double sum = 0;
  for (double lane : sums) sum += lane;
  return sum;
}

template <typename Real>
CK_INLINE void centre(Real *x, size_t count) {
  const double sum = sumOf(count, [x](size_t i) { return static_cast<double>(x[i]); });
  const Real mean = static_cast<Real>(sum / static_cast<double>(count));
  for (size_t i = 0; i < count; i++) x[i] -= mean;
}

template <typename Real>
CK_INLINE double squaresOf(const Real *x, size_t count) {
  return sumOf(count, [x](size_t i) { return static_cast<double>(x[i]) * static_cast<double>(x[i]); });
}

template <typename Real>
CK_INLINE void shape(const Real *x, Real emphasis, const Real *window, Real *__restrict out, size_t count) {
  if (emphasis == 0) {
    for (size_t i = 0; i < count; i++) out[i] = x[i] * window[i];
  } else {
    out[0] = (x[0] - emphasis * x[0]) * window[0];
    for (size_t i = 1; i < count; i++) out[i] = (x[i] - emphasis * x[i - 1]) * window[i];
  }
}

template <typename Real>
CK_INLINE void powerOf(const Real *pairs, float *__restrict out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    out[i] = static_cast<float>(pairs[2 * i] * pairs[2 * i] + pairs[2 * i + 1] * pairs[2 * i + 1]);
  }
}

/// With z the transform of pairs, E = z[k] + z*[n − k] and D = z[k] − z*[n − k], twice that of the real numbers is
/// E − (sin + i cos) · D, and its like at n − k is the conjugate of E + (sin + i cos) · D.
template <typename Real>
CK_INLINE void powerOfHalves(const Real *z, const Real *turns, float *__restrict out, size_t count) {
  using Vector = Real __attribute__((vector_size(8 * sizeof(Real))));
  struct __attribute__((packed, aligned(4), may_alias)) InMemory {
    Vector value;
  };
  using Powers = float __attribute__((vector_size(32)));
  const size_t half = count / 2;
  const Real *sines = turns, *cosines = turns + half + 1;
  out[0] = static_cast<float>((z[0] + z[1]) * (z[0] + z[1]));
  out[count] = static_cast<float>((z[0] - z[1]) * (z[0] - z[1]));
  const Real quarter = static_cast<Real>(0.25);
  if (half < 8) {
    for (size_t k = 1; k <= half; k++) {
      const Real *low = z + 2 * k, *high = z + 2 * (count - k);
      const Real er = low[0] + high[0], ei = low[1] - high[1], dr = low[0] - high[0], di = low[1] + high[1];
      const Real tr = sines[k] * dr - cosines[k] * di, ti = sines[k] * di + cosines[k] * dr;
      const Real ar = er - tr, ai = ei - ti, br = er + tr, bi = ei + ti;
      out[k] = static_cast<float>(quarter * (ar * ar + ai * ai));
      out[count - k] = static_cast<float>(quarter * (br * br + bi * bi));
    }
    return;
  }
  for (size_t block = 1; block <= half; block += 8) {
    // The last eight begin sooner where they would pass the middle.
    const size_t k = std::min(block, half - 7);
    const Vector low0 = reinterpret_cast<const InMemory *>(z + 2 * k)->value;
    const Vector low1 = reinterpret_cast<const InMemory *>(z + 2 * k + 8)->value;
    const Vector high0 = reinterpret_cast<const InMemory *>(z + 2 * (count - k) - 14)->value;
    const Vector high1 = reinterpret_cast<const InMemory *>(z + 2 * (count - k) - 6)->value;
    const Vector lr = __builtin_shufflevector(low0, low1, 0, 2, 4, 6, 8, 10, 12, 14);
    const Vector li = __builtin_shufflevector(low0, low1, 1, 3, 5, 7, 9, 11, 13, 15);
    const Vector hr = __builtin_shufflevector(high0, high1, 14, 12, 10, 8, 6, 4, 2, 0);
    const Vector hi = __builtin_shufflevector(high0, high1, 15, 13, 11, 9, 7, 5, 3, 1);
    const Vector s = reinterpret_cast<const InMemory *>(sines + k)->value;
    const Vector c = reinterpret_cast<const InMemory *>(cosines + k)->value;
    const Vector er = lr + hr, ei = li - hi, dr = lr - hr, di = li + hi;
    const Vector tr = s * dr - c * di, ti = s * di + c * dr;
    const Vector ar = er - tr, ai = ei - ti, br = er + tr, bi = ei + ti;
    const Vector a = quarter * (ar * ar + ai * ai), b = quarter * (br * br + bi * bi);
    const Vector turned = __builtin_shufflevector(b, b, 7, 6, 5, 4, 3, 2, 1, 0);
    reinterpret_cast<EightInMemory *>(out + k)->value = __builtin_convertvector(a, Powers);
    reinterpret_cast<EightInMemory *>(out + count - k - 7)->value = __builtin_convertvector(turned, Powers);
  }
}

CK_CLONES void samples(const float *x, float emphasis, float scale, float *out, size_t count) {
  takeSamples(x, emphasis, scale, out, count);
}
CK_CLONES void samples(const float *x, double emphasis, double scale, double *out, size_t count) {
  takeSamples(x, emphasis, scale, out, count);
}
CK_CLONES void removeMean(float *x, size_t count) { centre(x, count); }
CK_CLONES void removeMean(double *x, size_t count) { centre(x, count); }
CK_CLONES double squares(const float *x, size_t count) { return squaresOf(x, count); }
CK_CLONES double squares(const double *x, size_t count) { return squaresOf(x, count); }
CK_CLONES void windowed(const float *x, float emphasis, const float *window, float *out, size_t count) {
  shape(x, emphasis, window, out, count);
}
CK_CLONES void windowed(const double *x, double emphasis, const double *window, double *out, size_t count) {
  shape(x, emphasis, window, out, count);
}
CK_CLONES void power(const float *pairs, float *out, size_t count) { powerOf(pairs, out, count); }
CK_CLONES void power(const double *pairs, float *out, size_t count) { powerOf(pairs, out, count); }

CK_CLONES void halvesPower(const float *z, const float *turns, float *out, size_t count) {
  powerOfHalves(z, turns, out, count);
}
CK_CLONES void halvesPower(const double *z, const double *turns, float *out, size_t count) {
  powerOfHalves(z, turns, out, count);
}

CK_CLONES float largest(const float *x, size_t count) {
  float found[16];
  for (float &lane : found) lane = -std::numeric_limits<float>::infinity();
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t lane = 0; lane < 16; lane++) found[lane] = x[i + lane] > found[lane] ? x[i + lane] : found[lane];
  for (; i < count; i++) found[0] = std::max(found[0], x[i]);
  return *std::max_element(found, found + 16);
}

CK_CLONES double sum(const float *x, size_t count) {
  return sumOf(count, [x](size_t i) { return static_cast<double>(x[i]); });
}

// Sums of neighbours of two vectors, then of four, then of eight: a tree that adds eight vectors' elements up.
#define CK_PAIRS(a, b) \
  (__builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15))
#define CK_FOURS(a, b) \
  (__builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15))
#define CK_EIGHTS(a, b) \
  (__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15))

CK_CLONES void bandSums(const float *power, const int32_t *starts, const int32_t *widths, const float *weights,
                        size_t bands, float *out) {
#define CK_BINS(b) reinterpret_cast<const EightInMemory *>(power + starts[first + b] + 8 * k)->value
#define CK_WEIGHTS(b) reinterpret_cast<const EightInMemory *>(weights + 8 * b)->value
  for (size_t first = 0; first < bands; first += 8) {
    Eight a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {};
    for (int32_t k = 0; k < widths[first / 8]; k++, weights += 64) {
      a += CK_BINS(0) * CK_WEIGHTS(0);
      b += CK_BINS(1) * CK_WEIGHTS(1);
      c += CK_BINS(2) * CK_WEIGHTS(2);
      d += CK_BINS(3) * CK_WEIGHTS(3);
      e += CK_BINS(4) * CK_WEIGHTS(4);
      f += CK_BINS(5) * CK_WEIGHTS(5);
      g += CK_BINS(6) * CK_WEIGHTS(6);
      h += CK_BINS(7) * CK_WEIGHTS(7);
    }
    const Eight low = CK_FOURS(CK_PAIRS(a, b), CK_PAIRS(c, d)), high = CK_FOURS(CK_PAIRS(e, f), CK_PAIRS(g, h));
    const Eight all = CK_EIGHTS(low, high);
    if (first + 8 <= bands) {
      reinterpret_cast<EightInMemory *>(out + first)->value = all;
    } else {
      for (size_t band = first; band < bands; band++) out[band] = all[band - first];
    }
  }
#undef CK_BINS
#undef CK_WEIGHTS
}

CK_CLONES void project(const float *x, size_t count, const float *rows, size_t width, float *out) {
  const size_t stride = (width + ck::lanes - 1) / ck::lanes * ck::lanes;
  for (size_t first = 0; first < width; first += ck::lanes) {
    // Four sums, for one would wait for each addition to end.
    ck::Vector sums[4] = {};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
      for (size_t k = 0; k < 4; k++) sums[k] += x[i + k] * CK_LOAD(rows + (i + k) * stride + first);
    }
    for (; i < count; i++) sums[0] += x[i] * CK_LOAD(rows + i * stride + first);
    const ck::Vector sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (size_t lane = 0; lane < std::min(ck::lanes, width - first); lane++) out[first + lane] = sum[lane];
  }
}

CK_CLONES void addMoments(const float *row, size_t bins, double share, double *__restrict means,
                          double *__restrict squares) {
  for (size_t i = 0; i < bins; i++) {
    const double difference = row[i] - means[i];
    means[i] += difference * share;
    squares[i] += difference * (row[i] - means[i]);
  }
}

CK_CLONES void standardise(const float *x, size_t rows, size_t bins, const double *means, const double *scales,
                           float *__restrict out) {
  for (size_t row = 0; row < rows; row++) {
    for (size_t i = 0; i < bins; i++) {
      out[row * bins + i] = static_cast<float>((x[row * bins + i] - means[i]) * scales[i]);
    }
  }
}

CK_CLONES bool within(const float *x, size_t count, float limit) {
  bool found = true;
  // Whole blocks without a way out, which vectorise.
  for (size_t block = 0; block < count && found; block += 4096) {
    const size_t end = std::min(count, block + 4096);
    int beyond = 0;
    for (size_t i = block; i < end; i++) beyond |= !(x[i] < limit && x[i] > -limit);
    found = !beyond;
  }
  return found;
}

CK_CLONES bool finite(const float *x, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    std::memcpy(&bits, x + i, 4);
    bits &= 0x7FFFFFFFu;
    largest = bits > largest ? bits : largest;
  }
  return largest < 0x7F800000u;
}

}  // namespace

void ck_frame_samples(const float *x, float emphasis, float scale, float *out, size_t count) {
  samples(x, emphasis, scale, out, count);
}

void ck_frame_samples_double(const float *x, double emphasis, double scale, double *out, size_t count) {
  samples(x, emphasis, scale, out, count);
}

void ck_remove_mean(float *x, size_t count) { removeMean(x, count); }

void ck_remove_mean_double(double *x, size_t count) { removeMean(x, count); }

double ck_frame_energy(const float *x, size_t count) { return squares(x, count); }

double ck_frame_energy_double(const double *x, size_t count) { return squares(x, count); }

void ck_window_frame(const float *x, float emphasis, const float *window, float *out, size_t count) {
  windowed(x, emphasis, window, out, count);
}

void ck_window_frame_double(const double *x, double emphasis, const double *window, double *out, size_t count) {
  windowed(x, emphasis, window, out, count);
}

void ck_power_spectrum(const float *pairs, float *out, size_t count) { power(pairs, out, count); }

void ck_power_spectrum_double(const double *pairs, float *out, size_t count) { power(pairs, out, count); }

void ck_power_of_halves(const float *halves, const float *turns, float *out, size_t count) {
  halvesPower(halves, turns, out, count);
}

void ck_power_of_halves_double(const double *halves, const double *turns, float *out, size_t count) {
  halvesPower(halves, turns, out, count);
}

float ck_largest(const float *x, size_t count) { return largest(x, count); }

double ck_frame_sum(const float *x, size_t count) { return sum(x, count); }

void ck_bands(const float *power, const int32_t *starts, const int32_t *widths, const float *weights,
              size_t bands, float *out) {
  bandSums(power, starts, widths, weights, bands, out);
}

void ck_logarithm(float *x, size_t count, ck_log_guard guard, float value, float factor) {
  logarithm(x, count, guard, value, factor);
}

void ck_project(const float *x, size_t count, const float *rows, size_t width, float *out) {
  project(x, count, rows, width, out);
}

void ck_add_moments(const float *row, size_t bins, size_t count, double *means, double *squares) {
  addMoments(row, bins, 1 / static_cast<double>(count), means, squares);
}

void ck_standardise(const float *x, size_t rows, size_t bins, const double *means, const double *scales, float *out) {
  standardise(x, rows, bins, means, scales, out);
}

bool ck_all_within(const float *x, size_t count, float limit) { return within(x, count, limit); }

bool ck_all_finite(const float *x, size_t count) { return finite(x, count); }
