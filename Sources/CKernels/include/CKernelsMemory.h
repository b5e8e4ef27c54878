// Reading mapped files safely, the 16-bit formats of weights, and tensors' memory. Any thread may call these.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Copies n bytes out of a mapped file. False, instead of death by SIGBUS, when the file became shorter
/// than its mapping; dst then holds an unspecified part. dst and src do not overlap.
bool ck_guarded_copy(void *dst, const void *src, size_t n);

/// IEEE 754 binary16, bfloat16 and binary64 to float32; binary64 rounds to nearest even.
void ck_widen_f16(float *dst, const uint16_t *src, size_t n);
void ck_widen_bf16(float *dst, const uint16_t *src, size_t n);
void ck_narrow_f64(float *dst, const double *src, size_t n);

/// float32 to binary16 and bfloat16, to nearest even. Returns how many finite values became infinite.
size_t ck_narrow_f16(uint16_t *dst, const float *src, size_t n);
size_t ck_narrow_bf16(uint16_t *dst, const float *src, size_t n);

/// Memory from slabs that are kept for reuse: 64-byte aligned, uninitialised; null where the system has no
/// more. Blocks are given back with the size they were taken with.
void *ck_pool_take(size_t size);
void ck_pool_give(void *block, size_t size);
/// Gives slabs that nothing uses back to the system.
void ck_pool_trim(void);
/// Bytes of all slabs.
size_t ck_pool_held(void);

#ifdef __cplusplus
}
#endif
