// Loops over packed utterances: x[rows, columns] holds one utterance after another, segment s in rows
// offsets[s] ..< offsets[s + 1], of which the first valid[s] count. Included by CKernels.h.
#pragma once

typedef struct {
  size_t count;
  const int32_t *offsets;  // count + 1
  const int32_t *valid;    // count
} ck_segments;

/// Depthwise convolution along the frames of each segment, stride 1, padding (kernel − 1) / 2, where
/// rows that are not valid read as 0. weight[columns, kernel] (PyTorch's order), bias[columns] or null.
void ck_depthwise_forward(const float *x, const float *weight, const float *bias, float *y,
                          ck_segments segments, size_t columns, size_t kernel);
void ck_depthwise_backward_data(const float *dy, const float *weight, float *dx,
                                ck_segments segments, size_t columns, size_t kernel);
/// dweight, overwritten.
void ck_depthwise_backward_weight(const float *x, const float *dy, float *dweight,
                                  ck_segments segments, size_t columns, size_t kernel);

/// Attention weights of one utterance. content[heads, frames, frames] and, or null,
/// position[heads, frames, 2 · frames − 1] (column p for distance frames − 1 − p); the weight of key j
/// for query i is softmax over j < valid of scale · (content[i, j] + position[i, frames − 1 − i + j]).
/// Queries from valid on attend to all frames equally, as the reference networks do.
void ck_attention_weights(const float *content, const float *position, float scale, float *weights,
                          size_t heads, size_t frames, size_t valid);
/// From the weights and their gradient: the gradient of the content scores, and the same shifted back
/// to position columns (zero outside the band) unless null; both in `type`.
void ck_attention_weights_backward(const float *weights, const float *dweights, float scale,
                                   ck_type type, void *dcontent, void *dposition, size_t heads,
                                   size_t frames, size_t valid);

/// Zeroes frames from valid[b] on in x[batch, frames, columns].
void ck_zero_invalid_frames(float *x, const int32_t *valid, size_t batch, size_t frames,
                            size_t columns);
