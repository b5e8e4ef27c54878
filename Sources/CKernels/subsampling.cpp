// The strided convolutions that begin a network: three by three, halving frames and bins, channels last,
// utterance by utterance over the frames that each one has.
//
// Rows are read into working memory in float32, with channels padded to whole vectors and a zero column on
// either side, so that the loops know no edges. The first convolution's output is never stored: it is nine
// multiplications a value, less than its way to memory and back; the way back computes it again.
#include <algorithm>
#include <vector>

#include "lanes.hpp"
#include "profile.hpp"
#include "tiles.hpp"
#include "workspace.hpp"

namespace {

using ck::lanes;
using ck::store;
using ck::Vector;
/// Rows whose share of the weights' gradients is summed before it is added to the others, in their order.
constexpr size_t gradientRows = 32;


size_t halved(size_t count) { return (count + 1) / 2; }
size_t padded(size_t channels) { return (channels + lanes - 1) / lanes * lanes; }

/// One input channel: out[m + 1, c] = max(0, bias[c] + Σ taps[3 · i + j, c] · x[i][2m + j]), columns 1 … bins
/// of out.
CK_CLONES void firstRow(const float *const x[3], const float *taps, const float *bias, float *out,
                        size_t bins, size_t channels) {
  for (size_t c = 0; c < channels; c += lanes) {
    Vector weight[9];
    for (size_t k = 0; k < 9; k++) weight[k] = CK_LOAD(taps + k * channels + c);
    const Vector start = CK_LOAD(bias + c), zero = {};
    for (size_t m = 0; m < bins; m++) {
      Vector sums[3] = {start, {}, {}};
      for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) sums[i] += weight[3 * i + j] * x[i][2 * m + j];
      }
      const Vector sum = sums[0] + (sums[1] + sums[2]);
      store(out + (m + 1) * channels + c, sum > zero ? sum : zero);
    }
  }
}

/// A channel at a time: out[m, c] = bias[c] + Σ taps[3 · i + j, c] · h[i][2m + j, c].
CK_CLONES void depthwiseRow(const float *const h[3], const float *taps, const float *bias, float *out,
                            size_t bins, size_t channels) {
  for (size_t c = 0; c < channels; c += lanes) {
    Vector weight[9];
    for (size_t k = 0; k < 9; k++) weight[k] = CK_LOAD(taps + k * channels + c);
    const Vector start = CK_LOAD(bias + c);
    for (size_t m = 0; m < bins; m++) {
      Vector sums[3] = {start, {}, {}};
      for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) sums[i] += weight[3 * i + j] * CK_LOAD(h[i] + (2 * m + j) * channels + c);
      }
      store(out + m * channels + c, sums[0] + (sums[1] + sums[2]));
    }
  }
}

/// What one output row dy says of an input row h that it met with the taps 3 · i + j of one i: adds to dtaps
/// and to dh.
CK_CLONES void depthwiseRowBackward(const float *h, const float *dy, const float *taps, float *dtaps,
                                    float *dh, size_t bins, size_t channels) {
  for (size_t c = 0; c < channels; c += lanes) {
    Vector weight[3], sums[3];
    for (size_t j = 0; j < 3; j++) {
      weight[j] = CK_LOAD(taps + j * channels + c);
      sums[j] = CK_LOAD(dtaps + j * channels + c);
    }
    for (size_t m = 0; m < bins; m++) {
      const Vector d = CK_LOAD(dy + m * channels + c);
      for (size_t j = 0; j < 3; j++) {
        const size_t at = (2 * m + j) * channels + c;
        sums[j] += d * CK_LOAD(h + at);
        store(dh + at, CK_LOAD(dh + at) + weight[j] * d);
      }
    }
    for (size_t j = 0; j < 3; j++) store(dtaps + j * channels + c, sums[j]);
  }
}

