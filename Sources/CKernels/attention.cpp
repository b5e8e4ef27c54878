// Attention over packed utterances, a head of an utterance at a time: all that lies between its queries and
// its result stays in one thread's cache.
#include <algorithm>
#include <vector>

#include "profile.hpp"
#include "small_products.hpp"
#include "softmax_row.hpp"
#include "tiles.hpp"
#include "workspace.hpp"

#pragma clang fp reassociate(on)

namespace {

using ck::BFloat16Operands;
using ck::Float32Operands;
using ck::paddedTo;

constexpr size_t queryBlock = 48, rowBlock = 6;
/// Zeros on both sides of a row of score gradients, so that blocks may read a few columns past its ends.
constexpr size_t margin = 16;

/// Row of a row-major matrix of either type.
template <class O>
const typename O::Value *at(const void *data, size_t index) {
  return static_cast<const typename O::Value *>(data) + index;
}

// MARK: - Loops over rows

/// out[i, :] = rounded(x[i, :] + bias), zero from `columns` on.
CK_CLONES void addBias(const float *__restrict x, size_t x_row, const float *__restrict bias,
                       float *__restrict out, size_t out_row, size_t rows, size_t columns) {
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++) out[i * out_row + j] = x[i * x_row + j] + bias[j];
    for (size_t j = columns; j < out_row; j++) out[i * out_row + j] = 0;
  }
}
CK_CLONES void addBias(const uint16_t *__restrict x, size_t x_row, const float *__restrict bias,
                       uint16_t *__restrict out, size_t out_row, size_t rows, size_t columns) {
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++) {
      out[i * out_row + j] = ck::toBFloat16(ck::fromBFloat16(x[i * x_row + j]) + bias[j]);
    }
    for (size_t j = columns; j < out_row; j++) out[i * out_row + j] = 0;
  }
}

/// The same without a bias.
template <typename T>
void copyRows(const T *x, size_t x_row, T *out, size_t out_row, size_t rows, size_t columns) {
  for (size_t i = 0; i < rows; i++) {
    std::memcpy(out + i * out_row, x + i * x_row, columns * sizeof(T));
    std::memset(out + i * out_row + columns, 0, (out_row - columns) * sizeof(T));
  }
}

/// softmax over j < valid of scale · (content[j] + position[j]); 0 from valid on.
CK_CLONES void softmaxRow(const float *content, const float *position, float scale, float *w,
                          size_t frames, size_t valid) {
  if (position) {
    for (size_t j = 0; j < valid; j++) w[j] = scale * (content[j] + position[j]);
  } else {
    for (size_t j = 0; j < valid; j++) w[j] = scale * content[j];
  }
  const float largest = ck::rowMaximum(w, valid);
  float sum = 0;
  for (size_t j = 0; j < valid; j++) {
    const float e = ck::fastExp(w[j] - largest);
    w[j] = e;
    sum += e;
  }
  const float inverse = 1.0f / sum;
  for (size_t j = 0; j < valid; j++) w[j] *= inverse;
  for (size_t j = valid; j < frames; j++) w[j] = 0;
}

/// out = scale · w · (dw − Σ w · dw / Σ w). Weights that were rounded do not sum to 1: without the quotient
/// what all of dw share would leak into every score, and that is most of dw where scores matter little.
CK_CLONES void softmaxRowBackward(const float *w, const float *dw, float scale, float *out, size_t count) {
  float inner = 0, sum = 0;
  for (size_t j = 0; j < count; j++) {
    inner += w[j] * dw[j];
    sum += w[j];
  }
  const float mean = inner / sum;
  for (size_t j = 0; j < count; j++) out[j] = scale * w[j] * (dw[j] - mean);
}

/// sums[j] += Σ rows x[i, j]
CK_CLONES void sumRows(const float *x, size_t stride, size_t rows, float *sums, size_t columns) {
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++) sums[j] += x[i * stride + j];
  }
}

