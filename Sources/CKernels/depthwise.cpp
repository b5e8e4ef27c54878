#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "lanes.hpp"
#include "profile.hpp"

namespace {

/// Working memory, zero at first. Without memory the program ends in words: no exception may cross the C
/// interface, and a convolution's few kilobytes are not worth an error path through every caller.
class Scratch {
 public:
  explicit Scratch(size_t count)
      : values(static_cast<float *>(std::calloc(count == 0 ? 1 : count, sizeof(float)))) {
    if (values) return;
    std::fputs("idiolect: out of memory for a depthwise convolution\n", stderr);
    std::abort();
  }
  Scratch(Scratch &&other) noexcept : values(other.values) { other.values = nullptr; }
  Scratch(const Scratch &) = delete;
  ~Scratch() { std::free(values); }
  float &operator[](size_t index) { return values[index]; }
  float *data() const { return values; }

 private:
  float *values;
};

/// weight[columns, kernel] as [kernel, columns], so that the inner loop runs along columns.
Scratch byTap(const float *weight, size_t columns, size_t kernel, bool flip) {
  Scratch result(columns * kernel);
  for (size_t k = 0; k < kernel; k++) {
    const size_t tap = flip ? kernel - 1 - k : k;
    for (size_t c = 0; c < columns; c++) result[k * columns + c] = weight[c * kernel + tap];
  }
  return result;
}

using ck::lanes;
using ck::store;
using ck::Vector;

/// `V` vectors of columns of one frame: bias and the taps first ..< last, in registers.
template <size_t V>
CK_INLINE void correlateColumns(const float *x, const float *taps, const float *bias, float *out,
                                size_t columns, size_t first, size_t last) {
  Vector sums[V] = {};
  if (bias) {
    for (size_t v = 0; v < V; v++) sums[v] = CK_LOAD(bias + v * lanes);
  }
  for (size_t k = first; k < last; k++) {
    for (size_t v = 0; v < V; v++) {
      sums[v] += CK_LOAD(taps + k * columns + v * lanes) * CK_LOAD(x + k * columns + v * lanes);
    }
  }
  for (size_t v = 0; v < V; v++) store(out + v * lanes, sums[v]);
}

/// y[t] = bias + Σ_k taps[k] · x[t + k − before] over rows t + k − before in [0, readable), t in [begin, end).
CK_CLONES void correlate(const float *x, const float *taps, const float *bias, float *y,
                         size_t readable, size_t columns, size_t kernel, ptrdiff_t before, size_t begin,
                         size_t end) {
  for (size_t t = begin; t < end; t++) {
    const ptrdiff_t start = static_cast<ptrdiff_t>(t) - before;
    const ptrdiff_t limit = static_cast<ptrdiff_t>(readable) - start;
    const size_t first = start < 0 ? static_cast<size_t>(-start) : 0;
    const size_t last = limit < 0 ? 0 : (static_cast<size_t>(limit) < kernel ? limit : kernel);
    float *out = y + t * columns;
    const float *in = x + start * static_cast<ptrdiff_t>(columns);
    size_t c = 0;
    for (; c + 4 * lanes <= columns; c += 4 * lanes) {
      correlateColumns<4>(in + c, taps + c, bias ? bias + c : nullptr, out + c, columns, first, last);
    }
    for (; c + lanes <= columns; c += lanes) {
      correlateColumns<1>(in + c, taps + c, bias ? bias + c : nullptr, out + c, columns, first, last);
    }
    for (; c < columns; c++) {
      float sum = bias ? bias[c] : 0;
      for (size_t k = first; k < last; k++) {
        sum += taps[k * columns + c] * in[static_cast<ptrdiff_t>(k * columns + c)];
      }
      out[c] = sum;
    }
  }
}

/// Σ_t dy[t] · x[t + k − before] for `G` taps from k on and one vector of columns, in registers.
template <size_t G>
CK_INLINE void gradientTaps(const float *x, const float *dy, float *sums, size_t frames, size_t readable,
                            size_t columns, ptrdiff_t shift) {
  Vector totals[G] = {};
  // Frames t whose rows t + shift ..< t + shift + G all exist; the few others look.
  const ptrdiff_t from = shift < 0 ? -shift : 0;
  const ptrdiff_t to = std::min(static_cast<ptrdiff_t>(frames),
                                static_cast<ptrdiff_t>(readable) - shift - static_cast<ptrdiff_t>(G) + 1);
  auto edge = [&](ptrdiff_t t) __attribute__((always_inline)) {
    for (size_t g = 0; g < G; g++) {
      const ptrdiff_t row = t + shift + static_cast<ptrdiff_t>(g);
      if (row < 0 || row >= static_cast<ptrdiff_t>(readable)) continue;
      totals[g] += CK_LOAD(dy + t * columns) * CK_LOAD(x + row * static_cast<ptrdiff_t>(columns));
    }
  };
  ptrdiff_t t = 0;
  for (; t < static_cast<ptrdiff_t>(frames) && t < from; t++) edge(t);
  for (; t < to; t++) {
    const Vector d = CK_LOAD(dy + t * columns);
    const float *in = x + (t + shift) * static_cast<ptrdiff_t>(columns);
    for (size_t g = 0; g < G; g++) totals[g] += d * CK_LOAD(in + g * columns);
  }
  for (; t < static_cast<ptrdiff_t>(frames); t++) edge(t);
  for (size_t g = 0; g < G; g++) store(sums + g * columns, CK_LOAD(sums + g * columns) + totals[g]);
}

/// sums[k, columns b ..< e] += Σ_t dy[t] · x[t + k − before] of one utterance.
CK_CLONES void weightGradient(const float *x, const float *dy, float *sums, size_t frames,
                              size_t readable, size_t columns, size_t kernel, ptrdiff_t before, size_t b,
                              size_t e) {
  size_t c = b;
  for (; c + lanes <= e; c += lanes) {
    size_t k = 0;
    for (; k + 8 <= kernel; k += 8) {
      gradientTaps<8>(x + c, dy + c, sums + k * columns + c, frames, readable, columns,
                      static_cast<ptrdiff_t>(k) - before);
    }
    for (; k + 3 <= kernel; k += 3) {
      gradientTaps<3>(x + c, dy + c, sums + k * columns + c, frames, readable, columns,
                      static_cast<ptrdiff_t>(k) - before);
    }
    for (; k < kernel; k++) {
      gradientTaps<1>(x + c, dy + c, sums + k * columns + c, frames, readable, columns,
                      static_cast<ptrdiff_t>(k) - before);
    }
  }
  for (; c < e; c++) {
    for (size_t k = 0; k < kernel; k++) {
      const ptrdiff_t shift = static_cast<ptrdiff_t>(k) - before;
      float sum = 0;
      for (ptrdiff_t t = 0; t < static_cast<ptrdiff_t>(frames); t++) {
        const ptrdiff_t row = t + shift;
        if (row >= 0 && row < static_cast<ptrdiff_t>(readable)) {
          sum += dy[t * columns + c] * x[row * static_cast<ptrdiff_t>(columns) + c];
        }
      }
      sums[k * columns + c] += sum;
    }
  }
}

/// The segment that holds `row`.
size_t segmentOf(const ck_segments &segments, size_t row) {
  size_t low = 0, high = segments.count;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (static_cast<size_t>(segments.offsets[middle]) <= row) low = middle; else high = middle;
  }
  return low;
}