/// The first convolution's weights: dh counts where h > 0; adds to dtaps and dbias.
CK_CLONES void firstRowBackward(const float *const x[3], const float *h, const float *dh, float *dtaps,
                                float *dbias, size_t bins, size_t channels) {
  for (size_t c = 0; c < channels; c += lanes) {
    Vector sums[9], bias = CK_LOAD(dbias + c);
    const Vector zero = {};
    for (size_t k = 0; k < 9; k++) sums[k] = CK_LOAD(dtaps + k * channels + c);
    for (size_t m = 0; m < bins; m++) {
      const size_t at = (m + 1) * channels + c;
      const Vector d = CK_LOAD(h + at) > zero ? CK_LOAD(dh + at) : zero;
      bias += d;
      for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) sums[3 * i + j] += d * x[i][2 * m + j];
      }
    }
    for (size_t k = 0; k < 9; k++) store(dtaps + k * channels + c, sums[k]);
    store(dbias + c, bias);
  }
}

CK_CLONES void addColumns(const float *x, float *sums, size_t rows, size_t columns) {
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++) sums[j] += x[i * columns + j];
  }
}

/// weight[channels, 3, 3] as taps[9, padded channels].
void byTap(const float *weight, size_t channels, float *taps) {
  const size_t wide = padded(channels);
  std::fill_n(taps, 9 * wide, 0.0f);
  for (size_t c = 0; c < channels; c++) {
    for (size_t k = 0; k < 9; k++) taps[k * wide + c] = weight[c * 9 + k];
  }
}

void widenBias(const float *bias, size_t channels, float *out) {
  std::fill_n(out, padded(channels), 0.0f);
  std::copy_n(bias, channels, out);
}

/// One convolution's weights in working memory, and the shares of their gradients.
struct Weights {
  std::vector<float> taps, bias;
  Weights(const float *weight, const float *given, size_t channels)
      : taps(9 * padded(channels)), bias(padded(channels)) {
    byTap(weight, channels, taps.data());
    widenBias(given, channels, bias.data());
  }
};

/// Reads one row of channels-last values into [bins + 2, padded channels], zero around.
void readRow(ck::ConstArray x, size_t row, size_t bins, size_t channels, float *out) {
  const size_t wide = padded(channels);
  std::fill_n(out, wide, 0.0f);
  std::fill_n(out + (bins + 1) * wide, wide, 0.0f);
  const size_t start = row * bins * channels;
  if (wide == channels) {
    const float *values = ck::read(x, start, bins * channels, out + wide);
    if (values != out + wide) std::copy_n(values, bins * channels, out + wide);
    return;
  }
  std::fill_n(out + wide, bins * wide, 0.0f);
  for (size_t m = 0; m < bins; m++) {
    float *target = out + (m + 1) * wide;
    const float *values = ck::read(x, start + m * channels, channels, target);
    if (values != target) std::copy_n(values, channels, target);
  }
}

/// Writes [bins, padded channels] as one row of channels-last values.
void writeRow(const float *x, ck::Array out, size_t row, size_t bins, size_t channels) {
  const size_t wide = padded(channels), columns = wide == channels ? bins * channels : channels;
  for (size_t m = 0; m < bins; m += columns / channels) {
    const size_t start = (row * bins + m) * channels;
    if (out.type == CK_FLOAT32) {
      std::copy_n(x + m * wide, columns, static_cast<float *>(out.data) + start);
    } else {
      ck::narrow(x + m * wide, static_cast<uint16_t *>(out.data) + start, columns);
    }
  }
}

void clearRow(ck::Array out, size_t row, size_t bins, size_t channels) {
  const size_t size = out.type == CK_FLOAT32 ? 4 : 2;
  std::memset(static_cast<char *>(out.data) + row * bins * channels * size, 0, bins * channels * size);
}

