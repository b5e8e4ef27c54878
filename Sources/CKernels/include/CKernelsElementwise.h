// Elementwise loops. `count` is a number of elements; out may be the same pointer as an input.
// Included by CKernels.h.
#pragma once

void ck_to_bfloat16(const float *x, uint16_t *y, size_t count);

/// out = a + scale · b
void ck_add_scaled(const float *a, const float *b, float scale, float *out, size_t count);
/// out = scale · x
void ck_scale_into(const float *x, float scale, float *out, size_t count);
/// out = a · b
void ck_multiply(const float *a, const float *b, float *out, size_t count);
/// The sum of x, in float64.
double ck_sum(const float *x, size_t count);

typedef enum {
  CK_RELU = 0, CK_SILU = 1, CK_GELU = 2, CK_GELU_TANH = 3, CK_SIGMOID = 4, CK_TANH = 5
} ck_activation;
void ck_activation_forward(ck_activation kind, const float *x, float *y, size_t count);
/// dx = dy · f'(x)
void ck_activation_backward(ck_activation kind, const float *x, const float *dy, float *dx,
                            size_t count);

/// y[rows, columns] = x[:, :columns] · σ(x[:, columns:]), x[rows, 2 · columns].
void ck_glu_forward(const float *x, float *y, size_t rows, size_t columns);
void ck_glu_backward(const float *x, const float *dy, float *dx, size_t rows, size_t columns);

/// y = x / (1 − rate) where a draw by (seed, index) keeps it, else 0. Its own gradient with the same seed.
void ck_dropout(const float *x, float *y, size_t count, float rate, uint64_t seed);

/// out[columns] (+)= the sum over rows of x[rows, columns].
void ck_column_sum(const float *x, float *out, size_t rows, size_t columns, bool accumulate);
/// out[rows, columns] = x + row[columns]
void ck_add_row(const float *x, const float *row, float *out, size_t rows, size_t columns);
/// out[rows, columns] = x + row[columns], as bfloat16.
void ck_add_row_bfloat16(const float *x, const float *row, uint16_t *out, size_t rows, size_t columns);
/// out[i, :] = table[index[i], :]; every index is within the table.
void ck_gather_rows(const float *table, const int32_t *index, float *out, size_t count, size_t columns);
/// table[index[i], :] += rows[i, :]; an index may repeat.
void ck_scatter_add_rows(const float *rows, const int32_t *index, float *table, size_t count,
                         size_t columns);
/// out[a, c, b] = x[a, b, c]
void ck_transpose_last(const float *x, float *out, size_t a, size_t b, size_t c);
