// Matrix products and convolutions, by oneDNN. Included by CKernels.h.
#pragma once

/// Why the last call on this thread that returned false did so.
const char *ck_last_error(void);
/// Whether this processor multiplies bfloat16 in hardware and oneDNN may use it.
bool ck_has_bfloat16(void);
const char *ck_library_version(void);

/// c[batch, m, n] = a[batch, m, k] · b[batch, k, n] (+ bias[n]) (+ c when accumulate).
/// Strides are in elements; within a and b either the row or the column stride is 1. A batch stride of 0
/// repeats that operand for every batch.
typedef struct {
  int64_t batch, m, n, k;
  int64_t a_batch, a_row, a_column;
  int64_t b_batch, b_row, b_column;
  int64_t c_batch, c_row;
  ck_type a_type, b_type, c_type;
  bool accumulate, has_bias;
} ck_matmul_shape;

bool ck_matmul(const ck_matmul_shape *shape, const void *a, const void *b, const float *bias, void *c);

/// Whether this processor multiplies whole numbers of 8 bits in hardware and oneDNN may use it.
bool ck_has_int8(void);
/// A weight [outputs, inputs] in 8 bits, each output by its largest magnitude.
typedef struct ck_int8_weight ck_int8_weight;
ck_int8_weight *ck_int8_pack(const float *weight, int64_t outputs, int64_t inputs);
void ck_int8_release(ck_int8_weight *weight);
/// y[rows, outputs] = x[rows, inputs] · weightᵀ (+ bias[outputs] or null), each row of x in 8 bits by its largest magnitude.
bool ck_int8_linear(ck_int8_weight *weight, const void *x, ck_type x_type, int64_t rows, const float *bias,
                    void *y, ck_type y_type);

/// A two-dimensional convolution, channels last: x[batch, height, width, in], y[batch, outHeight,
/// outWidth, out], weight[out, in / groups, kernelHeight, kernelWidth] (PyTorch's order), bias[out] or null.
/// x and y and their gradients are in `type`, which is computed in.
typedef struct {
  ck_type type;
  int64_t batch, height, width, in, out, groups;
  int64_t kernel_height, kernel_width, stride_height, stride_width;
  int64_t pad_height, pad_width, dilation_height, dilation_width;
} ck_conv_shape;

int64_t ck_conv_out_height(const ck_conv_shape *shape);
int64_t ck_conv_out_width(const ck_conv_shape *shape);
bool ck_conv_forward(const ck_conv_shape *shape, const void *x, const float *weight,
                     const float *bias, void *y);
/// dx, overwritten.
bool ck_conv_backward_data(const ck_conv_shape *shape, const void *dy, const float *weight, void *dx);
/// dweight and, if not null, dbias, overwritten.
bool ck_conv_backward_weight(const ck_conv_shape *shape, const void *x, const void *dy,
                             float *dweight, float *dbias);
