// The strided convolutions that begin a network: kernel 3 by 3, stride 2, padding 1, channels last.
// Included by CKernels.h.
#pragma once

/// Where utterances lie in the input and the output: rows are frames of `bins` (input) or of half or a
/// quarter as many (output) positions of `channels` values. Frames outside an utterance read as 0; output
/// frames that are not valid are 0.
typedef struct {
  size_t count, bins, channels;
  /// By utterance: its first row, and how many there are.
  const int32_t *in_first, *in_frames;
  const int32_t *out_first, *out_frames, *out_valid;
  /// Of the stem: how many frames between its two convolutions are valid; the others are 0.
  const int32_t *middle_valid;
} ck_subsampling;

/// One input channel to `channels`, ReLU, and a depthwise convolution: x[in rows, bins] to
/// y[out rows, bins / 4, channels]. weight and depthwise [channels, 3, 3], biases [channels].
void ck_stem_forward(const ck_subsampling *shape, const float *x, const float *weight, const float *bias,
                     const float *depthwise, const float *depthwise_bias, void *y, ck_type type);
/// How many values of working memory the way back needs.
size_t ck_stem_shares(const ck_subsampling *shape);
/// The gradients of all four, overwritten.
void ck_stem_backward(const ck_subsampling *shape, const float *x, const float *weight, const float *bias,
                      const float *depthwise, const void *dy, ck_type type, float *shares, float *dweight,
                      float *dbias, float *ddepthwise, float *ddepthwise_bias);

/// A depthwise convolution: x[in rows, bins, channels] to y[out rows, bins / 2, channels].
void ck_strided_depthwise_forward(const ck_subsampling *shape, const void *x, ck_type x_type,
                                  const float *weight, const float *bias, void *y, ck_type y_type);
size_t ck_strided_depthwise_shares(const ck_subsampling *shape);
/// dx, or null, and the gradients of both, overwritten.
void ck_strided_depthwise_backward(const ck_subsampling *shape, const void *x, ck_type x_type,
                                   const float *weight, const void *dy, ck_type dy_type, float *shares,
                                   void *dx, ck_type dx_type, float *dweight, float *dbias);