/// out[j] = factor · x[j]
CK_CLONES void scaleInto(const float *x, float factor, float *out, size_t count) {
  for (size_t j = 0; j < count; j++) out[j] = factor * x[j];
}

/// y[j] += factor · x[j]; returns Σ x · z.
CK_CLONES float addScaledAndDot(const float *x, float factor, const float *z, float *y, size_t count) {
  float inner = 0;
  for (size_t j = 0; j < count; j++) {
    y[j] += factor * x[j];
    inner += x[j] * z[j];
  }
  return inner;
}

CK_CLONES void addInto(const float *x, float *y, size_t count) {
  for (size_t j = 0; j < count; j++) y[j] += x[j];
}

void storeRow(const float *x, float *y, size_t count) { std::memcpy(y, x, count * sizeof(float)); }
void storeRow(const float *x, uint16_t *y, size_t count) { ck::narrow(x, y, count); }

void storeRow(const float *x, ck::Array y, size_t start, size_t count) {
  if (y.type == CK_FLOAT32) storeRow(x, static_cast<float *>(y.data) + start, count);
  else storeRow(x, static_cast<uint16_t *>(y.data) + start, count);
}

const float *loadRow(const float *x, float *, size_t) { return x; }
const float *loadRow(const uint16_t *x, float *buffer, size_t count) {
  ck_widen_bf16(buffer, x, count);
  return buffer;
}

// MARK: - Packing right-hand operands

/// Rows of x as steps of depth: out[rows / step, padded] of `step` values each.
void packRows(const float *x, size_t x_row, size_t rows, size_t columns, size_t padded, float *out) {
  for (size_t i = 0; i < rows; i++) {
    std::memcpy(out + i * padded, x + i * x_row, columns * sizeof(float));
    std::memset(out + i * padded + columns, 0, (padded - columns) * sizeof(float));
  }
}
CK_CLONES void packRows(const uint16_t *__restrict x, size_t x_row, size_t rows, size_t columns,
                        size_t padded, uint16_t *__restrict out) {
  for (size_t i = 0; i < rows; i += 2) {
    const uint16_t *even = x + i * x_row, *odd = x + (i + 1) * x_row;
    uint16_t *pairs = out + i * padded;
    if (i + 1 < rows) {
      for (size_t j = 0; j < columns; j++) {
        pairs[2 * j] = even[j];
        pairs[2 * j + 1] = odd[j];
      }
    } else {
      for (size_t j = 0; j < columns; j++) {
        pairs[2 * j] = even[j];
        pairs[2 * j + 1] = 0;
      }
    }
    for (size_t j = 2 * columns; j < 2 * padded; j++) pairs[j] = 0;
  }
}

/// Columns of x as steps of depth: out[columns / step, padded] of `step` values each, rows < padded.
void packColumns(const float *x, size_t x_row, size_t rows, size_t columns, size_t padded, float *out) {
  for (size_t d = 0; d < columns; d++) {
    for (size_t j = 0; j < rows; j++) out[d * padded + j] = x[j * x_row + d];
    for (size_t j = rows; j < padded; j++) out[d * padded + j] = 0;
  }
}
void packColumns(const uint16_t *x, size_t x_row, size_t rows, size_t columns, size_t padded,
                 uint16_t *out) {
  for (size_t d = 0; d < columns; d += 2) {
    uint16_t *pairs = out + d * padded;
    if (d + 1 < columns) {
      for (size_t j = 0; j < rows; j++) std::memcpy(pairs + 2 * j, x + j * x_row + d, 4);
    } else {
      for (size_t j = 0; j < rows; j++) {
        pairs[2 * j] = x[j * x_row + d];
        pairs[2 * j + 1] = 0;
      }
    }
    std::memset(pairs + 2 * rows, 0, 4 * (padded - rows));
  }
}

