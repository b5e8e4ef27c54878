// The CTC loss and its gradient by the forward-backward recursion.
//
// Graves, Fernandez, Gomez, Schmidhuber: Connectionist temporal classification, ICML 2006.
//
// Forward rows are kept for one block of frames; earlier blocks are run again from their first row. That
// stays in cache, where keeping every row would stream through memory.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "ctc_recursion.hpp"
#include "profile.hpp"
#include "softmax_row.hpp"

namespace {

using namespace ck::ctc;
using ck::powerOfTwo;

constexpr size_t blockFrames = 64;  // frames between two kept forward rows

/// Buffers for one utterance at a time, sized for the largest of the batch.
struct Workspace {
  size_t n;       // L + 1 rounded up to whole vectors
  size_t stride;  // of one array of a row: n and a vector of zero states on either side
  double *memory = nullptr;
  double *rows, *checkpoints, *emissions, *blankEmissions, *beta, *skip;
  double *scratch, *occupancy, *normaliser;
  float *largest;

  static size_t states(size_t target_count) { return (target_count + 1 + 7) / 8 * 8; }

  bool allocate(size_t maxTargets, size_t maxFrames, size_t labels, bool gradient) {
    n = states(maxTargets);
    stride = n + 16;
    const size_t vocabulary = (labels + 15) / 8 * 8;
    const size_t blocks = gradient ? (maxFrames + blockFrames - 1) / blockFrames : 0;
    const size_t sizes[] = {
        4 * stride * blockFrames, 4 * stride * blocks, 2 * n * blockFrames, 2 * blockFrames,
        8 * stride, stride, std::max(vocabulary, n), vocabulary, maxFrames + 8, maxFrames / 2 + 8,
    };
    size_t total = 0;
    for (size_t size : sizes) total += (size + 7) / 8 * 8;
    memory = static_cast<double *>(std::aligned_alloc(64, total * sizeof(double)));
    if (memory == nullptr) return false;
    double **parts[] = {&rows, &checkpoints, &emissions, &blankEmissions, &beta,
                        &skip, &scratch,     &occupancy, &normaliser};
    double *next = memory;
    for (size_t i = 0; i < 9; ++i) {
      *parts[i] = next;
      next += (sizes[i] + 7) / 8 * 8;
    }
    largest = reinterpret_cast<float *>(next);
    std::fill(occupancy, occupancy + vocabulary, 0.0);
    return true;
  }
  ~Workspace() { std::free(memory); }

