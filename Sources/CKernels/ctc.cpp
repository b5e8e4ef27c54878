// The CTC loss and its gradient by the forward-backward recursion.
//
// Graves, Fernandez, Gomez, Schmidhuber: Connectionist temporal classification, ICML 2006.
//
// A state probability is a pair (m, k) that means m * 2^k, all in float64, with k of its own for every
// state. So there is no logarithm or exponential in the recursion, and nothing underflows however peaky
// the logits: a prefix thousands of nats behind the best one may still be the only one that can end.
//
// Of the 2L + 1 states, the L + 1 blanks and the L labels lie in arrays of their own: blank i stands
// before label i. Then every state of one kind has the same rule and the loops are plain vectors:
//   blank_i <- (blank_i + label_{i-1}) * e(blank)
//   label_i <- (label_i + blank_i + [target_i != target_{i-1}] label_{i-1}) * e(target_i)
// Forward rows are kept for one block of frames; earlier blocks are run again from their first row. That
// stays in cache, where keeping every row would stream through memory.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "CKernels.h"
#include "softmax_row.h"

namespace {

using ck::power_of_two;

constexpr size_t kBlock = 64;       // frames between two kept forward rows
constexpr size_t kRenormalise = 32;  // frames in which m grows by at most 2^67 and shrinks by 2^-16
constexpr double kNothing = -1e300;  // the exponent of probability zero, far below any that occurs

/// Moves the power of two in m over to k.
CK_INLINE void renormalise(double &m, double &k) {
  const uint64_t b = ck::bits(m);
  // The biased exponent as a double: or it into the low bits of 2^52.
  const double e = ck::from_bits((b >> 52) | 0x4330000000000000u) - 0x1p52;
  const double unit = ck::from_bits((b & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u);
  k = m > 0 ? k + (e - 1023) : k;
  m = m > 0 ? unit : 0.0;
}

/// The probabilities of every state at one frame. Each array may be read from [-1] to [n].
struct Row {
  double *blank_m, *blank_k, *label_m, *label_k;
};

/// The probabilities of the target's symbols at one frame, times the frame's normaliser.
struct Emission {
  double *m, *k;              // [n], zero from L on
  double *blank_m, *blank_k;  // one each
};

/// Buffers for one utterance at a time, sized for the largest of the batch.
struct Workspace {
  size_t n;       // L + 1 rounded up to whole vectors
  size_t stride;  // of one array of a row: n and a vector of zero states on either side
  double *memory = nullptr;
  double *rows, *checkpoints, *emissions, *blank_emissions, *beta, *skip;
  double *scratch, *occupancy, *normaliser;
  float *largest;

  static size_t states(size_t target_count) { return (target_count + 1 + 7) / 8 * 8; }

  bool allocate(size_t max_targets, size_t max_frames, size_t labels, bool gradient) {
    n = states(max_targets);
    stride = n + 16;
    const size_t vocabulary = (labels + 15) / 8 * 8;
    const size_t blocks = gradient ? (max_frames + kBlock - 1) / kBlock : 0;
    const size_t sizes[] = {4 * stride * kBlock, 4 * stride * blocks, 2 * n * kBlock, 2 * kBlock,
                            8 * stride,          stride,              std::max(vocabulary, n),
                            vocabulary,          max_frames + 8,      max_frames / 2 + 8};
    size_t total = 0;
    for (size_t size : sizes) total += (size + 7) / 8 * 8;
    memory = static_cast<double *>(std::aligned_alloc(64, total * sizeof(double)));
    if (memory == nullptr) return false;
    double **parts[] = {&rows, &checkpoints, &emissions, &blank_emissions, &beta,
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
        std::fill(first + (2 * i + 1) * stride, first + (2 * i + 2) * stride, kNothing);
      }
    };
    clear(rows, 2 * kBlock);
    clear(beta, 4);
    std::fill(skip, skip + stride, kNothing);
    for (size_t i = 1; i < u.target_count; ++i)
      if (u.target[i] != u.target[i - 1]) skip[8 + i] = 0;
  }
  Row row(double *base, size_t index) const {
    double *p = base + 4 * stride * index + 8;
    return {p, p + stride, p + 2 * stride, p + 3 * stride};
  }
  Emission emission(size_t frame) const {
    const size_t slot = frame % kBlock;
    double *p = emissions + 2 * n * slot;
    return {p, p + n, blank_emissions + 2 * slot, blank_emissions + 2 * slot + 1};
  }
};

CK_INLINE void emit(const float *x, double largest, const ck_ctc_utterance &u, size_t blank,
                    size_t n, double *scratch, Emission e) {
  for (size_t i = 0; i < u.target_count; ++i) scratch[i] = static_cast<double>(x[u.target[i]]) - largest;
  scratch[u.target_count] = static_cast<double>(x[blank]) - largest;  // n has room for one more
  for (size_t i = u.target_count + 1; i < n; ++i) scratch[i] = 0;
  for (size_t i = 0; i < n; ++i) ck::exp_split(scratch[i], e.m[i], e.k[i]);
  *e.blank_m = e.m[u.target_count];
  *e.blank_k = e.k[u.target_count];
  for (size_t i = u.target_count; i < n; ++i) {
    e.m[i] = 0;
    e.k[i] = kNothing;
  }
}

CK_INLINE void first_step(Row to, Emission e, size_t target_count) {
  to.blank_m[0] = *e.blank_m;
  to.blank_k[0] = *e.blank_k;
  if (target_count > 0) {
    to.label_m[0] = e.m[0];
    to.label_k[0] = e.k[0];
  }
}

CK_INLINE void forward_step(Row from, Row to, Emission e, const double *skip, size_t n, bool tidy) {
  const double *__restrict bm = from.blank_m, *__restrict bk = from.blank_k;
  const double *__restrict lm = from.label_m, *__restrict lk = from.label_k;
  const double *__restrict em = e.m, *__restrict ek = e.k, *__restrict sk = skip;
  double *__restrict tbm = to.blank_m, *__restrict tbk = to.blank_k;
  double *__restrict tlm = to.label_m, *__restrict tlk = to.label_k;
  const double blank_m = *e.blank_m, blank_k = *e.blank_k;
  for (ptrdiff_t i = 0; i < static_cast<ptrdiff_t>(n); ++i) {
    const double before = lk[i - 1];
    const double k = bk[i] > before ? bk[i] : before;
    const double m = bm[i] * power_of_two(bk[i] - k) + lm[i - 1] * power_of_two(before - k);
    tbm[i] = m * blank_m;
    tbk[i] = k + blank_k;
    const double skipped = before + sk[i];
    double top = lk[i] > bk[i] ? lk[i] : bk[i];
    top = top > skipped ? top : skipped;
    const double sum = lm[i] * power_of_two(lk[i] - top) + bm[i] * power_of_two(bk[i] - top) +
                       lm[i - 1] * power_of_two(skipped - top);
    tlm[i] = sum * em[i];
    tlk[i] = top + ek[i];
  }
  if (!tidy) return;
  for (size_t i = 0; i < n; ++i) renormalise(tbm[i], tbk[i]);
  for (size_t i = 0; i < n; ++i) renormalise(tlm[i], tlk[i]);
}

/// One frame backward. `to` receives each state's probability of everything after its frame; `from` is
/// that of one frame later, times the later frame's emission.
CK_INLINE void backward_step(Row from, Row to, const double *skip, size_t n, bool tidy) {
  const double *__restrict bm = from.blank_m, *__restrict bk = from.blank_k;
  const double *__restrict lm = from.label_m, *__restrict lk = from.label_k;
  const double *__restrict sk = skip;
  double *__restrict tbm = to.blank_m, *__restrict tbk = to.blank_k;
  double *__restrict tlm = to.label_m, *__restrict tlk = to.label_k;
  for (size_t i = 0; i < n; ++i) {
    const double k = bk[i] > lk[i] ? bk[i] : lk[i];
    tbm[i] = bm[i] * power_of_two(bk[i] - k) + lm[i] * power_of_two(lk[i] - k);
    tbk[i] = k;
    const double skipped = lk[i + 1] + sk[i + 1];
    double top = lk[i] > bk[i + 1] ? lk[i] : bk[i + 1];
    top = top > skipped ? top : skipped;
    tlm[i] = lm[i] * power_of_two(lk[i] - top) + bm[i + 1] * power_of_two(bk[i + 1] - top) +
             lm[i + 1] * power_of_two(skipped - top);
    tlk[i] = top;
  }
  if (!tidy) return;
  for (size_t i = 0; i < n; ++i) renormalise(tbm[i], tbk[i]);
  for (size_t i = 0; i < n; ++i) renormalise(tlm[i], tlk[i]);
}

/// `to` is `from` times the frame's emission.
CK_INLINE void times_emission(Row from, Row to, Emission e, size_t n) {
  const double blank_m = *e.blank_m, blank_k = *e.blank_k;
  const double *__restrict bm = from.blank_m, *__restrict bk = from.blank_k;
  const double *__restrict lm = from.label_m, *__restrict lk = from.label_k;
  const double *__restrict em = e.m, *__restrict ek = e.k;
  double *__restrict tbm = to.blank_m, *__restrict tbk = to.blank_k;
  double *__restrict tlm = to.label_m, *__restrict tlk = to.label_k;
  for (size_t i = 0; i < n; ++i) {
    tbm[i] = bm[i] * blank_m;
    tbk[i] = bk[i] + blank_k;
    tlm[i] = lm[i] * em[i];
    tlk[i] = lk[i] + ek[i];
  }
}

/// Subtracts the posterior occupancy of the target's symbols from one row of the gradient.
///
/// Those elements are formed anew in float64: where the model is sure, they are small differences.
CK_INLINE void subtract_occupancy(Row alpha, Row beta, Emission e, double total_k, double total_m,
                                  double normaliser, const ck_ctc_utterance &u, size_t blank,
                                  size_t n, double *scratch, double *occupancy, float *gradient) {
  const double inverse = 1 / total_m;
  double lanes[8] = {};
  for (size_t i = 0; i < n; i += 8)
    for (size_t j = i; j < i + 8; ++j)
      lanes[j - i] += alpha.blank_m[j] * beta.blank_m[j] *
                      power_of_two((alpha.blank_k[j] - total_k) + beta.blank_k[j]);
  double in_blank = 0;
  for (double lane : lanes) in_blank += lane;
  occupancy[blank] = in_blank * inverse;
  for (size_t i = 0; i < n; ++i)
    scratch[i] = alpha.label_m[i] * beta.label_m[i] *
                 power_of_two((alpha.label_k[i] - total_k) + beta.label_k[i]) * inverse;
  // A label that stands in the target more than once collects all its states, then is written as often.
  for (size_t i = 0; i < u.target_count; ++i) occupancy[u.target[i]] += scratch[i];
  const double scale = 1 / normaliser;
  gradient[blank] = static_cast<float>(
      u.weight * (*e.blank_m * power_of_two(*e.blank_k) * scale - occupancy[blank]));
  occupancy[blank] = 0;
  for (size_t i = 0; i < n; ++i) scratch[i] = e.m[i] * power_of_two(e.k[i]) * scale;
  for (size_t i = 0; i < u.target_count; ++i)
    gradient[u.target[i]] =
        static_cast<float>(u.weight * (scratch[i] - occupancy[u.target[i]]));
  for (size_t i = 0; i < u.target_count; ++i) occupancy[u.target[i]] = 0;
}

/// Softmax statistics of every frame, and with a gradient its softmax part.
/// Returns sum of ln(normaliser); not finite if a row is not.
CK_DISPATCHED double normalise(const float *logits, size_t labels, const ck_ctc_utterance &u,
                               Workspace &w, float *gradient) {
  double log_sum = 0;
  double product = 1;
  for (size_t t = 0; t < u.frames; ++t) {
    const float *x = logits + t * labels;
    const float largest = ck::row_maximum(x, labels);
    const double sum = ck::row_exponentials(x, labels, largest, w.scratch);
    w.largest[t] = largest;
    w.normaliser[t] = sum;
    // One logarithm for many frames, before the product of sums can overflow.
    product *= sum;
    if (!(product < 0x1p400) || t + 1 == u.frames) {
      log_sum += std::log(product);
      product = 1;
    }
    if (gradient == nullptr) continue;
    float *g = gradient + t * labels;
    const double factor = u.weight / sum;
    for (size_t v = 0; v < labels; ++v) g[v] = static_cast<float>(w.scratch[v] * factor);
  }
  return log_sum;
}

/// Forward rows of frames [begin, end), the first of which is given when begin > 0.
CK_DISPATCHED void forward(const float *logits, size_t labels, size_t blank,
                           const ck_ctc_utterance &u, Workspace &w, size_t begin, size_t end,
                           bool keep) {
  for (size_t t = begin; t < end; ++t) {
    const Emission e = w.emission(t);
    const Row to = w.row(w.rows, t % kBlock);
    emit(logits + t * labels, w.largest[t], u, blank, w.n, w.scratch, e);
    if (t == 0)
      first_step(to, e, u.target_count);
    else if (t > begin || keep)
      forward_step(w.row(w.rows, (t - 1) % kBlock), to, e, w.skip + 8, w.n, t % kRenormalise == 0);
    if (keep && t % kBlock == 0)
      std::memcpy(w.checkpoints + 4 * w.stride * (t / kBlock), w.rows,
                  4 * w.stride * sizeof(double));
  }
}

/// The occupancy of frames [begin, end), last to first; `beta` alternates between two rows.
CK_DISPATCHED void backward(size_t labels, size_t blank, const ck_ctc_utterance &u, Workspace &w,
                            size_t begin, size_t end, double total_m, double total_k,
                            float *gradient) {
  const Row later = w.row(w.beta, 0), here = w.row(w.beta, 1);
  for (size_t t = end; t-- > begin;) {
    const Emission e = w.emission(t);
    if (t + 1 == u.frames) {
      here.blank_m[u.target_count] = 1;
      here.blank_k[u.target_count] = 0;
      if (u.target_count > 0) {
        here.label_m[u.target_count - 1] = 1;
        here.label_k[u.target_count - 1] = 0;
      }
    } else {
      backward_step(later, here, w.skip + 8, w.n, t % kRenormalise == 0);
    }
    subtract_occupancy(w.row(w.rows, t % kBlock), here, e, total_k, total_m, w.normaliser[t], u,
                       blank, w.n, w.scratch, w.occupancy, gradient + t * labels);
    times_emission(here, later, e, w.n);
  }
}

size_t frames_needed(const ck_ctc_utterance &u) {
  size_t needed = u.target_count;
  for (size_t i = 1; i < u.target_count; ++i) needed += u.target[i] == u.target[i - 1];
  return needed;
}

/// Loss, status and gradient of one utterance. `gradient` points at its first row, or nowhere.
int32_t run(const float *logits, size_t labels, size_t blank, const ck_ctc_utterance &u,
            Workspace &w, double &loss, float *gradient) {
  if (u.frames < frames_needed(u)) return CK_CTC_TOO_SHORT;
  if (u.frames == 0) {
    loss = 0;
    return CK_CTC_OK;
  }
  w.prepare(u);
  const double log_normaliser = normalise(logits, labels, u, w, gradient);
  if (!std::isfinite(log_normaliser)) return CK_CTC_NOT_FINITE;
  forward(logits, labels, blank, u, w, 0, u.frames, gradient != nullptr);

  const Row last = w.row(w.rows, (u.frames - 1) % kBlock);
  double total_m = last.blank_m[u.target_count], total_k = last.blank_k[u.target_count];
  if (u.target_count > 0) {
    const double m = last.label_m[u.target_count - 1], k = last.label_k[u.target_count - 1];
    const double top = std::max(total_k, k);
    total_m = total_m * power_of_two(total_k - top) + m * power_of_two(k - top);
    total_k = top;
  }
  if (!(total_m > 0) || total_k < -1e12) return CK_CTC_IMPOSSIBLE;
  loss = log_normaliser - (std::log(total_m) + total_k * 0x1.62e42fefa39efp-1);
  if (gradient == nullptr) return CK_CTC_OK;

  for (size_t block = (u.frames - 1) / kBlock + 1; block-- > 0;) {
    const size_t begin = block * kBlock, end = std::min(begin + kBlock, u.frames);
    if (end < u.frames) {
      std::memcpy(w.rows, w.checkpoints + 4 * w.stride * block, 4 * w.stride * sizeof(double));
      forward(logits, labels, blank, u, w, begin, end, false);
    }
    backward(labels, blank, u, w, begin, end, total_m, total_k, gradient);
  }
  return CK_CTC_OK;
}

struct Batch {
  const float *logits;
  size_t labels, blank, count, max_targets, max_frames;
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
      w.allocate(batch.max_targets, batch.max_frames, batch.labels, batch.gradient != nullptr);
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
  size_t *order = static_cast<size_t *>(std::malloc(std::max<size_t>(1, count) * sizeof(size_t)));
  if (order == nullptr) {
    std::fill(loss, loss + count, std::numeric_limits<double>::infinity());
    std::fill(status, status + count, static_cast<int32_t>(CK_CTC_NO_MEMORY));
    return;
  }
  Batch batch{logits, labels, blank, count, 0, 0, utterances, order, loss, status, gradient};
  for (size_t i = 0; i < count; ++i) {
    order[i] = i;
    batch.max_targets = std::max(batch.max_targets, utterances[i].target_count);
    batch.max_frames = std::max(batch.max_frames, utterances[i].frames);
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