/// Three rows of one input channel around `frame` of the output, [bins + 3] each with zeros around.
struct InputRows {
  const float *rows[3];
  void read(const float *x, size_t first, size_t frames, size_t bins, size_t frame, float *buffer) {
    const size_t stride = bins + 3;
    for (size_t i = 0; i < 3; i++) {
      float *row = buffer + i * stride;
      const ptrdiff_t source = static_cast<ptrdiff_t>(2 * frame + i) - 1;
      std::fill_n(row, stride, 0.0f);
      if (source >= 0 && source < static_cast<ptrdiff_t>(frames)) {
        std::copy_n(x + (first + source) * bins, bins, row + 1);
      }
      rows[i] = row;
    }
  }
};

thread_local ck::Workspace workspace;

/// A run of rows of one utterance.
struct Run {
  size_t utterance, begin, end;
};

std::vector<Run> runs(size_t count, size_t length, const int32_t *frames) {
  std::vector<Run> result;
  for (size_t u = 0; u < count; u++) {
    for (size_t row = 0; row < static_cast<size_t>(frames[u]); row += length) {
      result.push_back({u, row, std::min(row + length, static_cast<size_t>(frames[u]))});
    }
  }
  return result;
}

/// Adds the shares of all runs, [runs, 10, padded channels] from `offset`, in their order.
void sumShares(const float *shares, size_t count, size_t stride, size_t channels, float *dweight,
               float *dbias) {
  const size_t wide = padded(channels);
  std::vector<float> sums(10 * wide);
  for (size_t run = 0; run < count; run++) addColumns(shares + run * stride, sums.data(), 1, 10 * wide);
  for (size_t c = 0; c < channels; c++) {
    for (size_t k = 0; k < 9; k++) dweight[c * 9 + k] = sums[k * wide + c];
    dbias[c] = sums[9 * wide + c];
  }
}

/// The two output rows, or one, that met input row `frame`, with the row of taps they met it with.
template <typename Body>
void overOutputs(size_t frame, size_t outputs, Body &&body) {
  if (frame % 2 == 0) {
    if (frame / 2 < outputs) body(frame / 2, 1);
  } else {
    if (frame / 2 < outputs) body(frame / 2, 2);
    if (frame / 2 + 1 < outputs) body(frame / 2 + 1, 0);
  }
}

double depthwiseWork(const ck_subsampling &s) {
  double rows = 0;
  for (size_t u = 0; u < s.count; u++) rows += s.out_frames[u];
  return 18 * rows * halved(s.bins) * s.channels;
}

}  // namespace

void ck_stem_forward(const ck_subsampling *s, const float *x, const float *weight, const float *bias,
                     const float *depthwise, const float *depthwise_bias, void *y, ck_type type) {
  const size_t bins = halved(s->bins), outBins = halved(bins), channels = s->channels, wide = padded(channels);
  const ck::Timed timed("stem", 9 * depthwiseWork(*s) / 9 * 5, 0);
  const Weights first(weight, bias, channels), second(depthwise, depthwise_bias, channels);
  const ck::Array out{y, type};
  const auto parts = runs(s->count, 16, s->out_frames);
  ck::parallel(parts.size(), 1, [&](size_t b, size_t e) {
    ck::Workspace &work = workspace;
    for (int i = 0; i < 3; i++) work.need<float>((bins + 3) * wide);
    work.need<float>(outBins * wide);
    work.need<float>(3 * (s->bins + 3));
    work.begin();
    float *ring[3];
    for (auto &row : ring) row = work.takeZeroed<float>((bins + 3) * wide);
    float *result = work.take<float>(outBins * wide), *input = work.take<float>(3 * (s->bins + 3));
    for (size_t part = b; part < e; part++) {
      const Run &run = parts[part];
      const size_t u = run.utterance, valid = s->middle_valid[u];
      auto middle = [&](ptrdiff_t frame, float *row) {
        if (frame < 0 || frame >= static_cast<ptrdiff_t>(valid)) {
          std::fill_n(row, (bins + 2) * wide, 0.0f);
          return;
        }
        InputRows rows;
        rows.read(x, s->in_first[u], s->in_frames[u], s->bins, frame, input);
        firstRow(rows.rows, first.taps.data(), first.bias.data(), row, bins, wide);
      };
      middle(static_cast<ptrdiff_t>(2 * run.begin) - 1, ring[2]);
      for (size_t t = run.begin; t < run.end; t++) {
        std::swap(ring[0], ring[2]);
        middle(2 * t, ring[1]);
        middle(2 * t + 1, ring[2]);
        if (t >= static_cast<size_t>(s->out_valid[u])) {
          clearRow(out, s->out_first[u] + t, outBins, channels);
          continue;
        }
        depthwiseRow(ring, second.taps.data(), second.bias.data(), result, outBins, wide);
        writeRow(result, out, s->out_first[u] + t, outBins, channels);
      }
    }
  });
}