  /// Fits the rows to one target and sets every state of every row to probability zero.
  void prepare(const ck_ctc_utterance &u) {
    n = states(u.target_count);
    stride = n + 16;
    const auto clear = [&](double *first, size_t count) {
      for (size_t i = 0; i < count; ++i) {
        std::fill(first + 2 * i * stride, first + (2 * i + 1) * stride, 0.0);
        std::fill(first + (2 * i + 1) * stride, first + (2 * i + 2) * stride, nothing);
      }
    };
    clear(rows, 2 * blockFrames);
    clear(beta, 4);
    std::fill(skip, skip + stride, nothing);
    for (size_t i = 1; i < u.target_count; ++i)
      if (u.target[i] != u.target[i - 1]) skip[8 + i] = 0;
  }
  Row row(double *base, size_t index) const {
    double *p = base + 4 * stride * index + 8;
    return {p, p + stride, p + 2 * stride, p + 3 * stride};
  }
  Emission emission(size_t frame) const {
    const size_t slot = frame % blockFrames;
    double *p = emissions + 2 * n * slot;
    return {p, p + n, blankEmissions + 2 * slot, blankEmissions + 2 * slot + 1};
  }
};

/// Subtracts the posterior occupancy of the target's symbols from one row of the gradient.
///
/// Those elements are formed anew in float64: where the model is sure, they are small differences.
CK_INLINE void subtractOccupancy(Row alpha, Row beta, Emission e, double totalK, double totalM,
                                  double normaliser, const ck_ctc_utterance &u, size_t blank,
                                  size_t n, double *scratch, double *occupancy, float *gradient) {
  const double inverse = 1 / totalM;
  double lanes[8] = {};
  for (size_t i = 0; i < n; i += 8)
    for (size_t j = i; j < i + 8; ++j)
      lanes[j - i] += alpha.blankM[j] * beta.blankM[j] *
                      powerOfTwo((alpha.blankK[j] - totalK) + beta.blankK[j]);
  double inBlank = 0;
  for (double lane : lanes) inBlank += lane;
  occupancy[blank] = inBlank * inverse;
  for (size_t i = 0; i < n; ++i)
    scratch[i] = alpha.labelM[i] * beta.labelM[i] *
                 powerOfTwo((alpha.labelK[i] - totalK) + beta.labelK[i]) * inverse;
  // A label that stands in the target more than once collects all its states, then is written as often.
  for (size_t i = 0; i < u.target_count; ++i) occupancy[u.target[i]] += scratch[i];
  const double scale = 1 / normaliser;
  gradient[blank] = static_cast<float>(
      u.weight * (*e.blankM * powerOfTwo(*e.blankK) * scale - occupancy[blank]));
  occupancy[blank] = 0;
  for (size_t i = 0; i < n; ++i) scratch[i] = e.m[i] * powerOfTwo(e.k[i]) * scale;
  for (size_t i = 0; i < u.target_count; ++i)
    gradient[u.target[i]] =
        static_cast<float>(u.weight * (scratch[i] - occupancy[u.target[i]]));
  for (size_t i = 0; i < u.target_count; ++i) occupancy[u.target[i]] = 0;
}

/// Softmax statistics of every frame, and with a gradient its softmax part.
/// Returns sum of ln(normaliser); not finite if a row is not.
CK_CLONES double normalise(const float *logits, size_t labels, const ck_ctc_utterance &u,
                               Workspace &w, float *gradient) {
  double logSum = 0;
  double product = 1;
  for (size_t t = 0; t < u.frames; ++t) {
    const float *x = logits + t * labels;
    const float largest = ck::rowMaximum(x, labels);
    const double sum = ck::rowExponentials(x, labels, largest, w.scratch);
    w.largest[t] = largest;
    w.normaliser[t] = sum;
    // One logarithm for many frames, before the product of sums can overflow.
    product *= sum;
    if (!(product < 0x1p400) || t + 1 == u.frames) {
      logSum += std::log(product);
      product = 1;
    }
    if (gradient == nullptr) continue;
    float *g = gradient + t * labels;
    const double factor = u.weight / sum;
    for (size_t v = 0; v < labels; ++v) g[v] = static_cast<float>(w.scratch[v] * factor);
  }
  return logSum;
}

/// Forward rows of frames [begin, end), the first of which is given when begin > 0.
CK_CLONES void forward(const float *logits, size_t labels, size_t blank,
                           const ck_ctc_utterance &u, Workspace &w, size_t begin, size_t end,
                           bool keep) {
  for (size_t t = begin; t < end; ++t) {
    const Emission e = w.emission(t);
    const Row to = w.row(w.rows, t % blockFrames);
    emit(logits + t * labels, w.largest[t], u, blank, w.n, w.scratch, e);
    if (t == 0)
      firstStep(to, e, u.target_count);
    else if (t > begin || keep)
      forwardStep(w.row(w.rows, (t - 1) % blockFrames), to, e, w.skip + 8, w.n, isTidied(t));
    if (keep && t % blockFrames == 0)
      std::memcpy(w.checkpoints + 4 * w.stride * (t / blockFrames), w.rows,
                  4 * w.stride * sizeof(double));
  }
}

/// The occupancy of frames [begin, end), last to first; `beta` alternates between two rows.
CK_CLONES void backward(size_t labels, size_t blank, const ck_ctc_utterance &u, Workspace &w,
                            size_t begin, size_t end, double totalM, double totalK,
                            float *gradient) {
  const Row later = w.row(w.beta, 0), here = w.row(w.beta, 1);
  for (size_t t = end; t-- > begin;) {
    const Emission e = w.emission(t);
    if (t + 1 == u.frames) {
      here.blankM[u.target_count] = 1;
      here.blankK[u.target_count] = 0;
      if (u.target_count > 0) {
        here.labelM[u.target_count - 1] = 1;
        here.labelK[u.target_count - 1] = 0;
      }
    } else {
      backwardStep(later, here, w.skip + 8, w.n, isTidied(t));
    }
    subtractOccupancy(w.row(w.rows, t % blockFrames), here, e, totalK, totalM, w.normaliser[t], u,
                       blank, w.n, w.scratch, w.occupancy, gradient + t * labels);
    timesEmission(here, later, e, w.n);
  }
}

size_t framesNeeded(const ck_ctc_utterance &u) {
  size_t needed = u.target_count;
  for (size_t i = 1; i < u.target_count; ++i) needed += u.target[i] == u.target[i - 1];
  return needed;
}

/// Loss, status and gradient of one utterance. `gradient` points at its first row, or nowhere.
int32_t run(const float *logits, size_t labels, size_t blank, const ck_ctc_utterance &u,
            Workspace &w, double &loss, float *gradient) {
  if (u.frames < framesNeeded(u)) return CK_CTC_TOO_SHORT;
  if (u.frames == 0) {
    loss = 0;
    return CK_CTC_OK;
  }
  w.prepare(u);
  const double logNormaliser = normalise(logits, labels, u, w, gradient);
  if (!std::isfinite(logNormaliser)) return CK_CTC_NOT_FINITE;
  forward(logits, labels, blank, u, w, 0, u.frames, gradient != nullptr);

  const Row last = w.row(w.rows, (u.frames - 1) % blockFrames);
  double totalM = last.blankM[u.target_count], totalK = last.blankK[u.target_count];
  if (u.target_count > 0) {
    const double m = last.labelM[u.target_count - 1], k = last.labelK[u.target_count - 1];
    const double top = std::max(totalK, k);
    totalM = totalM * powerOfTwo(totalK - top) + m * powerOfTwo(k - top);
    totalK = top;
  }
  if (!(totalM > 0) || totalK < -1e12) return CK_CTC_IMPOSSIBLE;
  loss = logNormaliser - (std::log(totalM) + totalK * 0x1.62e42fefa39efp-1);
  if (gradient == nullptr) return CK_CTC_OK;

  for (size_t block = (u.frames - 1) / blockFrames + 1; block-- > 0;) {
    const size_t begin = block * blockFrames, end = std::min(begin + blockFrames, u.frames);
    if (end < u.frames) {
      std::memcpy(w.rows, w.checkpoints + 4 * w.stride * block, 4 * w.stride * sizeof(double));
      forward(logits, labels, blank, u, w, begin, end, false);
    }
    backward(labels, blank, u, w, begin, end, totalM, totalK, gradient);
  }
  return CK_CTC_OK;
}

struct Batch {
  const float *logits;
  size_t labels, blank, count, maxTargets, maxFrames;
  const ck_ctc_utterance *utterances;
  const size_t *order;
  double *loss;
  int32_t *status;
  float *gradient;
  std::atomic<size_t> next{0};
};

/// One thread's share: the longest utterance not yet taken, until none is left.
void work(void *context, size_t, size_t) {
  Batch &batch = *static_cast<Batch *>(context);
  Workspace w;
  const bool ready =
      w.allocate(batch.maxTargets, batch.maxFrames, batch.labels, batch.gradient != nullptr);
  for (size_t i; (i = batch.next.fetch_add(1)) < batch.count;) {
    const size_t index = batch.order[i];
    const ck_ctc_utterance &u = batch.utterances[index];
    const size_t offset = u.first_row * batch.labels;
    float *gradient = batch.gradient == nullptr ? nullptr : batch.gradient + offset;
    batch.loss[index] = std::numeric_limits<double>::infinity();
    batch.status[index] = ready ? run(batch.logits + offset, batch.labels, batch.blank, u, w,
                                      batch.loss[index], gradient)
                                : static_cast<int32_t>(CK_CTC_NO_MEMORY);
    if (gradient == nullptr) continue;
    const size_t valid = batch.status[index] == CK_CTC_OK ? u.frames : 0;
    std::fill(gradient + valid * batch.labels, gradient + u.rows * batch.labels, 0.0f);
  }
}

}  // namespace