/// Runs body(segment, begin, end) with frames local to the segment, in parallel over all rows.
template <typename Body>
void overFrames(const ck_segments &segments, size_t columns, Body &&body) {
  const size_t rows = segments.count == 0 ? 0 : static_cast<size_t>(segments.offsets[segments.count]);
  ck::parallel(rows, ck::rowGrain(columns), [&](size_t b, size_t e) {
    for (size_t s = segmentOf(segments, b); s < segments.count; s++) {
      const size_t start = segments.offsets[s], stop = segments.offsets[s + 1];
      if (start >= e) break;
      const size_t from = b > start ? b - start : 0;
      const size_t to = (e < stop ? e : stop) - start;
      if (from < to) body(s, from, to);
    }
  });
}

double rowsOf(const ck_segments &segments) {
  return segments.count == 0 ? 0 : segments.offsets[segments.count];
}
double work(const ck_segments &segments, size_t columns, size_t kernel) {
  return 2 * rowsOf(segments) * columns * kernel;
}
double traffic(const ck_segments &segments, size_t columns, double bytes) {
  return rowsOf(segments) * columns * bytes;
}

}  // namespace

void ck_depthwise_forward(const float *x, const float *weight, const float *bias, float *y,
                          ck_segments segments, size_t columns, size_t kernel, size_t before) {
  const ck::Timed timed("depthwise convolution", work(segments, columns, kernel), traffic(segments, columns, 8));
  const Scratch taps = byTap(weight, columns, kernel, false);
  overFrames(segments, columns, [&](size_t s, size_t from, size_t to) {
    const size_t base = static_cast<size_t>(segments.offsets[s]) * columns;
    correlate(x + base, taps.data(), bias, y + base, segments.valid[s], columns, kernel, before, from,
              to);
  });
}

