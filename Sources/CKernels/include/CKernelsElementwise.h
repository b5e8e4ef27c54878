// Elementwise loops. `count` is a number of elements; out may be the same pointer as an input.
// Included by CKernels.h.
// Arrays of `void *` hold float32 or bfloat16, as their `ck_type` says.
#pragma once

void ck_to_bfloat16(const float *x, uint16_t *y, size_t count);
void ck_from_bfloat16(const uint16_t *x, float *y, size_t count);

/// out = x + scale · dropout(branch), with the draws of ck_dropout.
void ck_add_branch(const float *x, const void *branch, ck_type type, float scale, float rate,
                   uint64_t seed, float *out, size_t count);
/// dbranch = scale · dropout(dy)
void ck_add_branch_backward(const float *dy, float scale, float rate, uint64_t seed, void *dbranch,
                            ck_type type, size_t count);

/// out = a + scale · b
void ck_add_scaled(const float *a, const float *b, float scale, float *out, size_t count);
/// out = scale · x
void ck_scale_into(const float *x, float scale, float *out, size_t count);
/// out = a · b
void ck_multiply(const float *a, const float *b, float *out, size_t count);
/// The sum of x, in float64.
double ck_sum(const float *x, size_t count);

typedef enum {
  CK_RELU = 0, CK_SILU = 1, CK_GELU = 2, CK_GELU_TANH = 3, CK_SIGMOID = 4, CK_TANH = 5,
  /// Between 0 and 20.
  CK_CLIPPED_RELU = 6
} ck_activation;
/// y = dropout(f(x)), with the draws of ck_dropout.
void ck_activation_forward(ck_activation kind, const void *x, ck_type x_type, float rate,
                           uint64_t seed, void *y, ck_type y_type, size_t count);
/// dx = dropout(dy) · f'(x)
void ck_activation_backward(ck_activation kind, const void *x, ck_type x_type, const void *dy,
                            ck_type dy_type, float rate, uint64_t seed, void *dx, ck_type dx_type,
                            size_t count);

/// y[rows, columns] = x[:, :columns] · σ(x[:, columns:]), x[rows, 2 · columns].
void ck_glu_forward(const void *x, ck_type x_type, void *y, ck_type y_type, size_t rows,
                    size_t columns);
void ck_glu_backward(const void *x, ck_type x_type, const void *dy, ck_type dy_type, void *dx,
                     ck_type dx_type, size_t rows, size_t columns);

/// y = x / (1 − rate) where a draw by (seed, index) keeps it, else 0. Its own gradient with the same seed.
void ck_dropout(const float *x, float *y, size_t count, float rate, uint64_t seed);

/// out[columns] (+)= the sum over rows of x[rows, columns].
void ck_column_sum(const void *x, ck_type type, float *out, size_t rows, size_t columns,
                   bool accumulate);
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