size_t ck_stem_shares(const ck_subsampling *s) {
  return runs(s->count, gradientRows, s->middle_valid).size() * 20 * padded(s->channels);
}

void ck_stem_backward(const ck_subsampling *s, const float *x, const float *weight, const float *bias,
                      const float *depthwise, const void *dy, ck_type type, float *shares, float *dweight,
                      float *dbias, float *ddepthwise, float *ddepthwise_bias) {
  const size_t bins = halved(s->bins), outBins = halved(bins), channels = s->channels, wide = padded(channels);
  const ck::Timed timed("stem backward", 10 * depthwiseWork(*s), 0);
  const Weights first(weight, bias, channels), second(depthwise, bias, channels);
  const auto parts = runs(s->count, gradientRows, s->middle_valid);
  ck::parallel(parts.size(), 1, [&](size_t b, size_t e) {
    ck::Workspace &work = workspace;
    for (int i = 0; i < 2; i++) work.need<float>((bins + 3) * wide);
    work.need<float>((outBins + 2) * wide);
    work.need<float>(3 * (s->bins + 3));
    work.begin();
    float *h = work.takeZeroed<float>((bins + 3) * wide), *dh = work.takeZeroed<float>((bins + 3) * wide);
    float *gradient = work.take<float>((outBins + 2) * wide), *input = work.take<float>(3 * (s->bins + 3));
    for (size_t part = b; part < e; part++) {
      const Run &run = parts[part];
      const size_t u = run.utterance;
      // dtaps and dbias of the first convolution, then of the depthwise one.
      float *share = shares + part * 20 * wide;
      std::fill_n(share, 20 * wide, 0.0f);
      float *dfirst = share, *dsecond = share + 10 * wide;
      for (size_t frame = run.begin; frame < run.end; frame++) {
        InputRows rows;
        rows.read(x, s->in_first[u], s->in_frames[u], s->bins, frame, input);
        firstRow(rows.rows, first.taps.data(), first.bias.data(), h, bins, wide);
        std::fill_n(dh, (bins + 3) * wide, 0.0f);
        overOutputs(frame, s->out_valid[u], [&](size_t t, size_t i) {
          readRow({dy, type}, s->out_first[u] + t, outBins, channels, gradient);
          const float *d = gradient + wide;
          depthwiseRowBackward(h, d, second.taps.data() + 3 * i * wide, dsecond + 3 * i * wide, dh, outBins,
                               wide);
          if (i == 1) addColumns(d, dsecond + 9 * wide, outBins, wide);
        });
        firstRowBackward(rows.rows, h, dh, dfirst, dfirst + 9 * wide, bins, wide);
      }
    }
  });
  sumShares(shares, parts.size(), 20 * wide, channels, dweight, dbias);
  sumShares(shares + 10 * wide, parts.size(), 20 * wide, channels, ddepthwise, ddepthwise_bias);
}