void ck_depthwise_backward_data(const float *dy, const float *weight, float *dx,
                                ck_segments segments, size_t columns, size_t kernel, size_t before) {
  const ck::Timed timed("depthwise convolution backward", work(segments, columns, kernel), traffic(segments, columns, 8));
  const Scratch taps = byTap(weight, columns, kernel, true);
  overFrames(segments, columns, [&](size_t s, size_t from, size_t to) {
    const size_t base = static_cast<size_t>(segments.offsets[s]) * columns;
    const size_t frames = segments.offsets[s + 1] - segments.offsets[s];
    const size_t valid = segments.valid[s];
    if (from < valid) {
      correlate(dy + base, taps.data(), nullptr, dx + base, frames, columns, kernel, kernel - 1 - before,
                from, to < valid ? to : valid);
    }
    if (to > valid) {
      const size_t zero = from > valid ? from : valid;
      std::memset(dx + base + zero * columns, 0, (to - zero) * columns * sizeof(float));
    }
  });
}

void ck_depthwise_backward_weight(const float *x, const float *dy, float *dweight,
                                  ck_segments segments, size_t columns, size_t kernel, size_t before) {
  const ck::Timed timed("depthwise convolution backward", work(segments, columns, kernel), traffic(segments, columns, 8));
  Scratch sums(columns * kernel);
  const size_t rows = segments.count == 0 ? 1 : static_cast<size_t>(segments.offsets[segments.count]) + 1;
  const size_t blocks = (columns + lanes - 1) / lanes;
  ck::parallel(blocks, ck::elementGrain / (rows * kernel * lanes) + 1, [&](size_t first, size_t last) {
    const size_t b = first * lanes, e = std::min(columns, last * lanes);
    for (size_t s = 0; s < segments.count; s++) {
      const size_t base = static_cast<size_t>(segments.offsets[s]) * columns;
      const size_t frames = segments.offsets[s + 1] - segments.offsets[s];
      weightGradient(x + base, dy + base, sums.data(), frames, segments.valid[s], columns, kernel, before,
                     b, e);
    }
  });
  for (size_t c = 0; c < columns; c++) {
    for (size_t k = 0; k < kernel; k++) dweight[c * kernel + k] = sums[k * columns + c];
  }
}

void ck_zero_invalid_frames(float *x, const int32_t *valid, size_t batch, size_t frames,
                            size_t columns) {
  const ck::Timed timed("mask", 0, 0);
  for (size_t b = 0; b < batch; b++) {
    const size_t from = static_cast<size_t>(valid[b]);
    if (from < frames) {
      std::memset(x + (b * frames + from) * columns, 0, (frames - from) * columns * sizeof(float));
    }
  }
}
