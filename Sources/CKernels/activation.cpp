#include "profile.hpp"
#include "tiles.hpp"

namespace {

constexpr float inverseRoot2 = 0.70710678118654752f;
constexpr float inverseRoot2Pi = 0.39894228040143268f;
constexpr float root2OverPi = 0.79788456080286536f;

CK_CLONES void relu(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) y[i] = x[i] < 0 ? 0 : x[i];  // NaN stays NaN
}
CK_CLONES void reluBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}

constexpr float clip = 20;

CK_CLONES void clippedRelu(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) y[i] = x[i] < 0 ? 0 : x[i] > clip ? clip : x[i];
}
CK_CLONES void clippedReluBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) dx[i] = x[i] > 0 && x[i] < clip ? dy[i] : 0;
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

CK_CLONES void gelu(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) y[i] = 0.5f * x[i] * (1.0f + ck::fastErf(x[i] * inverseRoot2));
}
CK_CLONES void geluBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) {
    const float cumulative = 0.5f * (1.0f + ck::fastErf(x[i] * inverseRoot2));
    const float density = inverseRoot2Pi * ck::fastExp(-0.5f * x[i] * x[i]);
    dx[i] = dy[i] * (cumulative + x[i] * density);
  }
}

CK_CLONES void geluTanh(const float *x, float *y, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) {
    const float inner = root2OverPi * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
    y[i] = 0.5f * x[i] * (1.0f + ck::fastTanh(inner));
  }
}
CK_CLONES void geluTanhBackward(const float *x, const float *dy, float *dx, size_t b, size_t e) {
  for (size_t i = b; i < e; i++) {
    const float inner = root2OverPi * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
    const float t = ck::fastTanh(inner);
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
  for (size_t i = b; i < e; i++) y[i] = ck::fastTanh(x[i]);
}
CK_CLONES void hyperbolicTangentBackward(const float *x, const float *dy, float *dx, size_t b,
                                         size_t e) {
  for (size_t i = b; i < e; i++) {
    const float t = ck::fastTanh(x[i]);
    dx[i] = dy[i] * (1.0f - t * t);
  }
}

CK_CLONES void glu(const float *value, const float *gate, float *y, size_t count) {
  for (size_t j = 0; j < count; j++) y[j] = value[j] * ck::sigmoid(gate[j]);
}
CK_CLONES void gluBackward(const float *value, const float *gate, const float *dy, float *dValue,
                           float *dGate, size_t count) {
  for (size_t j = 0; j < count; j++) {
    const float s = ck::sigmoid(gate[j]);
    const float v = value[j];
    dValue[j] = dy[j] * s;
    dGate[j] = dy[j] * v * s * (1.0f - s);
  }
}

/// Calls body(row, first column, columns) for tiles of rows, in parallel.
template <typename Body>
void overRowTiles(size_t rows, size_t columns, Body &&body) {
  ck::parallel(rows, ck::rowGrain(columns), [&](size_t b, size_t e) {
    for (size_t row = b; row < e; row++) {
      for (size_t j = 0; j < columns; j += ck::tileSize) {
        body(row, j, columns - j < ck::tileSize ? columns - j : ck::tileSize);
      }
    }
  });
}

}  // namespace

void ck_activation_forward(ck_activation kind, const void *x, ck_type x_type, float rate,
                           uint64_t seed, void *y, ck_type y_type, size_t count) {
  const ck::Timed timed("activation", 0,
                        (ck::elementBytes(x_type) + ck::elementBytes(y_type)) * count);
  using Loop = void (*)(const float *, float *, size_t, size_t);
  static const Loop loops[] = {relu,     silu,    gelu,
                               geluTanh, sigmoid, hyperbolicTangent,
                               clippedRelu};
  ck::overTiles(count, [&](size_t start, size_t size) {
    float in[ck::tileSize], buffer[ck::tileSize];
    float *out = ck::target({y, y_type}, start, buffer);
    loops[kind](ck::read({x, x_type}, start, size, in), out, 0, size);
    if (rate > 0) ck::drop(out, out, size, rate, seed, start);
    ck::write({y, y_type}, start, size, out);
  });
}

void ck_activation_backward(ck_activation kind, const void *x, ck_type x_type, const void *dy,
                            ck_type dy_type, float rate, uint64_t seed, void *dx, ck_type dx_type,
                            size_t count) {
  const ck::Timed timed("activation backward", 0,
                        (ck::elementBytes(x_type) + ck::elementBytes(dy_type) +
                         ck::elementBytes(dx_type)) * count);
  using Loop = void (*)(const float *, const float *, float *, size_t, size_t);
  static const Loop loops[] = {reluBackward,     siluBackward,    geluBackward,
                               geluTanhBackward, sigmoidBackward, hyperbolicTangentBackward,
                               clippedReluBackward};
  ck::overTiles(count, [&](size_t start, size_t size) {
    float in[ck::tileSize], gradient[ck::tileSize], buffer[ck::tileSize];
    const float *d = ck::read({dy, dy_type}, start, size, gradient);
    if (rate > 0) {
      ck::drop(d, gradient, size, rate, seed, start);
      d = gradient;
    }
    float *out = ck::target({dx, dx_type}, start, buffer);
    loops[kind](ck::read({x, x_type}, start, size, in), d, out, 0, size);
    ck::write({dx, dx_type}, start, size, out);
  });
}

void ck_glu_forward(const void *x, ck_type x_type, void *y, ck_type y_type, size_t rows,
                    size_t columns) {
  const ck::Timed timed("glu", 0,
                        (2 * ck::elementBytes(x_type) + ck::elementBytes(y_type)) * rows * columns);
  overRowTiles(rows, columns, [&](size_t row, size_t j, size_t size) {
    float value[ck::tileSize], gate[ck::tileSize], buffer[ck::tileSize];
    const size_t at = row * 2 * columns + j, to = row * columns + j;
    float *out = ck::target({y, y_type}, to, buffer);
    glu(ck::read({x, x_type}, at, size, value), ck::read({x, x_type}, at + columns, size, gate), out,
        size);
    ck::write({y, y_type}, to, size, out);
  });
}

void ck_glu_backward(const void *x, ck_type x_type, const void *dy, ck_type dy_type, void *dx,
                     ck_type dx_type, size_t rows, size_t columns) {
  const ck::Timed timed("glu backward", 0,
                        (2 * ck::elementBytes(x_type) + ck::elementBytes(dy_type) +
                         2 * ck::elementBytes(dx_type)) * rows * columns);
  overRowTiles(rows, columns, [&](size_t row, size_t j, size_t size) {
    float value[ck::tileSize], gate[ck::tileSize], d[ck::tileSize];
    float valueBuffer[ck::tileSize], gateBuffer[ck::tileSize];
    const size_t at = row * 2 * columns + j;
    float *dValue = ck::target({dx, dx_type}, at, valueBuffer);
    float *dGate = ck::target({dx, dx_type}, at + columns, gateBuffer);
    gluBackward(ck::read({x, x_type}, at, size, value), ck::read({x, x_type}, at + columns, size, gate),
                ck::read({dy, dy_type}, row * columns + j, size, d), dValue, dGate, size);
    ck::write({dx, dx_type}, at, size, dValue);
    ck::write({dx, dx_type}, at + columns, size, dGate);
  });
}
