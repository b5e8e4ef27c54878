// Times each kernel where a profile is asked for; else one comparison a call.
#pragma once
#include <cstdint>

#include "CKernels.h"

namespace ck {

extern bool isProfiling;

/// Adds the time it lives to the profile's row `name`. A kernel that calls another counts once, as itself.
class Timed {
 public:
  /// flops: multiplications and additions, 0 where they are not the point. bytes: read and written.
  Timed(const char *name, double flops, double bytes) {
    if (isProfiling) begin(name, flops, bytes);
  }
  ~Timed() {
    if (started_) end();
  }
  Timed(const Timed &) = delete;

 private:
  void begin(const char *name, double flops, double bytes);
  void end();
  const char *name_ = nullptr;
  double flops_ = 0, bytes_ = 0;
  int64_t started_ = 0;
};

}  // namespace ck
