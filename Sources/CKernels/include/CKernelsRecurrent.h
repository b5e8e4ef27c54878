// Long short-term memory over packed utterances. Included by CKernels.h.
#pragma once

/// One layer, in one direction or two: the second runs from an utterance's last valid row to its first. Rows
/// that are not valid are 0 in every result. Gates lie in PyTorch's order: input, forget, cell, output.
typedef struct {
  /// What results are held in and what is multiplied in; gates and cells are float32.
  ck_type type;
  size_t hidden, directions;
  /// [4 · hidden, hidden] of each direction.
  const float *recurrent[2];
  /// [directions, utterances, hidden]: what each utterance begins with, or both null for zeros.
  const float *initial_hidden, *initial_cells;
  ck_segments segments;
} ck_lstm;

/// gates[rows, 4 · hidden]: what the input gives them, overwritten by their values. cells[rows, hidden] and
/// result[rows, directions · hidden], overwritten.
void ck_lstm_forward(const ck_lstm *call, float *const *gates, float *const *cells, void *result);
/// dgates[rows, 4 · hidden] in the call's type: the gradient before the gates' functions, overwritten.
/// dinitial_hidden and dinitial_cells, of their operands' shape, overwritten, or both null: 0 where an
/// utterance has no valid row.
void ck_lstm_backward(const ck_lstm *call, const float *const *gates, const float *const *cells,
                      const void *dresult, ck_type dresult_type, void *const *dgates,
                      float *dinitial_hidden, float *dinitial_cells);
/// previous[rows, hidden] in the call's type: the result of the row that came before each in a direction, or
/// what its utterance began with.
void ck_lstm_previous(const ck_lstm *call, const void *result, size_t direction, void *previous);