/// Pairs of rows side by side, the second `shift` columns further on, as a left-hand operand by columns.
CK_CLONES void interleave(const uint16_t *__restrict x, size_t stride, size_t rows, size_t shift,
                          uint16_t *__restrict out) {
  for (size_t i = 0; i + 1 < rows + 1; i += 2) {
    const uint16_t *even = x + i * stride, *odd = even + stride + shift;
    uint16_t *pairs = out + i * stride;
    for (size_t j = 0; j + shift < stride; j++) {
      pairs[2 * j] = even[j];
      pairs[2 * j + 1] = odd[j];
    }
    if (shift) pairs[2 * (stride - 1)] = pairs[2 * (stride - 1) + 1] = 0;
  }
}

// MARK: - One head of one utterance

/// Sizes of one head of one utterance, and where its rows begin.
struct Head {
  const ck_attention &call;
  size_t utterance, head, first, frames, valid;
  /// The column of the packed positions that holds its farthest distance.
  size_t farthest;

  size_t size() const { return call.size; }
  size_t column() const { return head * call.size; }
  uint64_t seed() const { return call.seed + utterance * 0x9E3779B9ull; }
  size_t gatePlace(size_t row) const { return (first + row) * call.heads + head; }
  float gate(size_t row) const { return call.gates[gatePlace(row)]; }
  size_t drawsBefore(size_t row) const { return (head * frames + row) * frames; }
};

/// The packed keys of the positions, for all heads: by columns for the scores, by rows for gradients.
template <class O>
struct Positions {
  std::vector<typename O::Value> columns, rows;
  /// Biases of the distances over the scale, [heads, position_rows].
  std::vector<float> biases;
  size_t width = 0, rowWidth = 0, columnSize = 0, rowSize = 0;

  Positions(const ck_attention &call, bool forGradients) {
    if (call.distances) {
      biases.resize(call.heads * call.position_rows);
      for (size_t c = 0; c < call.position_rows; c++) {
        for (size_t h = 0; h < call.heads; h++) {
          biases[h * call.position_rows + c] = call.distances[c * call.heads + h] / call.scale;
        }
      }
    }
    if (!call.positions) return;
    const size_t count = call.position_rows, size = call.size;
    width = paddedTo(count, ck::lanes) + 4 * ck::lanes;
    rowWidth = paddedTo(size, ck::lanes);
    columnSize = paddedTo(size, O::step) * width;
    rowSize = paddedTo(count + margin, 2) * rowWidth;
    columns.resize(call.heads * columnSize);
    if (forGradients) rows.resize(call.heads * rowSize);
    ck::parallel(call.heads, 1, [&](size_t b, size_t e) {
      for (size_t h = b; h < e; h++) {
        const auto *source = at<O>(call.positions, h * size);
        packColumns(source, call.position_row, count, size, width, columns.data() + h * columnSize);
        if (forGradients) {
          packRows(source, call.position_row, count, size, rowWidth, rows.data() + h * rowSize);
        }
      }
    });
  }
};

/// Queries plus a bias, [frames, size padded to whole steps].
template <class O>
void biased(const Head &h, const float *bias, typename O::Value *out) {
  const auto *queries = at<O>(h.call.queries, h.first * h.call.row + h.column());
  const size_t depth = paddedTo(h.size(), O::step);
  if (bias) addBias(queries, h.call.row, bias + h.column(), out, depth, h.frames, h.size());
  else copyRows(queries, h.call.row, out, depth, h.frames, h.size());
}

