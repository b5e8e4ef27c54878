#include <vector>

#include "profile.hpp"
#include "tiles.hpp"

#pragma clang fp reassociate(on)

namespace {

/// Rows 0 ..< rows of x to y; mean and scale of each row.
CK_CLONES void layerNorm(const float *x, const float *gain, const float *bias, float epsilon,
                         float *y, float *mean, float *scale, size_t columns, size_t rows) {
  for (size_t row = 0; row < rows; row++) {
    const float *in = x + row * columns;
    float *out = y + row * columns;
    float sum = 0;
    for (size_t j = 0; j < columns; j++) sum += in[j];
    const float m = sum / columns;
    float squares = 0;
    for (size_t j = 0; j < columns; j++) squares += (in[j] - m) * (in[j] - m);
    const float s = 1.0f / std::sqrt(squares / columns + epsilon);
    for (size_t j = 0; j < columns; j++) out[j] = (in[j] - m) * s * gain[j] + bias[j];
    mean[row] = m;
    scale[row] = s;
  }
}

/// Rows b ..< e: dx (+)= where it is not null, and where gains is not null the block's own sums of gain's and
/// bias's gradients.
CK_CLONES void layerNormBackward(const float *x, const float *dy, const float *gain,
                                 const float *mean, const float *scale, float *__restrict dx,
                                 bool adding, float *__restrict gains, float *__restrict biases,
                                 size_t columns, size_t b, size_t e) {
  if (gains) {
    for (size_t j = 0; j < columns; j++) gains[j] = biases[j] = 0;
  }
  for (size_t row = b; row < e; row++) {
    const float *in = x + row * columns, *d = dy + row * columns;
    const float m = mean[row], s = scale[row];
    float sum = 0, product = 0;
    for (size_t j = 0; j < columns; j++) {
      const float g = d[j] * gain[j];
      sum += g;
      product += g * (in[j] - m);
    }
    if (gains) {
      for (size_t j = 0; j < columns; j++) {
        gains[j] += d[j] * (in[j] - m) * s;
        biases[j] += d[j];
      }
    }
    if (!dx) continue;
    float *__restrict out = dx + row * columns;
    const float first = sum / columns, second = product * s * s / columns;
    if (adding) {
      for (size_t j = 0; j < columns; j++) {
        out[j] += s * (d[j] * gain[j] - first - (in[j] - m) * second);
      }
    } else {
      for (size_t j = 0; j < columns; j++) {
        out[j] = s * (d[j] * gain[j] - first - (in[j] - m) * second);
      }
    }
  }
}

// Sums over rows are made of sums over 64 rows, in blocks of columns: a float32 running sum over thousands
// of rows loses digits.
constexpr size_t rowBlock = 64, columnBlock = 128;

/// Calls body(firstRow, lastRow, firstColumn, columns) over all rows in blocks, columns b ..< e.
template <typename Body>
CK_INLINE void inBlocks(size_t rows, size_t b, size_t e, Body &&body) {
  for (size_t column = b; column < e; column += columnBlock) {
    const size_t width = e - column < columnBlock ? e - column : columnBlock;
    for (size_t row = 0; row < rows; row += rowBlock) {
      body(row, row + rowBlock < rows ? row + rowBlock : rows, column, width);
    }
  }
}

/// out[j] = factor · Σ (x − mean)² over the rows in use, or factor · Σ x where mean is null.
CK_CLONES void moment(const float *x, const uint8_t *use, const float *mean, float factor, float *out,
                      size_t rows, size_t columns, size_t b, size_t e) {
  for (size_t j = b; j < e; j++) out[j] = 0;
  inBlocks(rows, b, e, [&](size_t first, size_t last, size_t column, size_t width)
                           __attribute__((always_inline)) {
    float sums[columnBlock] = {};
    for (size_t row = first; row < last; row++) {
      if (use && !use[row]) continue;
      const float *in = x + row * columns + column;
      if (mean) {
        for (size_t j = 0; j < width; j++) {
          const float d = in[j] - mean[column + j];
          sums[j] += d * d;
        }
      } else {
        for (size_t j = 0; j < width; j++) sums[j] += in[j];
      }
    }
    for (size_t j = 0; j < width; j++) out[column + j] += sums[j];
  });
  for (size_t j = b; j < e; j++) out[j] *= factor;
}

CK_CLONES void affine(const float *x, const float *scale, const float *shift, float *y,
                      size_t columns, size_t b, size_t e) {
  for (size_t row = b; row < e; row++) {
    const float *in = x + row * columns;
    float *out = y + row * columns;
    for (size_t j = 0; j < columns; j++) out[j] = in[j] * scale[j] + shift[j];
  }
}

CK_CLONES void products(const float *x, const float *dy, const float *mean, float *sumDy,
                        float *sumDyX, size_t rows, size_t columns, size_t b, size_t e) {
  for (size_t j = b; j < e; j++) sumDy[j] = sumDyX[j] = 0;
  inBlocks(rows, b, e, [&](size_t first, size_t last, size_t column, size_t width)
                           __attribute__((always_inline)) {
    float sums[columnBlock] = {}, products[columnBlock] = {};
    for (size_t row = first; row < last; row++) {
      const float *in = x + row * columns + column, *d = dy + row * columns + column;
      for (size_t j = 0; j < width; j++) {
        sums[j] += d[j];
        products[j] += d[j] * (in[j] - mean[column + j]);
      }
    }
    for (size_t j = 0; j < width; j++) {
      sumDy[column + j] += sums[j];
      sumDyX[column + j] += products[j];
    }
  });
}

CK_CLONES void normBackward(const float *x, const float *dy, const float *mean, const uint8_t *use,
                            const float *a, const float *bb, const float *c, float *dx,
                            size_t columns, size_t begin, size_t end) {
  for (size_t row = begin; row < end; row++) {
    const float *in = x + row * columns, *d = dy + row * columns;
    float *out = dx + row * columns;
    const float on = !use || use[row] ? 1.0f : 0.0f;
    for (size_t j = 0; j < columns; j++) {
      out[j] = a[j] * d[j] + on * (bb[j] * (in[j] - mean[j]) + c[j]);
    }
  }
}

size_t columnGrain(size_t rows) { return rows == 0 ? 1 << 30 : ck::elementGrain / rows + 16; }

}  // namespace

