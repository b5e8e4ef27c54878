#include "profile.hpp"
#include "tiles.hpp"

namespace {

CK_CLONES void narrowLoop(const float *x, uint16_t *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = ck::toBFloat16(x[i]);
}

CK_CLONES void addScaled(const float *a, const float *b, float scale, float *out, size_t begin,
                         size_t end) {
  for (size_t i = begin; i < end; i++) out[i] = a[i] + scale * b[i];
}

CK_CLONES void scaleInto(const float *x, float scale, float *out, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) out[i] = scale * x[i];
}

CK_CLONES void multiply(const float *a, const float *b, float *out, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) out[i] = a[i] * b[i];
}

CK_CLONES double sumRange(const float *x, size_t count) {
  double lanes[8] = {};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (size_t j = 0; j < 8; j++) lanes[j] += x[i + j];
  }
  double total = 0;
  for (double lane : lanes) total += lane;
  for (; i < count; i++) total += x[i];
  return total;
}

CK_CLONES void dropout(const float *x, float *y, size_t count, float rate, uint64_t seed,
                       size_t first) {
  const uint32_t threshold = static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0);
  const float keep = 1.0f / (1.0f - rate);
  for (size_t i = 0; i < count; i++) {
    y[i] = ck::hashIndex(seed, first + i) >= threshold ? x[i] * keep : 0;
  }
}

/// The same where y is x: a compiler that must think two pointers apart would not vectorise it.
CK_CLONES void dropoutInPlace(float *y, size_t count, float rate, uint64_t seed, size_t first) {
  const uint32_t threshold = static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0);
  const float keep = 1.0f / (1.0f - rate);
  for (size_t i = 0; i < count; i++) {
    y[i] = ck::hashIndex(seed, first + i) >= threshold ? y[i] * keep : 0;
  }
}

CK_CLONES void addRows(const float *x, size_t stride, size_t rows, float *sums, size_t columns) {
  for (size_t row = 0; row < rows; row++) {
    for (size_t j = 0; j < columns; j++) sums[j] += x[row * stride + j];
  }
}

CK_CLONES void addRowsBFloat16(const uint16_t *x, size_t stride, size_t rows, float *sums,
                               size_t columns) {
  for (size_t row = 0; row < rows; row++) {
    for (size_t j = 0; j < columns; j++) sums[j] += ck::fromBFloat16(x[row * stride + j]);
  }
}

void columnSum(ck::ConstArray x, float *out, size_t rows, size_t columns, bool accumulate,
               size_t begin, size_t end) {
  // Sums of 64 rows first: a float32 running sum over thousands of rows loses digits.
  float partial[256];
  for (size_t block = begin; block < end; block += 256) {
    const size_t width = end - block < 256 ? end - block : 256;
    if (!accumulate) std::memset(out + block, 0, width * sizeof(float));
    for (size_t first = 0; first < rows; first += 64) {
      const size_t count = rows - first < 64 ? rows - first : 64;
      const size_t start = first * columns + block;
      std::memset(partial, 0, width * sizeof(float));
      if (x.type == CK_BFLOAT16) {
        addRowsBFloat16(static_cast<const uint16_t *>(x.data) + start, columns, count, partial, width);
      } else {
        addRows(static_cast<const float *>(x.data) + start, columns, count, partial, width);
      }
      for (size_t j = 0; j < width; j++) out[block + j] += partial[j];
    }
  }
}

CK_CLONES void addRow(const float *x, const float *row, float *out, size_t columns, size_t begin,
                      size_t end) {
  for (size_t i = begin; i < end; i++) {
    for (size_t j = 0; j < columns; j++) out[i * columns + j] = x[i * columns + j] + row[j];
  }
}

CK_CLONES void addRowBFloat16(const float *x, const float *row, uint16_t *out, size_t columns,
                              size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) {
    for (size_t j = 0; j < columns; j++) {
      out[i * columns + j] = ck::toBFloat16(x[i * columns + j] + row[j]);
    }
  }
}

CK_CLONES void scatterAdd(const float *rows, const int32_t *index, float *table, size_t count,
                          size_t columns, size_t begin, size_t end) {
  for (size_t i = 0; i < count; i++) {
    float *target = table + static_cast<size_t>(index[i]) * columns;
    for (size_t j = begin; j < end; j++) target[j] += rows[i * columns + j];
  }
}

}  // namespace

void ck::narrow(const float *x, uint16_t *y, size_t count) { narrowLoop(x, y, count); }

void ck::drop(const float *x, float *y, size_t count, float rate, uint64_t seed, size_t first) {
  if (x == y) return dropoutInPlace(y, count, rate, seed, first);
  dropout(x, y, count, rate, seed, first);
}

void ck_to_bfloat16(const float *x, uint16_t *y, size_t count) {
  const ck::Timed timed("to bfloat16", 0, 6.0 * count);
  ck::parallel(count, ck::elementGrain,
               [&](size_t b, size_t e) { narrowLoop(x + b, y + b, e - b); });
}