template <class O>
void forward(const Head &h, const Positions<O> &positions, ck::Workspace &work, void *kept,
             ck::Array result) {
  using Value = typename O::Value;
  const size_t frames = h.frames, size = h.size(), depth = paddedTo(size, O::step);
  const size_t keys = paddedTo(frames, ck::lanes), width = paddedTo(size, ck::lanes);
  const size_t pairs = paddedTo(frames, O::step), reach = keys + 2 * ck::lanes;
  const bool isRelative = h.call.positions != nullptr;
  work.need<Value>(frames * depth);
  work.need<Value>(frames * depth);
  work.need<Value>(depth * keys);
  work.need<Value>(pairs * width);
  work.need<float>(queryBlock * keys);
  work.need<float>(queryBlock * reach);
  work.need<Value>(queryBlock * pairs);
  work.need<float>(queryBlock * width);
  work.need<float>(frames);
  work.begin();
  Value *withU = work.take<Value>(frames * depth), *withV = work.take<Value>(frames * depth);
  Value *keyColumns = work.take<Value>(depth * keys), *valueRows = work.take<Value>(pairs * width);
  float *content = work.take<float>(queryBlock * keys), *position = work.take<float>(queryBlock * reach);
  Value *mixing = work.takeZeroed<Value>(queryBlock * pairs);
  float *mixed = work.take<float>(queryBlock * width), *weights = work.take<float>(frames);

  biased<O>(h, h.call.u, withU);
  if (isRelative) biased<O>(h, h.call.v, withV);
  const size_t start = h.first * h.call.row + h.column();
  packColumns(at<O>(h.call.keys, start), h.call.row, frames, size, keys, keyColumns);
  packRows(at<O>(h.call.values, start), h.call.row, frames, size, width, valueRows);
  const Value *distances = isRelative ? positions.columns.data() + h.head * positions.columnSize : nullptr;
  const float *biases =
      h.call.gates ? positions.biases.data() + h.head * h.call.position_rows + h.farthest : nullptr;

  for (size_t i0 = 0; i0 < frames; i0 += queryBlock) {
    const size_t rows = std::min(queryBlock, frames - i0);
    ck::smallProduct({ptrdiff_t(depth), O::step, keys, keys, rows, keys, depth / O::step, false},
                     withU + i0 * depth, keyColumns, content);
    for (size_t m = 0; m < rows; m += rowBlock) {
      const size_t block = std::min(rowBlock, rows - m), last = i0 + m + block - 1;
      if (isRelative) {
        ck::smallProduct({ptrdiff_t(depth), O::step, positions.width, reach, block,
                          paddedTo(frames + block - 1, ck::lanes), depth / O::step, false},
                         withV + (i0 + m) * depth,
                         distances + (h.farthest + frames - 1 - last) * O::step, position + m * reach);
      }
      for (size_t r = 0; r < block; r++) {
        const size_t i = i0 + m + r;
        if (i < h.valid) {
          const float *shifted = isRelative ? position + (m + r) * reach + (block - 1 - r) : nullptr;
          if (biases) {
            scaleInto(biases + frames - 1 - i, h.gate(i), position, frames);
            shifted = position;
          }
          softmaxRow(content + (m + r) * keys, shifted, h.call.scale, weights, frames, h.valid);
        } else {
          std::fill_n(weights, frames, 1.0f / frames);
        }
        Value *row = mixing + (m + r) * pairs;
        storeRow(weights, row, frames);
        if (kept) std::memcpy(static_cast<Value *>(kept) + i * frames, row, frames * sizeof(Value));
        if (h.call.dropout > 0) {
          // Of the rounded weights, as the way back draws it.
          loadRow(row, weights, frames);
          ck::drop(weights, weights, frames, h.call.dropout, h.seed(), h.drawsBefore(i));
          storeRow(weights, row, frames);
        }
      }
    }
    ck::smallProduct({ptrdiff_t(pairs), O::step, width, width, rows, width, pairs / O::step, false},
                     mixing, valueRows, mixed);
    for (size_t r = 0; r < rows; r++) {
      storeRow(mixed + r * width, result, (h.first + i0 + r) * h.call.heads * size + h.column(), size);
    }
  }
}

/// What the way back writes.
struct Gradients {
  ck::Array queries, keys, values;
  /// By utterance, [2 · frames − 1, heads · size] each.
  float *positions;
  /// Shares of u and v, [utterances, 2, heads · size].
  float *biases;
  /// [rows, heads].
  float *gates;
  /// By utterance, [heads, 2 · frames − 1] each.
  float *distances;
};