void ck_layer_norm_forward(const float *x, const float *gain, const float *bias, float epsilon,
                           void *y, ck_type y_type, float *mean, float *scale, size_t rows,
                           size_t columns) {
  const ck::Timed timed("layer norm", 0, (4.0 + ck::elementBytes(y_type)) * rows * columns);
  ck::parallel(rows, ck::rowGrain(columns), [&](size_t b, size_t e) {
    if (y_type == CK_FLOAT32) {
      layerNorm(x + b * columns, gain, bias, epsilon, static_cast<float *>(y) + b * columns,
                mean + b, scale + b, columns, e - b);
      return;
    }
    // A few rows at a time by way of the first-level cache; rows longer than that in memory of their own.
    constexpr size_t widest = 4096;
    float buffer[ck::tileSize + widest];
    std::vector<float> wide(columns > widest ? columns : 0);
    float *out = columns > widest ? wide.data() : buffer;
    const size_t block = columns > widest ? 1 : ck::tileSize / columns + 1;
    for (size_t row = b; row < e; row += block) {
      const size_t count = e - row < block ? e - row : block;
      layerNorm(x + row * columns, gain, bias, epsilon, out, mean + row, scale + row, columns, count);
      ck::write({y, y_type}, row * columns, count * columns, out);
    }
  });
}

size_t ck_layer_norm_blocks(size_t rows) { return (rows + rowBlock - 1) / rowBlock; }

void ck_layer_norm_backward(const float *x, const float *dy, const float *gain, const float *mean,
                            const float *scale, float *dx, bool adding, float *shares, size_t rows,
                            size_t columns) {
  const ck::Timed timed("layer norm backward", 0, (dx ? 12.0 : 8.0) * rows * columns);
  const size_t blocks = ck_layer_norm_blocks(rows);
  ck::parallel(blocks, ck::rowGrain(columns) / rowBlock + 1, [&](size_t b, size_t e) {
    for (size_t block = b; block < e; block++) {
      const size_t first = block * rowBlock;
      float *gains = shares ? shares + block * 2 * columns : nullptr;
      layerNormBackward(x, dy, gain, mean, scale, dx, adding, gains, gains ? gains + columns : nullptr,
                        columns, first, rows < first + rowBlock ? rows : first + rowBlock);
    }
  });
}

size_t ck_column_moments(const float *x, const uint8_t *use, float *mean, float *variance,
                         size_t rows, size_t columns) {
  const ck::Timed timed("batch norm statistics", 0, 8.0 * rows * columns);
  size_t count = rows;
  if (use) {
    count = 0;
    for (size_t row = 0; row < rows; row++) count += use[row] != 0;
  }
  ck::parallel(columns, columnGrain(rows), [&](size_t b, size_t e) {
    const float inverse = count == 0 ? 0 : 1.0f / count;
    moment(x, use, nullptr, inverse, mean, rows, columns, b, e);
    moment(x, use, mean, inverse, variance, rows, columns, b, e);
  });
  return count;
}

void ck_column_affine(const float *x, const float *scale, const float *shift, float *y, size_t rows,
                      size_t columns) {
  const ck::Timed timed("batch norm", 0, 8.0 * rows * columns);
  ck::parallel(rows, ck::rowGrain(columns),
               [&](size_t b, size_t e) { affine(x, scale, shift, y, columns, b, e); });
}

void ck_column_products(const float *x, const float *dy, const float *mean, float *sumDy,
                        float *sumDyX, size_t rows, size_t columns) {
  const ck::Timed timed("batch norm backward", 0, 8.0 * rows * columns);
  ck::parallel(columns, columnGrain(rows), [&](size_t b, size_t e) {
    products(x, dy, mean, sumDy, sumDyX, rows, columns, b, e);
  });
}

void ck_column_norm_backward(const float *x, const float *dy, const float *mean, const uint8_t *use,
                             const float *a, const float *b, const float *c, float *dx, size_t rows,
                             size_t columns) {
  const ck::Timed timed("batch norm backward", 0, 12.0 * rows * columns);
  ck::parallel(rows, ck::rowGrain(columns), [&](size_t begin, size_t end) {
    normBackward(x, dy, mean, use, a, b, c, dx, columns, begin, end);
  });
}
