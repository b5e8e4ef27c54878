#include <algorithm>
#include <cstdlib>

#include "CKernels.h"

// libgomp's entry points, called as the compiler would: SwiftPM passes no -fopenmp.
extern "C" {
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_get_max_threads(void);
void omp_set_num_threads(int);
}

#if defined(CK_ONE_THREAD)
// For the thread sanitizer, which takes libgomp's barriers for none.
void ck_set_threads(int) { omp_set_num_threads(1); }
#else
void ck_set_threads(int threads) { omp_set_num_threads(std::max(1, threads)); }
#endif
int ck_threads(void) { return omp_get_max_threads(); }

namespace {
struct Region {
  size_t count, parts;
  void (*body)(void *, size_t, size_t);
  void *context;
};

void run_part(void *data) {
  const Region &region = *static_cast<Region *>(data);
  const size_t team = static_cast<size_t>(omp_get_num_threads());
  for (size_t part = omp_get_thread_num(); part < region.parts; part += team) {
    const size_t begin = region.count * part / region.parts;
    const size_t end = region.count * (part + 1) / region.parts;
    if (begin < end) region.body(region.context, begin, end);
  }
}
}  // namespace

void ck_parallel_for(size_t count, size_t grain, void (*body)(void *, size_t, size_t),
                     void *context) {
  if (count == 0) return;
  const size_t threads = static_cast<size_t>(ck_threads());
  const size_t parts = std::min(threads, std::max<size_t>(1, count / std::max<size_t>(1, grain)));
  if (parts <= 1) {
    body(context, 0, count);
    return;
  }
  Region region{count, parts, body, context};
  // Always the whole team, though some of it may find no part: libgomp ends the threads that a smaller
  // team leaves over, and would start them again for the next larger one.
  GOMP_parallel(run_part, &region, static_cast<unsigned>(threads), 0);
}
