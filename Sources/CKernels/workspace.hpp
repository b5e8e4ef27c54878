// Working memory of one thread, kept from call to call.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ck {

/// Hands out parts of one block. Ask `need` for each part first, then `begin`, then `take` them in that order.
class Workspace {
 public:
  template <typename T>
  void need(size_t count) {
    needed_ += rounded(count * sizeof(T));
  }

  /// Without memory the program ends in words: no exception may cross the C interface.
  void begin() {
    if (needed_ > size_) {
      std::free(data_);
      size_ = needed_ + needed_ / 4;
      size_ = (size_ + 4095) / 4096 * 4096;
      data_ = static_cast<char *>(std::aligned_alloc(4096, size_));
      if (!data_) {
        std::fputs("idiolect: out of memory for a kernel's working memory\n", stderr);
        std::abort();
      }
    }
    used_ = needed_ = 0;
  }

  template <typename T>
  T *take(size_t count) {
    T *part = reinterpret_cast<T *>(data_ + used_);
    used_ += rounded(count * sizeof(T));
    return part;
  }

  template <typename T>
  T *takeZeroed(size_t count) {
    T *part = take<T>(count);
    std::memset(static_cast<void *>(part), 0, count * sizeof(T));
    return part;
  }

 private:
  static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }
  char *data_ = nullptr;
  size_t size_ = 0, used_ = 0, needed_ = 0;
};

}  // namespace ck
