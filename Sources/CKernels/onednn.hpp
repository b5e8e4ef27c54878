// oneDNN for the rest of CKernels: one engine and stream, one scratchpad, and the differences between
// its major versions 2 and 3. Nothing outside CKernels sees it.
#pragma once
#include <dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "CKernels.h"

namespace ck {

dnnl::engine &engine();
dnnl::stream &stream();

/// Attributes with the scratchpad left to us, so that a thousand primitives share one.
dnnl::primitive_attr sharedScratchpad();

/// Shared working memory of at least what `desc` asks: slot 0 is the primitives' scratchpad, the others hold
/// operands in the layouts that primitives ask for.
constexpr int scratchSlots = 4;
dnnl::memory scratch(const dnnl::memory::desc &desc, int slot = 0);

inline dnnl::memory::data_type dataType(ck_type type) {
  return type == CK_BFLOAT16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

/// Whether oneDNN uses an instruction set here. It also heeds ONEDNN_MAX_CPU_ISA, so that a capped process answers as
/// the smaller machine would.
bool has(dnnl::cpu_isa set);

/// Whether oneDNN multiplies by tiles (AMX) and is of a version that fills some of them wrongly, as 2.6.3 does: sums
/// come out wrong, or tiles that do not fit end the process. Each kernel says which products those are.
bool hasFaultyTiles();

/// Keeps the text of `error` for ck_last_error and returns false.
bool fail(const char *where, const char *what);

struct KeyHash {
  size_t operator()(const std::vector<int64_t> &key) const {
    uint64_t h = 0xCBF29CE484222325ull;
    for (int64_t part : key) h = (h ^ static_cast<uint64_t>(part)) * 0x100000001B3ull;
    return static_cast<size_t>(h ^ (h >> 29));
  }
};

/// Primitives by the numbers that determine them, emptied when full: adaptation sees many lengths.
template <typename Value>
class PrimitiveCache {
 public:
  template <typename Make>
  Value &get(const std::vector<int64_t> &key, Make &&make) {
    auto found = entries_.find(key);
    if (found != entries_.end()) return found->second;
    if (entries_.size() >= 4096) entries_.clear();
    return entries_.emplace(key, make()).first->second;
  }

 private:
  std::unordered_map<std::vector<int64_t>, Value, KeyHash> entries_;
};

}  // namespace ck
