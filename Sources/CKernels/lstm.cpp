#include <algorithm>
#include <vector>

#include "profile.hpp"
#include "small_products.hpp"
#include "workspace.hpp"

// Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000 and without peepholes. A thread
// takes a group of utterances through time, so that nothing is waited for between frames; what depends on
// the input alone has been multiplied before, and weight gradients are multiplied afterwards, all at once.

namespace {

/// Columns of a packed weight that lie side by side: a product's whole block.
constexpr size_t panel = 4 * ck::lanes;
/// Utterances of a group: their states stay in the first-level cache.
constexpr size_t mostInGroup = 24;

/// The gates of one row: sums of the four by columns of `stride`, to values in `gates`; c and h follow.
CK_CLONES void gateRow(const float *sums, size_t stride, size_t hidden, const float *before,
                       float *gates, float *cell, float *h) {
  for (size_t j = 0; j < hidden; j++) {
    const float input = ck::sigmoid(sums[j]), forget = ck::sigmoid(sums[stride + j]);
    const float candidate = ck::fastTanh(sums[2 * stride + j]), output = ck::sigmoid(sums[3 * stride + j]);
    const float c = forget * before[j] + input * candidate;
    gates[j] = input;
    gates[hidden + j] = forget;
    gates[2 * hidden + j] = candidate;
    gates[3 * hidden + j] = output;
    cell[j] = c;
    h[j] = output * ck::fastTanh(c);
  }
}

/// The way back through one row: dh is the whole gradient of h, dc that of c, carried on.
CK_CLONES void gateRowBackward(const float *gates, const float *cell, const float *before,
                               const float *dh, float *dc, float *sums, size_t stride, size_t hidden) {
  for (size_t j = 0; j < hidden; j++) {
    const float input = gates[j], forget = gates[hidden + j];
    const float candidate = gates[2 * hidden + j], output = gates[3 * hidden + j];
    const float t = ck::fastTanh(cell[j]);
    const float d = dc[j] + dh[j] * output * (1 - t * t);
    sums[j] = d * candidate * input * (1 - input);
    sums[stride + j] = d * before[j] * forget * (1 - forget);
    sums[2 * stride + j] = d * input * (1 - candidate * candidate);
    sums[3 * stride + j] = dh[j] * t * output * (1 - output);
    dc[j] = d * forget;
  }
}

CK_CLONES void copyRow(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = x[i];
}
CK_CLONES void copyRow(const float *x, uint16_t *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = ck::toBFloat16(x[i]);
}
CK_CLONES void addRow(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}
CK_CLONES void addRow(const uint16_t *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += ck::fromBFloat16(x[i]);
}

/// A weight as panels of columns, each [depth, panel] with `step` rows of the depth side by side.
template <typename Operands>
struct Packed {
  using Value = typename Operands::Value;
  std::vector<Value> values;
  size_t steps, columns;

  /// at(k, n): the value of row k of the depth in column n.
  template <typename At>
  Packed(size_t depth, size_t width, At &&at)
      : steps((depth + Operands::step - 1) / Operands::step), columns(ck::paddedTo(width, panel)) {
    values.assign(steps * Operands::step * columns, Operands::store(0));
    for (size_t n = 0; n < width; n++) {
      Value *column = values.data() + n / panel * panel * steps * Operands::step;
      for (size_t k = 0; k < depth; k++) {
        column[(k / Operands::step * panel + n % panel) * Operands::step + k % Operands::step] =
            Operands::store(at(k, n));
      }
    }
  }

  /// c[rows, columns] (+)= a · weight.
  void multiply(const Value *a, size_t row, size_t rows, float *c, bool add) const {
    for (size_t n = 0; n < columns; n += panel) {
      ck::smallProduct({static_cast<ptrdiff_t>(row), static_cast<ptrdiff_t>(Operands::step), panel,
                        columns, rows, panel, steps, add},
                       a, values.data() + n * steps * Operands::step, c + n);
    }
  }
};

/// Some utterances of one direction, the longest first, so that those still under way come first.
struct Group {
  const ck_lstm &call;
  size_t direction;
  std::vector<size_t> members;

  size_t length(size_t member) const { return call.segments.valid[members[member]]; }
  size_t frames() const { return members.empty() ? 0 : length(0); }
  size_t active(size_t t) const {
    size_t count = 0;
    while (count < members.size() && length(count) > t) count++;
    return count;
  }
  size_t row(size_t member, size_t t) const {
    const size_t first = call.segments.offsets[members[member]];
    return direction == 0 ? first + t : first + length(member) - 1 - t;
  }
  /// Where a member's part of what utterances begin with lies.
  size_t initial(size_t member) const {
    return (direction * call.segments.count + members[member]) * call.hidden;
  }
};

/// Every direction's utterances dealt out by length, so that groups end at about the same time.
std::vector<Group> groups(const ck_lstm &call) {
  const size_t count = call.segments.count, threads = static_cast<size_t>(ck_threads());
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; i++) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return call.segments.valid[a] > call.segments.valid[b];
  });
  const size_t parts = std::min(
      count, std::max((count + mostInGroup - 1) / mostInGroup, (threads + call.directions - 1) / call.directions));
  std::vector<Group> result;
  for (size_t direction = 0; direction < call.directions; direction++) {
    for (size_t part = 0; part < parts; part++) {
      result.push_back({call, direction, {}});
      for (size_t i = part; i < count; i += parts) result.back().members.push_back(order[i]);
    }
  }
  return result;
}

