// Normalisation and softmax over rows. Statistics are float32, sums of squares about the mean.
// Included by CKernels.h.
#pragma once

/// y = (x − mean) / √(variance + epsilon) · gain + bias, row by row; keeps mean and 1/√ in mean[rows]
/// and scale[rows].
void ck_layer_norm_forward(const float *x, const float *gain, const float *bias, float epsilon,
                           void *y, ck_type y_type, float *mean, float *scale, size_t rows,
                           size_t columns);
/// How many blocks of rows the sums of the way back are made of.
size_t ck_layer_norm_blocks(size_t rows);
/// dx, overwritten or added to; may be null. shares[blocks, 2 · columns]: each block's gradients of gain and
/// bias, whose sums over the blocks are the whole; may be null.
void ck_layer_norm_backward(const float *x, const float *dy, const float *gain, const float *mean,
                            const float *scale, float *dx, bool adding, float *shares, size_t rows,
                            size_t columns);

/// Mean and biased variance of each column of x[rows, columns], skipping rows where use[row] is 0
/// (use may be null). Returns how many rows counted.
size_t ck_column_moments(const float *x, const uint8_t *use, float *mean, float *variance,
                         size_t rows, size_t columns);
/// y = x · scale[column] + shift[column]
void ck_column_affine(const float *x, const float *scale, const float *shift, float *y, size_t rows,
                      size_t columns);
/// sumDy[column] = Σ dy and sumDyX[column] = Σ dy · (x − mean[column]), over all rows.
void ck_column_products(const float *x, const float *dy, const float *mean, float *sumDy, float *sumDyX, size_t rows, size_t columns);
/// dx = a[column] · dy + (use[row] ? b[column] · (x − mean[column]) + c[column] : 0)
void ck_column_norm_backward(const float *x, const float *dy, const float *mean, const uint8_t *use,
                             const float *a, const float *b, const float *c, float *dx, size_t rows,
                             size_t columns);

void ck_softmax_forward(const float *x, float *y, size_t rows, size_t columns, bool logarithm);
/// From y, the forward's result.
void ck_softmax_backward(const float *y, const float *dy, float *dx, size_t rows, size_t columns,
                         bool logarithm);