/// The left-hand operands made of one matrix of `frames` rows: its rows, its columns, its diagonals.
template <class O>
struct Sides;

template <>
struct Sides<Float32Operands> {
  const float *columns, *diagonals;
  size_t stride;
  Sides(const float *x, size_t stride, size_t, ck::Workspace &)
      : columns(x + margin), diagonals(x + margin), stride(stride) {}
  static void need(ck::Workspace &, size_t, size_t) {}
  ptrdiff_t columnStep() const { return stride; }
  static constexpr ptrdiff_t next = 1;
  ptrdiff_t diagonalStep() const { return stride + 1; }
};

template <>
struct Sides<BFloat16Operands> {
  const uint16_t *columns, *diagonals;
  size_t stride;
  Sides(const uint16_t *x, size_t stride, size_t rows, ck::Workspace &work) : stride(stride) {
    uint16_t *straight = work.take<uint16_t>(rows * stride), *shifted = work.take<uint16_t>(rows * stride);
    interleave(x, stride, rows, 0, straight);
    interleave(x, stride, rows, 1, shifted);
    columns = straight + 2 * margin;
    diagonals = shifted + 2 * margin;
  }
  static void need(ck::Workspace &work, size_t stride, size_t rows) {
    work.need<uint16_t>(rows * stride);
    work.need<uint16_t>(rows * stride);
  }
  ptrdiff_t columnStep() const { return 2 * stride; }
  static constexpr ptrdiff_t next = 2;
  ptrdiff_t diagonalStep() const { return 2 * (stride + 2); }
};