/// The cells that step t of a member starts from.
const float *cellBefore(const Group &group, size_t member, size_t t, const float *cells,
                        const float *zero) {
  if (t > 0) return cells + group.row(member, t - 1) * group.call.hidden;
  return group.call.initial_cells ? group.call.initial_cells + group.initial(member) : zero;
}

/// Zeroes the rows of a result that are not valid.
void clearInvalid(const ck_segments &segments, void *data, size_t rowBytes) {
  for (size_t s = 0; s < segments.count; s++) {
    const size_t first = segments.offsets[s] + segments.valid[s];
    const size_t rows = segments.offsets[s + 1] - first;
    std::memset(static_cast<char *>(data) + first * rowBytes, 0, rows * rowBytes);
  }
}

template <typename Operands>
void forward(const ck_lstm &call, float *const *gates, float *const *cells, void *result) {
  using Value = typename Operands::Value;
  const size_t hidden = call.hidden, stride = ck::paddedTo(hidden, ck::lanes);
  const size_t width = call.directions * hidden;
  std::vector<Packed<Operands>> weights;
  for (size_t d = 0; d < call.directions; d++) {
    weights.emplace_back(hidden, 4 * stride, [&](size_t k, size_t n) {
      return n % stride < hidden ? call.recurrent[d][(n / stride * hidden + n % stride) * hidden + k] : 0;
    });
  }
  const std::vector<Group> all = groups(call);
  ck::parallel(all.size(), 1, [&](size_t begin, size_t end) {
    static thread_local ck::Workspace workspace;
    for (size_t g = begin; g < end; g++) {
      const Group &group = all[g];
      const Packed<Operands> &weight = weights[group.direction];
      const size_t count = group.members.size(), depth = weight.steps * Operands::step;
      workspace.need<float>(count * weight.columns);
      workspace.need<float>(hidden);
      workspace.need<float>(hidden);
      workspace.need<Value>(count * depth);
      workspace.begin();
      float *sums = workspace.takeZeroed<float>(count * weight.columns);
      float *h = workspace.take<float>(hidden);
      float *zero = workspace.takeZeroed<float>(hidden);
      Value *operand = workspace.takeZeroed<Value>(count * depth);
      float *values = gates[group.direction], *cell = cells[group.direction];
      for (size_t m = 0; call.initial_hidden && m < count; m++) {
        copyRow(call.initial_hidden + group.initial(m), operand + m * depth, hidden);
      }
      for (size_t t = 0; t < group.frames(); t++) {
        const size_t active = group.active(t);
        for (size_t m = 0; m < active; m++) {
          const float *given = values + group.row(m, t) * 4 * hidden;
          for (size_t gate = 0; gate < 4; gate++) {
            copyRow(given + gate * hidden, sums + m * weight.columns + gate * stride, hidden);
          }
        }
        if (t > 0 || call.initial_hidden) weight.multiply(operand, depth, active, sums, true);
        for (size_t m = 0; m < active; m++) {
          const size_t row = group.row(m, t);
          gateRow(sums + m * weight.columns, stride, hidden, cellBefore(group, m, t, cell, zero),
                  values + row * 4 * hidden, cell + row * hidden, h);
          copyRow(h, operand + m * depth, hidden);
          std::memcpy(static_cast<Value *>(result) + row * width + group.direction * hidden,
                      operand + m * depth, hidden * sizeof(Value));
        }
      }
    }
  });
  clearInvalid(call.segments, result, width * sizeof(Value));
}