void ck_ctc_loss(const float *logits, size_t labels, size_t blank,
                 const ck_ctc_utterance *utterances, size_t count, double *loss, int32_t *status,
                 float *gradient) {
  double rows = 0;
  for (size_t i = 0; i < count; i++) rows += utterances[i].rows;
  const ck::Timed timed("ctc loss", 0, rows * labels * (gradient ? 8 : 4));
  size_t *order = static_cast<size_t *>(std::malloc(std::max<size_t>(1, count) * sizeof(size_t)));
  if (order == nullptr) {
    std::fill(loss, loss + count, std::numeric_limits<double>::infinity());
    std::fill(status, status + count, static_cast<int32_t>(CK_CTC_NO_MEMORY));
    return;
  }
  Batch batch{logits, labels, blank, count, 0, 0, utterances, order, loss, status, gradient};
  for (size_t i = 0; i < count; ++i) {
    order[i] = i;
    batch.maxTargets = std::max(batch.maxTargets, utterances[i].target_count);
    batch.maxFrames = std::max(batch.maxFrames, utterances[i].frames);
  }
  const auto cost = [&](size_t i) {
    return utterances[i].frames * (labels + 8 * utterances[i].target_count);
  };
  std::sort(order, order + count, [&](size_t a, size_t b) {
    return cost(a) != cost(b) ? cost(a) > cost(b) : a < b;
  });
  ck_parallel_for(std::min(count, static_cast<size_t>(ck_threads())), 1, work, &batch);
  std::free(order);
}
