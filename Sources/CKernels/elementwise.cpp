#include "profile.hpp"
#include "vector.hpp"

namespace {

CK_CLONES void toBFloat16(const float *x, uint16_t *y, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) y[i] = ck::toBFloat16(x[i]);
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

CK_CLONES void dropout(const float *x, float *y, float rate, uint64_t seed, size_t begin,
                       size_t end) {
  const uint32_t threshold = static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0);
  const float keep = 1.0f / (1.0f - rate);
  for (size_t i = begin; i < end; i++) y[i] = ck::hashIndex(seed, i) >= threshold ? x[i] * keep : 0;
}

CK_CLONES void columnSum(const float *x, float *out, size_t rows, size_t columns, bool accumulate,
                         size_t begin, size_t end) {
  // Sums of 64 rows first: a float32 running sum over thousands of rows loses digits.
  float partial[256];
  for (size_t block = begin; block < end; block += 256) {
    const size_t width = end - block < 256 ? end - block : 256;
    if (!accumulate) {
      for (size_t j = 0; j < width; j++) out[block + j] = 0;
    }
    for (size_t first = 0; first < rows; first += 64) {
      const size_t last = first + 64 < rows ? first + 64 : rows;
      for (size_t j = 0; j < width; j++) partial[j] = 0;
      for (size_t row = first; row < last; row++) {
        const float *source = x + row * columns + block;
        for (size_t j = 0; j < width; j++) partial[j] += source[j];
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

void ck_to_bfloat16(const float *x, uint16_t *y, size_t count) {
  const ck::Timed timed("to bfloat16", 0, 6.0 * count);
  ck::parallel(count, ck::elementGrain, [&](size_t b, size_t e) { toBFloat16(x, y, b, e); });
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
               [&](size_t b, size_t e) { dropout(x, y, rate, seed, b, e); });
}

void ck_column_sum(const float *x, float *out, size_t rows, size_t columns, bool accumulate) {
  const ck::Timed timed("column sum", 0, 4.0 * rows * columns);
  ck::parallel(columns, rows == 0 ? columns : ck::elementGrain / rows + 1, [&](size_t b, size_t e) {
    columnSum(x, out, rows, columns, accumulate, b, e);
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
