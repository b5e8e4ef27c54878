// Optimiser arithmetic over flat float buffers, parallel over blocks. Calls come from the engine thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One AdamW step (Loshchilov and Hutter 2019) in PyTorch's order of operations: decoupled decay first, then
/// the moments, then the bias-corrected update. The four buffers do not overlap; step counts from 1.
void ck_adamw(float *parameter, const float *gradient, float *m, float *v, size_t count, double lr,
              double beta1, double beta2, double eps, double weight_decay, int64_t step);

/// The sum of x[i]^2, in double; the same bits for any number of threads.
double ck_sum_squares(const float *x, size_t count);

/// dst[i] += weight * (src[i] - dst[i]): moving averages and weight interpolation. dst and src do not overlap.
void ck_lerp(float *dst, const float *src, size_t count, float weight);

#ifdef __cplusplus
}
#endif
