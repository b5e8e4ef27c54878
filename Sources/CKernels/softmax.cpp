#include "profile.hpp"
#include "softmax_row.hpp"
#include "vector.hpp"

#pragma clang fp reassociate(on)

namespace {

CK_CLONES void softmax(const float *x, float *y, size_t columns, bool logarithm, size_t b,
                       size_t e) {
  for (size_t row = b; row < e; row++) {
    const float *in = x + row * columns;
    float *out = y + row * columns;
    const float largest = ck::rowMaximum(in, columns);
    float sum = 0;
    if (logarithm) {
      for (size_t j = 0; j < columns; j++) sum += ck::fastExp(in[j] - largest);
      const float shift = largest + std::log(sum);
      for (size_t j = 0; j < columns; j++) out[j] = in[j] - shift;
    } else {
      for (size_t j = 0; j < columns; j++) {
        out[j] = ck::fastExp(in[j] - largest);
        sum += out[j];
      }
      const float inverse = 1.0f / sum;
      for (size_t j = 0; j < columns; j++) out[j] *= inverse;
    }
  }
}

CK_CLONES void softmaxBackward(const float *y, const float *dy, float *dx, size_t columns,
                               bool logarithm, size_t b, size_t e) {
  for (size_t row = b; row < e; row++) {
    const float *p = y + row * columns, *d = dy + row * columns;
    float *out = dx + row * columns;
    float sum = 0;
    if (logarithm) {
      for (size_t j = 0; j < columns; j++) sum += d[j];
      for (size_t j = 0; j < columns; j++) out[j] = d[j] - ck::fastExp(p[j]) * sum;
    } else {
      for (size_t j = 0; j < columns; j++) sum += d[j] * p[j];
      for (size_t j = 0; j < columns; j++) out[j] = p[j] * (d[j] - sum);
    }
  }
}

}  // namespace

void ck_softmax_forward(const float *x, float *y, size_t rows, size_t columns, bool logarithm) {
  const ck::Timed timed("softmax", 0, 8.0 * rows * columns);
  if (columns == 0) return;
  ck::parallel(rows, ck::rowGrain(columns),
               [&](size_t b, size_t e) { softmax(x, y, columns, logarithm, b, e); });
}

void ck_softmax_backward(const float *y, const float *dy, float *dx, size_t rows, size_t columns,
                         bool logarithm) {
  const ck::Timed timed("softmax backward", 0, 12.0 * rows * columns);
  ck::parallel(rows, ck::rowGrain(columns),
               [&](size_t b, size_t e) { softmaxBackward(y, dy, dx, columns, logarithm, b, e); });
}
