// Connectionist temporal classification: loss with gradient, forced alignment, best label a frame.
//
// Legend: R rows (frames of all utterances, packed one after another), V labels (output symbols),
// B utterances, L labels of one target. Logits are [R, V], row-major, not normalised.
//
// Preconditions beside the common ones: every segment lies within its buffers, 0 <= blank < V, every
// target label is in [0, V). The Swift layer checks them.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What became of one utterance.
enum {
  CK_CTC_OK = 0,
  /// frames < labels + adjacent repeats: no alignment exists.
  CK_CTC_TOO_SHORT = 1,
  /// A valid frame holds a NaN, +infinity, or nothing but -infinity.
  CK_CTC_NOT_FINITE = 2,
  /// Every alignment passes through a label whose logit is -infinity.
  CK_CTC_IMPOSSIBLE = 3,
  /// The working memory could not be had.
  CK_CTC_NO_MEMORY = 4,
};

/// One utterance of a packed batch.
typedef struct {
  /// Its first row, the rows it owns, and how many of them are valid (frames <= rows).
  size_t first_row, rows, frames;
  /// Its target: labels without blanks.
  const int32_t *target;
  size_t target_count;
  /// Factor on this utterance's gradient.
  double weight;
} ck_ctc_utterance;

/// Negative log-likelihood of each target, and optionally the gradient with respect to the logits.
///
/// loss [B]: nats, without the weight; infinity unless the status is CK_CTC_OK.
/// status [B]: CK_CTC_...
/// gradient: null, or [R, V]; each utterance's rows are written, not added to: weight * (softmax -
/// occupancy) in valid rows, zero in the rest and in every row of an utterance whose status is not OK.
///
/// Utterances run in parallel; the result does not depend on the number of threads. Time O(frames *
/// (V + L)); each thread works in some 6 * (64 + frames / 64) * L + V float64 numbers.
void ck_ctc_loss(const float *logits, size_t labels, size_t blank,
                 const ck_ctc_utterance *utterances, size_t count, double *loss, int32_t *status,
                 float *gradient);

/// The most probable alignment of one target to one utterance (Viterbi).
///
/// logits [frames, V]. path [frames]: for each frame the index into the extended target, 2i + 1 for
/// target label i and 2i for the blank before it. posterior [frames]: the softmax probability of the
/// symbol on the path. Returns CK_CTC_...; the outputs are undefined unless it is CK_CTC_OK.
int32_t ck_ctc_align(const float *logits, size_t frames, size_t labels, size_t blank,
                     const int32_t *target, size_t target_count, int32_t *path, float *posterior);

/// For each row of logits [rows, V] the first label of highest logit and its softmax probability.
///
/// A row without a largest finite logit gives NaN. Rows run in parallel.
void ck_ctc_best_labels(const float *logits, size_t rows, size_t labels, int32_t *best,
                        float *posterior);

#ifdef __cplusplus
}
#endif
