// The states of the CTC recursion, and one frame of it in either direction.
//
// A state probability is a pair (m, k) that means m * 2^k, all in float64, with k of its own for every
// state. So there is no logarithm or exponential in the recursion, and nothing underflows however peaky
// the logits: a prefix thousands of nats behind the best one may still be the only one that can end.
//
// Of the 2L + 1 states, the L + 1 blanks and the L labels lie in arrays of their own: blank i stands
// before label i. Then every state of one kind has the same rule and the loops are plain vectors:
//   blank[i] <- (blank[i] + label[i-1]) * e(blank)
//   label[i] <- (label[i] + blank[i] + (target[i] != target[i-1]) * label[i-1]) * e(target[i])
#pragma once
#include "extended_exponent.hpp"

namespace ck::ctc {

/// The exponent of probability zero, far below any that occurs.
constexpr double nothing = -1e300;

/// Whether frame t brings the mantissas back to 1...2. Between two such frames a mantissa grows to 2^67
/// at most and shrinks to 2^-16.
CK_INLINE bool isTidied(size_t t) { return t % 32 == 0; }

/// Moves the power of two in m over to k.
CK_INLINE void renormalise(double &m, double &k) {
  const uint64_t b = ck::bits(m);
  // The biased exponent as a double: or it into the low bits of 2^52.
  const double e = ck::fromBits((b >> 52) | 0x4330000000000000u) - 0x1p52;
  const double unit = ck::fromBits((b & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u);
  k = m > 0 ? k + (e - 1023) : k;
  m = m > 0 ? unit : 0.0;
}

/// The probabilities of every state at one frame. Each array may be read from [-1] to [n].
struct Row {
  double *blankM, *blankK, *labelM, *labelK;
};

/// The probabilities of the target's symbols at one frame, times the frame's normaliser.
struct Emission {
  double *m, *k;              // [n], zero from L on
  double *blankM, *blankK;  // one each
};

/// What a frame says of the target's symbols: exp(logit - largest logit).
CK_INLINE void emit(const float *x, double largest, const ck_ctc_utterance &u, size_t blank,
                    size_t n, double *scratch, Emission e) {
  for (size_t i = 0; i < u.target_count; ++i)
    scratch[i] = static_cast<double>(x[u.target[i]]) - largest;
  scratch[u.target_count] = static_cast<double>(x[blank]) - largest;  // n has room for one more
  for (size_t i = u.target_count + 1; i < n; ++i) scratch[i] = 0;
  for (size_t i = 0; i < n; ++i) ck::splitExp(scratch[i], e.m[i], e.k[i]);
  *e.blankM = e.m[u.target_count];
  *e.blankK = e.k[u.target_count];
  for (size_t i = u.target_count; i < n; ++i) {
    e.m[i] = 0;
    e.k[i] = nothing;
  }
}

CK_INLINE void firstStep(Row to, Emission e, size_t target_count) {
  to.blankM[0] = *e.blankM;
  to.blankK[0] = *e.blankK;
  if (target_count > 0) {
    to.labelM[0] = e.m[0];
    to.labelK[0] = e.k[0];
  }
}

CK_INLINE void forwardStep(Row from, Row to, Emission e, const double *skip, size_t n, bool tidy) {
  const double *__restrict bm = from.blankM, *__restrict bk = from.blankK;
  const double *__restrict lm = from.labelM, *__restrict lk = from.labelK;
  const double *__restrict em = e.m, *__restrict ek = e.k, *__restrict sk = skip;
  double *__restrict tbm = to.blankM, *__restrict tbk = to.blankK;
  double *__restrict tlm = to.labelM, *__restrict tlk = to.labelK;
  const double blankM = *e.blankM, blankK = *e.blankK;
  for (ptrdiff_t i = 0; i < static_cast<ptrdiff_t>(n); ++i) {
    const double before = lk[i - 1];
    const double k = bk[i] > before ? bk[i] : before;
    const double m = bm[i] * powerOfTwo(bk[i] - k) + lm[i - 1] * powerOfTwo(before - k);
    tbm[i] = m * blankM;
    tbk[i] = k + blankK;
    const double skipped = before + sk[i];
    double top = lk[i] > bk[i] ? lk[i] : bk[i];
    top = top > skipped ? top : skipped;
    const double sum = lm[i] * powerOfTwo(lk[i] - top) + bm[i] * powerOfTwo(bk[i] - top) +
                       lm[i - 1] * powerOfTwo(skipped - top);
    tlm[i] = sum * em[i];
    tlk[i] = top + ek[i];
  }
  if (!tidy) return;
  for (size_t i = 0; i < n; ++i) renormalise(tbm[i], tbk[i]);
  for (size_t i = 0; i < n; ++i) renormalise(tlm[i], tlk[i]);
}

/// One frame backward. `to` receives each state's probability of everything after its frame; `from` is
/// that of one frame later, times the later frame's emission.
CK_INLINE void backwardStep(Row from, Row to, const double *skip, size_t n, bool tidy) {
  const double *__restrict bm = from.blankM, *__restrict bk = from.blankK;
  const double *__restrict lm = from.labelM, *__restrict lk = from.labelK;
  const double *__restrict sk = skip;
  double *__restrict tbm = to.blankM, *__restrict tbk = to.blankK;
  double *__restrict tlm = to.labelM, *__restrict tlk = to.labelK;
  for (size_t i = 0; i < n; ++i) {
    const double k = bk[i] > lk[i] ? bk[i] : lk[i];
    tbm[i] = bm[i] * powerOfTwo(bk[i] - k) + lm[i] * powerOfTwo(lk[i] - k);
    tbk[i] = k;
    const double skipped = lk[i + 1] + sk[i + 1];
    double top = lk[i] > bk[i + 1] ? lk[i] : bk[i + 1];
    top = top > skipped ? top : skipped;
    tlm[i] = lm[i] * powerOfTwo(lk[i] - top) + bm[i + 1] * powerOfTwo(bk[i + 1] - top) +
             lm[i + 1] * powerOfTwo(skipped - top);
    tlk[i] = top;
  }
  if (!tidy) return;
  for (size_t i = 0; i < n; ++i) renormalise(tbm[i], tbk[i]);
  for (size_t i = 0; i < n; ++i) renormalise(tlm[i], tlk[i]);
}

/// `to` is `from` times the frame's emission.
CK_INLINE void timesEmission(Row from, Row to, Emission e, size_t n) {
  const double blankM = *e.blankM, blankK = *e.blankK;
  const double *__restrict bm = from.blankM, *__restrict bk = from.blankK;
  const double *__restrict lm = from.labelM, *__restrict lk = from.labelK;
  const double *__restrict em = e.m, *__restrict ek = e.k;
  double *__restrict tbm = to.blankM, *__restrict tbk = to.blankK;
  double *__restrict tlm = to.labelM, *__restrict tlk = to.labelK;
  for (size_t i = 0; i < n; ++i) {
    tbm[i] = bm[i] * blankM;
    tbk[i] = bk[i] + blankK;
    tlm[i] = lm[i] * em[i];
    tlk[i] = lk[i] + ek[i];
  }
}

}  // namespace ck::ctc
