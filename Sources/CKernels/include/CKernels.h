// The numeric kernels: oneDNN behind a C interface, and our own vector loops.
//
// Preconditions common to all: pointers are valid for the stated extents and do not overlap unless said;
// calls come from the engine thread. No function throws.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CKernelsMemory.h"
#include "CKernelsOptimise.h"
#include "CKernelsCTC.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { CK_FLOAT32 = 0, CK_BFLOAT16 = 1 } ck_type;

/// Sets how many threads parallel regions and oneDNN use from the calling (engine) thread.
void ck_set_threads(int threads);
int ck_threads(void);

/// Runs body(context, begin, end) over disjoint ranges covering [0, count), in parallel when
/// count >= 2 * grain. Ranges depend on count, grain and the thread count only.
void ck_parallel_for(size_t count, size_t grain,
                     void (*body)(void *context, size_t begin, size_t end), void *context);

#include "CKernelsMatrix.h"
#include "CKernelsElementwise.h"
#include "CKernelsNormalise.h"
#include "CKernelsSequence.h"
#include "CKernelsSubsampling.h"
#include "CKernelsRecurrent.h"
#include "CKernelsProfile.h"
#include "CKernelsSpectral.h"

#ifdef __cplusplus
}
#endif
