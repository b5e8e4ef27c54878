#include "profile.hpp"
#include "vector.hpp"

namespace {

constexpr float inverseRoot2 = 0.70710678118654752f;
constexpr float inverseRoot2Pi = 0.39894228040143268f;
constexpr float root2OverPi = 0.79788456080286536f;

CK_INLINE float fastTanh(float x) {
  // Near 0 the quotient cancels; the series x − x³/3 + 2x⁵/15 is exact there to float32.
  const float square = x * x;
  const float series = x * (1.0f - square * (0.333333333f - square * 0.133333333f));
  const float e = ck::fastExp(2.0f * x);
  const float quotient = (e - 1.0f) / (e + 1.0f);
  return square < 2.5e-3f ? series : quotient;
}

CK_CLONES void relu(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) y[i] = x[i] < 0 ? 0 : x[i];  // NaN stays NaN
}
CK_CLONES void reluBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}

CK_CLONES void silu(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) y[i] = x[i] * ck::sigmoid(x[i]);
}
CK_CLONES void siluBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) {
    const float s = ck::sigmoid(x[i]);
    dx[i] = dy[i] * s * (1.0f + x[i] * (1.0f - s));
  }
}

void gelu(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) y[i] = 0.5f * x[i] * (1.0f + std::erf(x[i] * inverseRoot2));
}
void geluBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) {
    const float cumulative = 0.5f * (1.0f + std::erf(x[i] * inverseRoot2));
    const float density = inverseRoot2Pi * std::exp(-0.5f * x[i] * x[i]);
    dx[i] = dy[i] * (cumulative + x[i] * density);
  }
}

CK_CLONES void geluTanh(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) {
    const float inner = root2OverPi * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
    y[i] = 0.5f * x[i] * (1.0f + fastTanh(inner));
  }
}
CK_CLONES void geluTanhBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) {
    const float inner = root2OverPi * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
    const float t = fastTanh(inner);
    const float slope = root2OverPi * (1.0f + 3 * 0.044715f * x[i] * x[i]);
    dx[i] = dy[i] * (0.5f * (1.0f + t) + 0.5f * x[i] * (1.0f - t * t) * slope);
  }
}

CK_CLONES void sigmoid(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) y[i] = ck::sigmoid(x[i]);
}
CK_CLONES void sigmoidBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) {
    const float s = ck::sigmoid(x[i]);
    dx[i] = dy[i] * s * (1.0f - s);
  }
}

CK_CLONES void hyperbolicTangent(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) y[i] = fastTanh(x[i]);
}
CK_CLONES void hyperbolicTangentBackward(const float *x, const float *dy, float *dx, size_t b,
                                         size_t e) {
  for (size_t i = b; i < e; i++) {
    const float t = fastTanh(x[i]);
    dx[i] = dy[i] * (1.0f - t * t);
  }
}

CK_CLONES void glu(const float *x, float *y, size_t columns, size_t b, size_t e) {
  for (size_t row = b; row < e; row++) {
    const float *value = x + row * 2 * columns, *gate = value + columns;
    float *out = y + row * columns;
    for (size_t j = 0; j < columns; j++) out[j] = value[j] * ck::sigmoid(gate[j]);
  }
}
CK_CLONES void gluBackward(const float *x, const float *dy, float *dx, size_t columns, size_t b,
                           size_t e) {
  for (size_t row = b; row < e; row++) {
    const float *value = x + row * 2 * columns, *gate = value + columns, *d = dy + row * columns;
    float *dValue = dx + row * 2 * columns, *dGate = dValue + columns;
    for (size_t j = 0; j < columns; j++) {
      const float s = ck::sigmoid(gate[j]);
      const float v = value[j];
      dValue[j] = d[j] * s;
      dGate[j] = d[j] * v * s * (1.0f - s);
    }
  }
}

}  // namespace

void ck_activation_forward(ck_activation kind, const float *x, float *y, size_t count) {
  const ck::Timed timed("activation", 0, 8.0 * count);
  using Loop = void (*)(const float *, float *, size_t, size_t);
  static const Loop loops[] = {relu, silu, gelu, geluTanh, sigmoid, hyperbolicTangent};
  ck::parallel(count, ck::elementGrain, [&](size_t b, size_t e) { loops[kind](x, y, b, e); });
}

void ck_activation_backward(ck_activation kind, const float *x, const float *dy, float *dx,
                            size_t count) {
  const ck::Timed timed("activation backward", 0, 12.0 * count);
  using Loop = void (*)(const float *, const float *, float *, size_t, size_t);
  static const Loop loops[] = {reluBackward,     siluBackward,    geluBackward,
                               geluTanhBackward, sigmoidBackward, hyperbolicTangentBackward};
  ck::parallel(count, ck::elementGrain, [&](size_t b, size_t e) { loops[kind](x, dy, dx, b, e); });
}

void ck_glu_forward(const float *x, float *y, size_t rows, size_t columns) {
  const ck::Timed timed("glu", 0, 12.0 * rows * columns);
  ck::parallel(rows, ck::rowGrain(columns), [&](size_t b, size_t e) { glu(x, y, columns, b, e); });
}

void ck_glu_backward(const float *x, const float *dy, float *dx, size_t rows, size_t columns) {
  const ck::Timed timed("glu backward", 0, 20.0 * rows * columns);
  ck::parallel(rows, ck::rowGrain(columns),
               [&](size_t b, size_t e) { gluBackward(x, dy, dx, columns, b, e); });
}
