// Where the time goes: one row a kernel. Included by CKernels.h.
#pragma once

typedef struct {
  /// Static text.
  const char *name;
  double seconds, calls;
  /// Multiplications and additions, 0 where they are not counted; bytes read and written.
  double flops, bytes;
} ck_profile_row;

/// Forgets the rows and begins to count.
void ck_profile_start(void);
void ck_profile_stop(void);
/// The rows so far, in order of first use; valid until the next kernel runs.
size_t ck_profile_rows(const ck_profile_row **rows);
/// Counts time that something above the kernels measured; `name` is static text.
void ck_profile_add(const char *name, double seconds);
