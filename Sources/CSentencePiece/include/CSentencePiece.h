// SentencePiece's models: their pieces, and how they cut text. Any thread may call these; no function throws.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct idiolect_pieces idiolect_pieces;

/// A model from the bytes of its file; null where they are none.
idiolect_pieces *idiolect_pieces_read(const void *bytes, size_t count);
void idiolect_pieces_free(idiolect_pieces *pieces);

size_t idiolect_pieces_count(const idiolect_pieces *pieces);
/// Text, not ended by a zero, that lives as long as the model.
const char *idiolect_pieces_text(const idiolect_pieces *pieces, size_t index, size_t *count);
float idiolect_pieces_score(const idiolect_pieces *pieces, size_t index);

typedef enum {
  IDIOLECT_PIECE_PLAIN,
  IDIOLECT_PIECE_UNKNOWN,
  IDIOLECT_PIECE_CONTROL,
  IDIOLECT_PIECE_UNUSED,
  IDIOLECT_PIECE_BYTE,
} idiolect_piece_kind;
idiolect_piece_kind idiolect_pieces_kind(const idiolect_pieces *pieces, size_t index);

/// The pieces of a text: writes at most `room` of their indices, and returns how many there are.
size_t idiolect_pieces_cut(const idiolect_pieces *pieces, const char *text, size_t count, int32_t *indices,
                           size_t room);

#ifdef __cplusplus
}
#endif