template <class O>
void backward(const Head &h, const Positions<O> &positions, ck::Workspace &work, const void *kept,
              const void *dresult, const Gradients &out) {
  using Value = typename O::Value;
  const size_t frames = h.frames, size = h.size(), depth = paddedTo(size, O::step), all = h.call.heads * size;
  const size_t keys = paddedTo(frames, ck::lanes), width = paddedTo(size, ck::lanes);
  const size_t pairs = paddedTo(frames, O::step);
  // Even, so that pairs of rows stay aligned alike.
  const size_t stride = paddedTo(frames, 2) + 2 * margin;
  const size_t distances = 2 * frames - 1;
  const bool isRelative = h.call.positions != nullptr;
  for (int i = 0; i < 3; i++) work.need<Value>(frames * depth);
  for (int i = 0; i < 4; i++) work.need<Value>(pairs * width);
  work.need<Value>(depth * keys);
  work.need<float>(queryBlock * keys);
  for (int i = 0; i < 2; i++) work.need<Value>(pairs * stride + margin);
  for (int i = 0; i < 2; i++) work.need<float>(frames);
  for (int i = 0; i < 2; i++) work.need<float>(frames * width);
  for (int i = 0; i < 2; i++) Sides<O>::need(work, stride, pairs);
  work.need<float>(rowBlock * width);
  work.begin();
  Value *withU = work.take<Value>(frames * depth), *withV = work.take<Value>(frames * depth);
  Value *dmixed = work.take<Value>(frames * depth);
  Value *keyRows = work.take<Value>(pairs * width), *uRows = work.take<Value>(pairs * width);
  Value *vRows = work.take<Value>(pairs * width), *dmixedRows = work.take<Value>(pairs * width);
  Value *valueColumns = work.take<Value>(depth * keys);
  float *dweights = work.take<float>(queryBlock * keys);
  Value *dscores = work.takeZeroed<Value>(pairs * stride + margin);
  Value *mixing = work.takeZeroed<Value>(pairs * stride + margin);
  float *weights = work.take<float>(frames), *row = work.take<float>(frames);
  float *sum = work.take<float>(frames * width), *share = work.take<float>(frames * width);

  const size_t start = h.first * h.call.row + h.column();
  biased<O>(h, h.call.u, withU);
  packRows(withU, depth, frames, size, width, uRows);
  const Value *dr = at<O>(dresult, h.first * all + h.column());
  copyRows(dr, all, dmixed, depth, frames, size);
  packRows(dr, all, frames, size, width, dmixedRows);
  packColumns(at<O>(h.call.values, start), h.call.row, frames, size, keys, valueColumns);
  packRows(at<O>(h.call.keys, start), h.call.row, frames, size, width, keyRows);
  const float *biases =
      h.call.gates ? positions.biases.data() + h.head * h.call.position_rows + h.farthest : nullptr;
  float *dbiases = out.distances ? out.distances + h.head * distances : nullptr;
  if (dbiases) std::fill_n(dbiases, distances, 0.0f);

  for (size_t i0 = 0; i0 < frames; i0 += queryBlock) {
    const size_t rows = std::min(queryBlock, frames - i0);
    ck::smallProduct({ptrdiff_t(depth), O::step, keys, keys, rows, keys, depth / O::step, false},
                     dmixed + i0 * depth, valueColumns, dweights);
    for (size_t r = 0; r < rows; r++) {
      const size_t i = i0 + r;
      float *dw = dweights + r * keys;
      const Value *w = static_cast<const Value *>(kept) + i * frames;
      const float *values = loadRow(w, weights, frames);
      Value *mixingRow = mixing + i * stride + margin;
      if (h.call.dropout > 0) {
        ck::drop(dw, dw, frames, h.call.dropout, h.seed(), h.drawsBefore(i));
        std::memcpy(row, values, frames * sizeof(float));
        ck::drop(row, row, frames, h.call.dropout, h.seed(), h.drawsBefore(i));
        storeRow(row, mixingRow, frames);
      } else {
        std::memcpy(mixingRow, w, frames * sizeof(Value));
      }
      if (i >= h.valid) {
        if (dbiases) out.gates[h.gatePlace(i)] = 0;
        continue;
      }
      softmaxRowBackward(values, dw, h.call.scale, row, h.valid);
      if (dbiases) {
        const size_t from = frames - 1 - i;
        out.gates[h.gatePlace(i)] =
            addScaledAndDot(row, h.gate(i) / h.call.scale, biases + from, dbiases + from, h.valid);
      }
      storeRow(row, dscores + i * stride + margin, h.valid);
    }
  }

  auto store = [&](const float *x, ck::Array target) {
    for (size_t i = 0; i < frames; i++) storeRow(x + i * width, target, (h.first + i) * all + h.column(), size);
  };
  const size_t steps = pairs / O::step;
  const Sides<O> mixingSides(mixing, stride, pairs, work), scoreSides(dscores, stride, pairs, work);
  ck::smallProduct({mixingSides.next, mixingSides.columnStep(), width, width, frames, width, steps, false},
                   mixingSides.columns, dmixedRows, share);
  store(share, out.values);
  ck::smallProduct({scoreSides.next, scoreSides.columnStep(), width, width, frames, width, steps, false},
                   scoreSides.columns, uRows, share);
  store(share, out.keys);
  ck::smallProduct({ptrdiff_t(stride), O::step, width, width, frames, width, steps, false},
                   dscores + margin, keyRows, sum);
  if (!isRelative) return store(sum, out.queries);

  float *du = out.biases + h.utterance * 2 * all + h.column(), *dv = du + all;
  std::fill_n(du, size, 0.0f);
  std::fill_n(dv, size, 0.0f);
  sumRows(sum, width, frames, du, size);
  biased<O>(h, h.call.v, withV);
  packRows(withV, depth, frames, size, width, vRows);
  const Value *distanceRows = positions.rows.data() + h.head * positions.rowSize;
  for (size_t i0 = 0; i0 < frames; i0 += rowBlock) {
    const size_t block = std::min(rowBlock, frames - i0), last = i0 + block - 1;
    // Columns of the packed positions that these rows meet, from a whole step on.
    const size_t from = (h.farthest + frames - 1 - last) / O::step * O::step;
    const size_t to = h.farthest + distances - i0;
    const ptrdiff_t shift = ptrdiff_t(from) - ptrdiff_t(h.farthest + frames - 1) + ptrdiff_t(i0);
    ck::smallProduct({ptrdiff_t(stride + 1), O::step, width, width, block, width,
                      (to - from + O::step - 1) / O::step, false},
                     dscores + i0 * stride + margin + shift, distanceRows + from * width, share + i0 * width);
  }
  sumRows(share, width, frames, dv, size);
  addInto(share, sum, frames * width);
  store(sum, out.queries);

  float *dpositions = out.positions, *product = work.take<float>(rowBlock * width);
  for (size_t c0 = 0; c0 < distances; c0 += rowBlock) {
    const size_t block = std::min(rowBlock, distances - c0);
    const size_t end = c0 + block - 1;
    size_t from = end < frames - 1 ? frames - 1 - end : 0;
    from = from / O::step * O::step;
    const size_t to = std::min(frames, distances - c0);
    const ptrdiff_t shift = ptrdiff_t(c0) - ptrdiff_t(frames - 1);
    ck::smallProduct({scoreSides.next, scoreSides.diagonalStep(), width, width, block, width,
                      (to - from + O::step - 1) / O::step, false},
                     scoreSides.diagonals + scoreSides.next * shift +
                         ptrdiff_t(from / O::step) * scoreSides.diagonalStep(),
                     vRows + from * width, product);
    for (size_t r = 0; r < block; r++) {
      std::memcpy(dpositions + (c0 + r) * all + h.column(), product + r * width, size * sizeof(float));
    }
  }
}