template <typename Operands>
void backward(const ck_lstm &call, const float *const *gates, const float *const *cells,
              const void *dresult, ck_type dresultType, void *const *dgates, float *dinitialHidden,
              float *dinitialCells) {
  using Value = typename Operands::Value;
  const size_t hidden = call.hidden, stride = ck::paddedTo(hidden, ck::lanes);
  const size_t width = call.directions * hidden;
  std::vector<Packed<Operands>> weights;
  for (size_t d = 0; d < call.directions; d++) {
    weights.emplace_back(4 * stride, hidden, [&](size_t k, size_t n) {
      return k % stride < hidden ? call.recurrent[d][(k / stride * hidden + k % stride) * hidden + n] : 0;
    });
  }
  const std::vector<Group> all = groups(call);
  ck::parallel(all.size(), 1, [&](size_t begin, size_t end) {
    static thread_local ck::Workspace workspace;
    for (size_t g = begin; g < end; g++) {
      const Group &group = all[g];
      const Packed<Operands> &weight = weights[group.direction];
      const size_t count = group.members.size(), depth = 4 * stride;
      workspace.need<float>(count * weight.columns);
      workspace.need<float>(count * hidden);
      workspace.need<float>(depth);
      workspace.need<float>(hidden);
      workspace.need<Value>(count * depth);
      workspace.begin();
      float *dh = workspace.takeZeroed<float>(count * weight.columns);
      float *dc = workspace.takeZeroed<float>(count * hidden);
      float *sums = workspace.takeZeroed<float>(depth);
      float *zero = workspace.takeZeroed<float>(hidden);
      Value *operand = workspace.takeZeroed<Value>(count * depth);
      const float *values = gates[group.direction], *cell = cells[group.direction];
      Value *out = static_cast<Value *>(dgates[group.direction]);
      for (size_t t = group.frames(); t-- > 0;) {
        const size_t active = group.active(t);
        for (size_t m = 0; m < active; m++) {
          const size_t row = group.row(m, t), from = row * width + group.direction * hidden;
          float *gradient = dh + m * weight.columns;
          if (dresultType == CK_FLOAT32) {
            addRow(static_cast<const float *>(dresult) + from, gradient, hidden);
          } else {
            addRow(static_cast<const uint16_t *>(dresult) + from, gradient, hidden);
          }
          gateRowBackward(values + row * 4 * hidden, cell + row * hidden,
                          cellBefore(group, m, t, cell, zero), gradient, dc + m * hidden, sums,
                          stride, hidden);
          copyRow(sums, operand + m * depth, depth);
          for (size_t gate = 0; gate < 4; gate++) {
            std::memcpy(out + row * 4 * hidden + gate * hidden, operand + m * depth + gate * stride,
                        hidden * sizeof(Value));
          }
        }
        if (t > 0 || dinitialHidden) weight.multiply(operand, depth, active, dh, false);
      }
      for (size_t m = 0; dinitialHidden && m < count; m++) {
        copyRow(dh + m * weight.columns, dinitialHidden + group.initial(m), hidden);
        copyRow(dc + m * hidden, dinitialCells + group.initial(m), hidden);
      }
    }
  });
  for (size_t d = 0; d < call.directions; d++) {
    clearInvalid(call.segments, dgates[d], 4 * hidden * sizeof(Value));
  }
}

double recurrentWork(const ck_lstm &call) {
  double rows = 0;
  for (size_t s = 0; s < call.segments.count; s++) rows += call.segments.valid[s];
  return rows * call.directions * 8 * call.hidden * call.hidden;
}

double traffic(const ck_lstm &call) {
  return 4.0 * call.segments.offsets[call.segments.count] * call.directions * 10 * call.hidden;
}

}  // namespace

void ck_lstm_forward(const ck_lstm *call, float *const *gates, float *const *cells, void *result) {
  const ck::Timed timed("LSTM", recurrentWork(*call), traffic(*call));
  if (call->type == CK_FLOAT32) {
    forward<ck::Float32Operands>(*call, gates, cells, result);
  } else {
    forward<ck::BFloat16Operands>(*call, gates, cells, result);
  }
}

void ck_lstm_backward(const ck_lstm *call, const float *const *gates, const float *const *cells,
                      const void *dresult, ck_type dresult_type, void *const *dgates,
                      float *dinitial_hidden, float *dinitial_cells) {
  const ck::Timed timed("LSTM gradient", recurrentWork(*call), traffic(*call));
  if (call->type == CK_FLOAT32) {
    backward<ck::Float32Operands>(*call, gates, cells, dresult, dresult_type, dgates, dinitial_hidden,
                                  dinitial_cells);
  } else {
    backward<ck::BFloat16Operands>(*call, gates, cells, dresult, dresult_type, dgates, dinitial_hidden,
                                   dinitial_cells);
  }
}

void ck_lstm_previous(const ck_lstm *call, const void *result, size_t direction, void *previous) {
  const size_t value = call->type == CK_FLOAT32 ? 4 : 2;
  const size_t bytes = call->hidden * value, row = call->directions * bytes;
  const ck_segments &segments = call->segments;
  char *to = static_cast<char *>(previous);
  const char *from = static_cast<const char *>(result) + direction * bytes;
  for (size_t s = 0; s < segments.count; s++) {
    const size_t first = segments.offsets[s], end = segments.offsets[s + 1], valid = segments.valid[s];
    for (size_t i = first; i < end; i++) {
      const bool begins = direction == 0 ? i == first : i + 1 >= first + valid;
      if (i < first + valid && begins && call->initial_hidden) {
        const float *initial = call->initial_hidden + (direction * segments.count + s) * call->hidden;
        if (call->type == CK_FLOAT32) {
          copyRow(initial, reinterpret_cast<float *>(to + i * bytes), call->hidden);
        } else {
          copyRow(initial, reinterpret_cast<uint16_t *>(to + i * bytes), call->hidden);
        }
      } else if (begins || i >= first + valid) {
        std::memset(to + i * bytes, 0, bytes);
      } else {
        std::memcpy(to + i * bytes, from + (direction == 0 ? i - 1 : i + 1) * row, bytes);
      }
    }
  }
}
