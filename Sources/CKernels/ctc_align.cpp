// Forced alignment and the best label of each frame.
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "CKernels.h"
#include "softmax_row.hpp"

namespace {

constexpr double never = -std::numeric_limits<double>::infinity();

/// Room for n rounded up to 8; null when there is none.
double *doubles(size_t n) {
  return static_cast<double *>(std::aligned_alloc(64, (n + 8) / 8 * 8 * sizeof(double)));
}

CK_CLONES double rowSum(const float *x, size_t labels, double largest, double *scratch) {
  return ck::rowExponentials(x, labels, largest, scratch);
}

CK_CLONES float rowLargest(const float *x, size_t labels) {
  return ck::rowMaximum(x, labels);
}

/// The best path into each extended state, frame by frame. steps [frames, states] receives how many
/// states each came forward: 0, 1 or 2. A tie takes the smallest step. Returns the best last state, or
/// -1 when every path has probability zero.
ptrdiff_t search(const float *logits, size_t frames, size_t labels, size_t blank,
                 const int32_t *target, size_t target_count, double *score, double *previous,
                 uint8_t *steps) {
  const size_t states = 2 * target_count + 1;
  for (size_t t = 0; t < frames; ++t) {
    const float *x = logits + t * labels;
    std::swap(score, previous);
    for (size_t s = 0; s < states; ++s) {
      const bool isLabel = s % 2 == 1;
      double best = t == 0 ? (s < 2 ? 0 : never) : previous[s];
      uint8_t step = 0;
      if (t > 0 && s >= 1 && previous[s - 1] > best) {
        best = previous[s - 1];
        step = 1;
      }
      if (t > 0 && s >= 3 && isLabel && target[s / 2] != target[s / 2 - 1] &&
          previous[s - 2] > best) {
        best = previous[s - 2];
        step = 2;
      }
      // The softmax's normaliser is the same for all states, so the bare logit serves.
      score[s] = best + x[isLabel ? static_cast<size_t>(target[s / 2]) : blank];
      steps[t * states + s] = step;
    }
  }
  size_t last = states - 1;
  if (states > 1 && score[states - 2] > score[last]) last = states - 2;
  return score[last] == never ? -1 : static_cast<ptrdiff_t>(last);
}

struct BestLabels {
  const float *logits;
  size_t labels;
  int32_t *best;
  float *posterior;
};

void bestLabels(void *context, size_t begin, size_t end) {
  const BestLabels &job = *static_cast<BestLabels *>(context);
  double *scratch = doubles(job.labels);
  for (size_t row = begin; row < end; ++row) {
    const float *x = job.logits + row * job.labels;
    const float largest = rowLargest(x, job.labels);
    size_t label = 0;
    while (label + 1 < job.labels && x[label] != largest) ++label;
    job.best[row] = static_cast<int32_t>(label);
    job.posterior[row] =
        scratch == nullptr ? std::numeric_limits<float>::quiet_NaN()
                           : static_cast<float>(1 / rowSum(x, job.labels, largest, scratch));
  }
  std::free(scratch);
}

}  // namespace

int32_t ck_ctc_align(const float *logits, size_t frames, size_t labels, size_t blank,
                     const int32_t *target, size_t target_count, int32_t *path, float *posterior) {
  const size_t states = 2 * target_count + 1;
  size_t needed = target_count;
  for (size_t i = 1; i < target_count; ++i) needed += target[i] == target[i - 1];
  if (frames < needed) return CK_CTC_TOO_SHORT;
  if (frames == 0) return CK_CTC_OK;
  double *scores = doubles(2 * states), *scratch = doubles(labels), *logSums = doubles(frames);
  uint8_t *steps = static_cast<uint8_t *>(std::malloc(frames * states));
  int32_t status = CK_CTC_OK;
  if (scores == nullptr || scratch == nullptr || logSums == nullptr || steps == nullptr)
    status = CK_CTC_NO_MEMORY;
  // The normalisers first: they also prove the logits usable.
  for (size_t t = 0; t < frames && status == CK_CTC_OK; ++t) {
    const float *x = logits + t * labels;
    const double largest = rowLargest(x, labels);
    logSums[t] = largest + std::log(rowSum(x, labels, largest, scratch));
    if (!std::isfinite(logSums[t])) status = CK_CTC_NOT_FINITE;
  }
  if (status == CK_CTC_OK) {
    ptrdiff_t state = search(logits, frames, labels, blank, target, target_count, scores,
                             scores + states, steps);
    if (state < 0) status = CK_CTC_IMPOSSIBLE;
    for (size_t t = frames; state >= 0 && t-- > 0;) {
      path[t] = static_cast<int32_t>(state);
      const size_t symbol = state % 2 == 1 ? static_cast<size_t>(target[state / 2]) : blank;
      posterior[t] = static_cast<float>(std::exp(logits[t * labels + symbol] - logSums[t]));
      state -= steps[t * states + static_cast<size_t>(state)];
    }
  }
  std::free(scores);
  std::free(scratch);
  std::free(logSums);
  std::free(steps);
  return status;
}

void ck_ctc_best_labels(const float *logits, size_t rows, size_t labels, int32_t *best,
                        float *posterior) {
  BestLabels job{logits, labels, best, posterior};
  ck_parallel_for(rows, 64, bestLabels, &job);
}
