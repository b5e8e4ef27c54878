#include "profile.hpp"
#include "vector.hpp"

#pragma clang fp reassociate(on)

namespace {

CK_CLONES void weights(const float *content, const float *position, float scale, float *out,
                       size_t frames, size_t valid, size_t b, size_t e) {
  for (size_t row = b; row < e; row++) {
    const size_t i = row % frames;
    const float *score = content + row * frames;
    float *w = out + row * frames;
    if (i >= valid) {
      const float equal = 1.0f / frames;
      for (size_t j = 0; j < frames; j++) w[j] = equal;
      continue;
    }
    if (position) {
      const float *shifted = position + row * (2 * frames - 1) + (frames - 1 - i);
      for (size_t j = 0; j < valid; j++) w[j] = scale * (score[j] + shifted[j]);
    } else {
      for (size_t j = 0; j < valid; j++) w[j] = scale * score[j];
    }
    float largest = w[0];
    for (size_t j = 1; j < valid; j++) largest = w[j] > largest ? w[j] : largest;
    float sum = 0;
    for (size_t j = 0; j < valid; j++) {
      w[j] = ck::fastExp(w[j] - largest);
      sum += w[j];
    }
    const float inverse = 1.0f / sum;
    for (size_t j = 0; j < valid; j++) w[j] *= inverse;
    for (size_t j = valid; j < frames; j++) w[j] = 0;
  }
}

CK_INLINE void store(float *out, float value) { *out = value; }
CK_INLINE void store(uint16_t *out, float value) { *out = ck::toBFloat16(value); }

template <typename T>
CK_INLINE void rowBackward(const float *w, const float *dw, float scale, T *dcontent, T *dposition,
                           size_t i, size_t frames, size_t valid) {
  if (i >= valid) {
    std::memset(dcontent, 0, frames * sizeof(T));
    if (dposition) std::memset(dposition, 0, (2 * frames - 1) * sizeof(T));
    return;
  }
  float inner = 0;
  for (size_t j = 0; j < valid; j++) inner += w[j] * dw[j];
  for (size_t j = 0; j < valid; j++) store(dcontent + j, scale * w[j] * (dw[j] - inner));
  if (valid < frames) std::memset(dcontent + valid, 0, (frames - valid) * sizeof(T));
  if (dposition) {
    const size_t first = frames - 1 - i;
    std::memset(dposition, 0, first * sizeof(T));
    std::memcpy(dposition + first, dcontent, frames * sizeof(T));
    std::memset(dposition + first + frames, 0, (frames - 1 - first) * sizeof(T));
  }
}

CK_CLONES void backwardFloat32(const float *w, const float *dw, float scale, float *dcontent,
                               float *dposition, size_t frames, size_t valid, size_t b, size_t e) {
  for (size_t row = b; row < e; row++) {
    rowBackward(w + row * frames, dw + row * frames, scale, dcontent + row * frames,
                dposition ? dposition + row * (2 * frames - 1) : nullptr, row % frames, frames, valid);
  }
}

CK_CLONES void backwardBFloat16(const float *w, const float *dw, float scale, uint16_t *dcontent,
                                uint16_t *dposition, size_t frames, size_t valid, size_t b,
                                size_t e) {
  for (size_t row = b; row < e; row++) {
    rowBackward(w + row * frames, dw + row * frames, scale, dcontent + row * frames,
                dposition ? dposition + row * (2 * frames - 1) : nullptr, row % frames, frames, valid);
  }
}

}  // namespace

void ck_attention_weights(const float *content, const float *position, float scale, float *out,
                          size_t heads, size_t frames, size_t valid) {
  const ck::Timed timed("attention weights", 0, (position ? 16.0 : 8.0) * heads * frames * frames);
  ck::parallel(heads * frames, ck::rowGrain(frames * 4), [&](size_t b, size_t e) {
    weights(content, position, scale, out, frames, valid, b, e);
  });
}

void ck_attention_weights_backward(const float *w, const float *dw, float scale, ck_type type,
                                   void *dcontent, void *dposition, size_t heads, size_t frames,
                                   size_t valid) {
  const ck::Timed timed("attention weights backward", 0, (dposition ? 14.0 : 10.0) * heads * frames * frames);
  ck::parallel(heads * frames, ck::rowGrain(frames * 4), [&](size_t b, size_t e) {
    if (type == CK_BFLOAT16) {
      backwardBFloat16(w, dw, scale, static_cast<uint16_t *>(dcontent),
                       static_cast<uint16_t *>(dposition), frames, valid, b, e);
    } else {
      backwardFloat32(w, dw, scale, static_cast<float *>(dcontent),
                      static_cast<float *>(dposition), frames, valid, b, e);
    }
  });
}
