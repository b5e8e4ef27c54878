// Loops over packed utterances: x[rows, columns] holds one utterance after another, segment s in rows
// offsets[s] ..< offsets[s + 1], of which the first valid[s] count. Included by CKernels.h.
#pragma once

typedef struct {
  size_t count;
  const int32_t *offsets;  // count + 1
  const int32_t *valid;    // count
} ck_segments;

/// Depthwise convolution along the frames of each segment, stride 1, of which `before` taps lie before a
/// frame; rows that are not valid read as 0. weight[columns, kernel] (PyTorch's order), bias[columns] or null.
void ck_depthwise_forward(const float *x, const float *weight, const float *bias, float *y,
                          ck_segments segments, size_t columns, size_t kernel, size_t before);
void ck_depthwise_backward_data(const float *dy, const float *weight, float *dx,
                                ck_segments segments, size_t columns, size_t kernel, size_t before);
/// dweight, overwritten.
void ck_depthwise_backward_weight(const float *x, const float *dy, float *dweight,
                                  ck_segments segments, size_t columns, size_t kernel, size_t before);

/// Attention of each utterance over its own frames, by head: softmax over keys j < valid of
/// scale · ((q[i] + u) · k[j] + (q[i] + v) · p[frames − 1 − i + j]) + gate[i] · d[frames − 1 − i + j], dropped
/// out, times the values. Queries from valid on attend to all frames equally, as the reference networks do.
typedef struct {
  /// What queries, keys, values and positions hold, and what is computed in.
  ck_type type;
  size_t heads, size;
  /// [rows, heads · size], `row` values from one row to the next.
  const void *queries, *keys, *values;
  size_t row;
  /// Keys of the distances L − 1 … −(L − 1), [position_rows = 2L − 1, heads · size], or null.
  const void *positions;
  size_t position_rows, position_row;
  /// [heads · size], or null.
  const float *u, *v;
  /// Biases of the distances, [position_rows, heads], and how much they count, [rows, heads]; not together with
  /// positions. Or null.
  const float *distances, *gates;
  float scale, dropout;
  uint64_t seed;
  ck_segments segments;
} ck_attention;

/// How many values the weights are that the way back needs.
size_t ck_attention_kept(const ck_attention *call);
/// kept: the weights before dropout, in `type`, or null. result[rows, heads · size].
void ck_attention_forward(const ck_attention *call, void *kept, void *result, ck_type result_type);

typedef struct {
  /// [rows, heads · size] each, in `type`, overwritten.
  ck_type type;
  void *queries, *keys, *values;
  /// [position_rows, heads · size], [heads · size] and [heads · size], overwritten.
  float *positions, *u, *v;
  /// Working memory: Σ (2 · frames − 1) · heads · size, and utterances · 2 · heads · size.
  float *position_shares, *bias_shares;
  /// [position_rows, heads] and [rows, heads], overwritten, and working memory, Σ (2 · frames − 1) · heads.
  float *distances, *gates, *distance_shares;
} ck_attention_gradients;

/// dresult[rows, heads · size] in the call's type.
void ck_attention_backward(const ck_attention *call, const void *kept, const void *dresult,
                           const ck_attention_gradients *gradients);

/// Zeroes frames from valid[b] on in x[batch, frames, columns].
void ck_zero_invalid_frames(float *x, const int32_t *valid, size_t batch, size_t frames,
                            size_t columns);