void ck_strided_depthwise_forward(const ck_subsampling *s, const void *x, ck_type x_type,
                                  const float *weight, const float *bias, void *y, ck_type y_type) {
  const size_t bins = s->bins, outBins = halved(bins), channels = s->channels, wide = padded(channels);
  const ck::Timed timed("strided depthwise", depthwiseWork(*s), 0);
  const Weights weights(weight, bias, channels);
  const ck::Array out{y, y_type};
  const auto parts = runs(s->count, 16, s->out_frames);
  ck::parallel(parts.size(), 1, [&](size_t b, size_t e) {
    ck::Workspace &work = workspace;
    for (int i = 0; i < 3; i++) work.need<float>((bins + 3) * wide);
    work.need<float>(outBins * wide);
    work.begin();
    float *ring[3];
    for (auto &row : ring) row = work.takeZeroed<float>((bins + 3) * wide);
    float *result = work.take<float>(outBins * wide);
    for (size_t part = b; part < e; part++) {
      const Run &run = parts[part];
      const size_t u = run.utterance;
      auto read = [&](ptrdiff_t frame, float *row) {
        if (frame < 0 || frame >= s->in_frames[u]) std::fill_n(row, (bins + 2) * wide, 0.0f);
        else readRow({x, x_type}, s->in_first[u] + frame, bins, channels, row);
      };
      read(static_cast<ptrdiff_t>(2 * run.begin) - 1, ring[2]);
      for (size_t t = run.begin; t < run.end; t++) {
        std::swap(ring[0], ring[2]);
        read(2 * t, ring[1]);
        read(2 * t + 1, ring[2]);
        if (t >= static_cast<size_t>(s->out_valid[u])) {
          clearRow(out, s->out_first[u] + t, outBins, channels);
          continue;
        }
        depthwiseRow(ring, weights.taps.data(), weights.bias.data(), result, outBins, wide);
        writeRow(result, out, s->out_first[u] + t, outBins, channels);
      }
    }
  });
}

size_t ck_strided_depthwise_shares(const ck_subsampling *s) {
  return runs(s->count, gradientRows, s->in_frames).size() * 10 * padded(s->channels);
}

void ck_strided_depthwise_backward(const ck_subsampling *s, const void *x, ck_type x_type,
                                   const float *weight, const void *dy, ck_type dy_type, float *shares,
                                   void *dx, ck_type dx_type, float *dweight, float *dbias) {
  const size_t bins = s->bins, outBins = halved(bins), channels = s->channels, wide = padded(channels);
  const ck::Timed timed("strided depthwise backward", 2 * depthwiseWork(*s), 0);
  const std::vector<float> none(channels);
  const Weights weights(weight, none.data(), channels);
  const auto parts = runs(s->count, gradientRows, s->in_frames);
  ck::parallel(parts.size(), 1, [&](size_t b, size_t e) {
    ck::Workspace &work = workspace;
    for (int i = 0; i < 2; i++) work.need<float>((bins + 3) * wide);
    work.need<float>((outBins + 2) * wide);
    work.begin();
    float *h = work.takeZeroed<float>((bins + 3) * wide), *dh = work.takeZeroed<float>((bins + 3) * wide);
    float *gradient = work.take<float>((outBins + 2) * wide);
    for (size_t part = b; part < e; part++) {
      const Run &run = parts[part];
      const size_t u = run.utterance;
      float *share = shares + part * 10 * wide;
      std::fill_n(share, 10 * wide, 0.0f);
      for (size_t frame = run.begin; frame < run.end; frame++) {
        readRow({x, x_type}, s->in_first[u] + frame, bins, channels, h);
        std::fill_n(dh, (bins + 3) * wide, 0.0f);
        overOutputs(frame, s->out_valid[u], [&](size_t t, size_t i) {
          readRow({dy, dy_type}, s->out_first[u] + t, outBins, channels, gradient);
          const float *d = gradient + wide;
          depthwiseRowBackward(h, d, weights.taps.data() + 3 * i * wide, share + 3 * i * wide, dh, outBins,
                               wide);
          if (i == 1) addColumns(d, share + 9 * wide, outBins, wide);
        });
        if (dx) writeRow(dh + wide, {dx, dx_type}, s->in_first[u] + frame, bins, channels);
      }
    }
  });
  sumShares(shares, parts.size(), 10 * wide, channels, dweight, dbias);
}
