#include "CSentencePiece.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <string>
#include <vector>

struct idiolect_pieces {
  sentencepiece::SentencePieceProcessor processor;
};

extern "C" {

idiolect_pieces *idiolect_pieces_read(const void *bytes, size_t count) try {
  auto *pieces = new idiolect_pieces;
  const absl::string_view view(static_cast<const char *>(bytes), count);
  if (pieces->processor.LoadFromSerializedProto(view).ok()) return pieces;
  delete pieces;
  return nullptr;
} catch (...) {
  return nullptr;
}

void idiolect_pieces_free(idiolect_pieces *pieces) { delete pieces; }

size_t idiolect_pieces_count(const idiolect_pieces *pieces) { return pieces->processor.GetPieceSize(); }

const char *idiolect_pieces_text(const idiolect_pieces *pieces, size_t index, size_t *count) {
  const std::string &text = pieces->processor.IdToPiece(static_cast<int>(index));
  *count = text.size();
  return text.data();
}

float idiolect_pieces_score(const idiolect_pieces *pieces, size_t index) {
  return pieces->processor.GetScore(static_cast<int>(index));
}

idiolect_piece_kind idiolect_pieces_kind(const idiolect_pieces *pieces, size_t index) {
  const auto &processor = pieces->processor;
  const int id = static_cast<int>(index);
  if (processor.IsUnknown(id)) return IDIOLECT_PIECE_UNKNOWN;
  if (processor.IsControl(id)) return IDIOLECT_PIECE_CONTROL;
  if (processor.IsUnused(id)) return IDIOLECT_PIECE_UNUSED;
  return processor.IsByte(id) ? IDIOLECT_PIECE_BYTE : IDIOLECT_PIECE_PLAIN;
}

size_t idiolect_pieces_cut(const idiolect_pieces *pieces, const char *text, size_t count, int32_t *indices,
                           size_t room) try {
  std::vector<int> ids;
  if (!pieces->processor.Encode(absl::string_view(text, count), &ids).ok()) return 0;
  std::copy_n(ids.begin(), std::min(room, ids.size()), indices);
  return ids.size();
} catch (...) {
  return 0;
}

}  // extern "C"