// MARK: - All heads of all utterances

thread_local ck::Workspace workspace;

/// Calls body(head) for every head of every utterance, in parallel; long utterances weigh more.
template <typename Body>
void overHeads(const ck_attention &call, Body &&body) {
  std::vector<size_t> begins;
  size_t total = 0;
  for (size_t u = 0; u < call.segments.count; u++) {
    const size_t frames = call.segments.offsets[u + 1] - call.segments.offsets[u];
    for (size_t head = 0; head < call.heads; head++) {
      begins.push_back(total);
      total += frames * (frames + 64);
    }
  }
  ck::parallel(total, 4096, [&](size_t b, size_t e) {
    size_t task = std::lower_bound(begins.begin(), begins.end(), b) - begins.begin();
    for (; task < begins.size() && begins[task] < e; task++) {
      const size_t u = task / call.heads;
      const size_t first = call.segments.offsets[u], frames = call.segments.offsets[u + 1] - first;
      if (frames == 0) continue;
      body(Head{call, u, task % call.heads, first, frames, size_t(call.segments.valid[u]),
                call.position_rows ? (call.position_rows + 1) / 2 - frames : 0});
    }
  });
}

/// Where each utterance's kept weights begin, and among the distances of all its own.
struct Places {
  std::vector<size_t> weights, distances;
  explicit Places(const ck_attention &call) {
    size_t w = 0, p = 0;
    for (size_t u = 0; u < call.segments.count; u++) {
      const size_t frames = call.segments.offsets[u + 1] - call.segments.offsets[u];
      weights.push_back(w);
      distances.push_back(p);
      w += call.heads * frames * frames;
      p += frames == 0 ? 0 : 2 * frames - 1;
    }
  }
};

template <class O>
void forwardAll(const ck_attention &call, void *kept, ck::Array result) {
  const Positions<O> positions(call, false);
  const Places places(call);
  overHeads(call, [&](const Head &h) {
    typename O::Value *weights =
        kept ? static_cast<typename O::Value *>(kept) + places.weights[h.utterance] +
                   h.head * h.frames * h.frames
             : nullptr;
    forward<O>(h, positions, workspace, weights, result);
  });
}

