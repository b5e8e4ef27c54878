// Memory for tensors: a step frees what the next one takes, in other sizes when lengths differ.
//
// Large slabs from the system, kept; in them the smallest free block that fits, neighbours joined when
// freed. Pages cost more to get than most kernels take to fill them, so slabs ask for huge ones.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>

#include "CKernels.h"

namespace {

constexpr size_t alignment = 64, hugePage = size_t{2} << 20, leastSlab = size_t{64} << 20;

struct Pool {
  std::mutex mutex;
  // Free blocks: by address with size, and by (size, address).
  std::map<uintptr_t, size_t> byAddress;
  std::set<std::pair<size_t, uintptr_t>> bySize;
  std::map<uintptr_t, size_t> slabs;
  size_t held = 0, inUse = 0, most = 0;

  void insert(uintptr_t address, size_t size) {
    byAddress.emplace(address, size);
    bySize.emplace(size, address);
  }

  std::map<uintptr_t, size_t>::iterator erase(std::map<uintptr_t, size_t>::iterator block) {
    bySize.erase({block->second, block->first});
    return byAddress.erase(block);
  }

  bool grow(size_t needed) {
    const size_t size = (std::max(needed, leastSlab) + hugePage - 1) / hugePage * hugePage;
    // Sizes that grow and grow must not leave all the smaller slabs behind them.
    if (held + size > 2 * most) trim();
    // One huge page more than needed, so that the slab can begin at one.
    void *raw = mmap(nullptr, size + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return false;
    const uintptr_t begin = reinterpret_cast<uintptr_t>(raw);
    const uintptr_t slab = (begin + hugePage - 1) / hugePage * hugePage;
    if (slab > begin) munmap(raw, slab - begin);
    if (begin + hugePage > slab) {
      munmap(reinterpret_cast<void *>(slab + size), begin + hugePage - slab);
    }
    madvise(reinterpret_cast<void *>(slab), size, MADV_HUGEPAGE);
    slabs.emplace(slab, size);
    held += size;
    insert(slab, size);
    return true;
  }

  uintptr_t take(size_t size) {
    auto fit = bySize.lower_bound({size, 0});
    if (fit == bySize.end()) {
      if (!grow(size)) return 0;
      fit = bySize.lower_bound({size, 0});
    }
    const auto [room, address] = *fit;
    inUse += size;
    most = std::max(most, inUse);
    erase(byAddress.find(address));
    if (room > size) insert(address + size, room - size);
    return address;
  }

  void give(uintptr_t address, size_t size) {
    inUse -= size;
    auto next = byAddress.lower_bound(address);
    // Slabs that happen to lie side by side stay apart: they are given back one by one.
    if (next != byAddress.end() && next->first == address + size && !slabs.count(next->first)) {
      size += next->second;
      next = erase(next);
    }
    if (next != byAddress.begin() && !slabs.count(address)) {
      auto before = std::prev(next);
      if (before->first + before->second == address) {
        address = before->first;
        size += before->second;
        erase(before);
      }
    }
    insert(address, size);
  }

  void trim() {
    for (auto slab = slabs.begin(); slab != slabs.end();) {
      const auto block = byAddress.find(slab->first);
      if (block != byAddress.end() && block->second == slab->second) {
        munmap(reinterpret_cast<void *>(slab->first), slab->second);
        held -= slab->second;
        erase(block);
        slab = slabs.erase(slab);
      } else {
        ++slab;
      }
    }
  }
};

Pool &pool() {
  static Pool &instance = *new Pool;  // never destroyed: tensors may outlive static objects
  return instance;
}

size_t rounded(size_t size) { return std::max(alignment, (size + alignment - 1) / alignment * alignment); }

}  // namespace

void *ck_pool_take(size_t size) {
  Pool &memory = pool();
  const std::lock_guard<std::mutex> lock(memory.mutex);
  return reinterpret_cast<void *>(memory.take(rounded(size)));
}

void ck_pool_give(void *block, size_t size) {
  Pool &memory = pool();
  const std::lock_guard<std::mutex> lock(memory.mutex);
  memory.give(reinterpret_cast<uintptr_t>(block), rounded(size));
}

void ck_pool_trim(void) {
  Pool &memory = pool();
  const std::lock_guard<std::mutex> lock(memory.mutex);
  memory.trim();
}

size_t ck_pool_held(void) {
  Pool &memory = pool();
  const std::lock_guard<std::mutex> lock(memory.mutex);
  return memory.held;
}
