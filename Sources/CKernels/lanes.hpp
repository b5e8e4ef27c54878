// Sixteen float32 side by side, for loops that keep sums in registers: one register with AVX-512, two with
// AVX2, four without either.
#pragma once
#include "vector.hpp"

namespace ck {

constexpr size_t lanes = 16;
using Vector = float __attribute__((vector_size(64)));

struct __attribute__((packed, aligned(4), may_alias)) VectorInMemory {
  Vector value;
};

// A macro, for functions may not return vectors that some processor lacks, even where they are inlined.
#define CK_LOAD(pointer) (reinterpret_cast<const ck::VectorInMemory *>(pointer)->value)
CK_INLINE void store(float *x, const Vector &value) { reinterpret_cast<VectorInMemory *>(x)->value = value; }

}  // namespace ck