void ck_from_bfloat16(const uint16_t *x, float *y, size_t count) {
  const ck::Timed timed("from bfloat16", 0, 6.0 * count);
  ck::parallel(count, ck::elementGrain,
               [&](size_t b, size_t e) { ck_widen_bf16(y + b, x + b, e - b); });
}

void ck_add_branch(const float *x, const void *branch, ck_type type, float scale, float rate,
                   uint64_t seed, float *out, size_t count) {
  const ck::Timed timed("add branch", 0, (8.0 + ck::elementBytes(type)) * count);
  ck::overTiles(count, [&](size_t start, size_t size) {
    float buffer[ck::tileSize];
    const float *values = ck::read({branch, type}, start, size, buffer);
    if (rate > 0) {
      ck::drop(values, buffer, size, rate, seed, start);
      values = buffer;
    }
    addScaled(x + start, values, scale, out + start, 0, size);
  });
}

void ck_add_branch_backward(const float *dy, float scale, float rate, uint64_t seed, void *dbranch,
                            ck_type type, size_t count) {
  const ck::Timed timed("add branch backward", 0, (4.0 + ck::elementBytes(type)) * count);
  ck::overTiles(count, [&](size_t start, size_t size) {
    float buffer[ck::tileSize];
    float *out = ck::target({dbranch, type}, start, buffer);
    scaleInto(dy + start, scale, out, 0, size);
    if (rate > 0) ck::drop(out, out, size, rate, seed, start);
    ck::write({dbranch, type}, start, size, out);
  });
}

void ck_add_scaled(const float *a, const float *b, float scale, float *out, size_t count) {
  const ck::Timed timed("add", 0, 12.0 * count);
  ck::parallel(count, ck::elementGrain,
               [&](size_t begin, size_t end) { addScaled(a, b, scale, out, begin, end); });
}

void ck_scale_into(const float *x, float scale, float *out, size_t count) {
  const ck::Timed timed("scale", 0, 8.0 * count);
  ck::parallel(count, ck::elementGrain,
               [&](size_t b, size_t e) { scaleInto(x, scale, out, b, e); });
}

void ck_multiply(const float *a, const float *b, float *out, size_t count) {
  const ck::Timed timed("multiply", 0, 12.0 * count);
  ck::parallel(count, ck::elementGrain,
               [&](size_t begin, size_t end) { multiply(a, b, out, begin, end); });
}

double ck_sum(const float *x, size_t count) {
  const ck::Timed timed("sum", 0, 4.0 * count);
  return sumRange(x, count);
}

void ck_dropout(const float *x, float *y, size_t count, float rate, uint64_t seed) {
  const ck::Timed timed("dropout", 0, 8.0 * count);
  ck::parallel(count, ck::elementGrain,
               [&](size_t b, size_t e) { dropout(x + b, y + b, e - b, rate, seed, b); });
}

void ck_column_sum(const void *x, ck_type type, float *out, size_t rows, size_t columns,
                   bool accumulate) {
  const ck::Timed timed("column sum", 0, ck::elementBytes(type) * rows * columns);
  ck::parallel(columns, rows == 0 ? columns : ck::elementGrain / rows + 1, [&](size_t b, size_t e) {
    columnSum({x, type}, out, rows, columns, accumulate, b, e);
  });
}

void ck_add_row(const float *x, const float *row, float *out, size_t rows, size_t columns) {
  const ck::Timed timed("add row", 0, 8.0 * rows * columns);
  ck::parallel(rows, ck::rowGrain(columns),
               [&](size_t b, size_t e) { addRow(x, row, out, columns, b, e); });
}

void ck_add_row_bfloat16(const float *x, const float *row, uint16_t *out, size_t rows,
                         size_t columns) {
  const ck::Timed timed("add row", 0, 6.0 * rows * columns);
  ck::parallel(rows, ck::rowGrain(columns),
               [&](size_t b, size_t e) { addRowBFloat16(x, row, out, columns, b, e); });
}

void ck_gather_rows(const float *table, const int32_t *index, float *out, size_t count,
                    size_t columns) {
  const ck::Timed timed("gather", 0, 8.0 * count * columns);
  ck::parallel(count, ck::rowGrain(columns), [&](size_t b, size_t e) {
    for (size_t i = b; i < e; i++) {
      std::memcpy(out + i * columns, table + static_cast<size_t>(index[i]) * columns, columns * 4);
    }
  });
}

void ck_scatter_add_rows(const float *rows, const int32_t *index, float *table, size_t count,
                         size_t columns) {
  const ck::Timed timed("scatter", 0, 12.0 * count * columns);
  // Split by column, so that repeated indices never meet on two threads.
  ck::parallel(columns, count == 0 ? columns : ck::elementGrain / count + 1,
               [&](size_t b, size_t e) { scatterAdd(rows, index, table, count, columns, b, e); });
}

void ck_transpose_last(const float *x, float *out, size_t a, size_t b, size_t c) {
  const ck::Timed timed("transpose", 0, 8.0 * a * b * c);
  ck::parallel(a * c, ck::rowGrain(b), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      const float *source = x + (i / c) * b * c + i % c;
      for (size_t j = 0; j < b; j++) out[i * b + j] = source[j * c];
    }
  });
}