template <class O>
void backwardAll(const ck_attention &call, const void *kept, const void *dresult, Gradients out,
                 const ck_attention_gradients &sums) {
  const Positions<O> positions(call, true);
  const Places places(call);
  const size_t all = call.heads * call.size;
  overHeads(call, [&](const Head &h) {
    Gradients mine = out;
    if (out.positions) mine.positions += places.distances[h.utterance] * all;
    if (out.distances) mine.distances += places.distances[h.utterance] * call.heads;
    backward<O>(h, positions, workspace,
                static_cast<const typename O::Value *>(kept) + places.weights[h.utterance] +
                    h.head * h.frames * h.frames,
                dresult, mine);
  });
  // Shares of utterances are added in their order, whatever the number of threads.
  if (call.gates) {
    std::fill_n(sums.distances, call.position_rows * call.heads, 0.0f);
    for (size_t u = 0; u < call.segments.count; u++) {
      const size_t frames = call.segments.offsets[u + 1] - call.segments.offsets[u];
      if (frames == 0) continue;
      const size_t first = (call.position_rows + 1) / 2 - frames, count = 2 * frames - 1;
      const float *share = out.distances + places.distances[u] * call.heads;
      for (size_t h = 0; h < call.heads; h++) {
        for (size_t c = 0; c < count; c++) sums.distances[(first + c) * call.heads + h] += share[h * count + c];
      }
    }
  }
  if (!call.positions) return;
  float *const du = sums.u, *const dv = sums.v, *const dpositions = sums.positions;
  std::fill_n(du, all, 0.0f);
  std::fill_n(dv, all, 0.0f);
  ck::parallel(call.position_rows, ck::rowGrain(all), [&](size_t b, size_t e) {
    std::fill_n(dpositions + b * all, (e - b) * all, 0.0f);
    for (size_t u = 0; u < call.segments.count; u++) {
      const size_t frames = call.segments.offsets[u + 1] - call.segments.offsets[u];
      if (frames == 0) continue;
      const size_t first = (call.position_rows + 1) / 2 - frames, last = first + 2 * frames - 1;
      const size_t from = std::max(b, first), to = std::min(e, last);
      if (from < to) {
        addInto(out.positions + (places.distances[u] + from - first) * all, dpositions + from * all,
                (to - from) * all);
      }
    }
  });
  for (size_t u = 0; u < call.segments.count; u++) {
    if (call.segments.offsets[u] == call.segments.offsets[u + 1]) continue;
    addInto(out.biases + u * 2 * all, du, all);
    addInto(out.biases + (u * 2 + 1) * all, dv, all);
  }
}

double squares(const ck_attention &call) {
  double sum = 0;
  for (size_t u = 0; u < call.segments.count; u++) {
    const double frames = call.segments.offsets[u + 1] - call.segments.offsets[u];
    sum += frames * frames;
  }
  return sum * call.heads * call.size;
}

}  // namespace

size_t ck_attention_kept(const ck_attention *call) {
  size_t count = 0;
  for (size_t u = 0; u < call->segments.count; u++) {
    const size_t frames = call->segments.offsets[u + 1] - call->segments.offsets[u];
    count += call->heads * frames * frames;
  }
  return count;
}

void ck_attention_forward(const ck_attention *call, void *kept, void *result, ck_type result_type) {
  const ck::Timed timed("attention", (call->positions ? 6 : 4) * squares(*call), 0);
  const ck::Array out{result, result_type};
  if (call->type == CK_BFLOAT16) forwardAll<BFloat16Operands>(*call, kept, out);
  else forwardAll<Float32Operands>(*call, kept, out);
}

void ck_attention_backward(const ck_attention *call, const void *kept, const void *dresult,
                           const ck_attention_gradients *g) {
  const ck::Timed timed("attention backward", (call->positions ? 12 : 8) * squares(*call), 0);
  const Gradients out{{g->queries, g->type}, {g->keys, g->type}, {g->values, g->type}, g->position_shares,
                      g->bias_shares, g->gates, g->distance_shares};
  if (call->type == CK_BFLOAT16) {
    backwardAll<BFloat16Operands>(*call, kept, dresult, out, *g);
  } else {
    backwardAll<Float32Operands>(*call, kept, dresult, out, *g);
  }
}
