// One frame of a recording on its way to features. Unlike the other kernels these enter no parallel region, so that
// any thread may call them. A frame has the same bits wherever it lies in memory. Included by CKernels.h.
#pragma once

/// out[i] = scale · (x[i] − emphasis · x[i − 1]); x[−1] is read where emphasis is not 0.
void ck_frame_samples(const float *x, float emphasis, float scale, float *out, size_t count);
void ck_frame_samples_double(const float *x, double emphasis, double scale, double *out, size_t count);
/// Takes away the mean of x, in place.
void ck_remove_mean(float *x, size_t count);
void ck_remove_mean_double(double *x, size_t count);
/// out[i] = (x[i] − emphasis · x[i − 1]) · window[i], where x[−1] stands for x[0].
void ck_window_frame(const float *x, float emphasis, const float *window, float *out, size_t count);
void ck_window_frame_double(const double *x, double emphasis, const double *window, double *out, size_t count);
/// The sum of squares, in float64.
double ck_frame_energy(const float *x, size_t count);
double ck_frame_energy_double(const double *x, size_t count);
/// power[i] = re² + im² of `count` pairs.
void ck_power_spectrum(const float *pairs, float *power, size_t count);
void ck_power_spectrum_double(const double *pairs, float *power, size_t count);
/// power[0 ... count] of the transform of 2 · count real numbers, from that of the same as `count` pairs, and
/// turns[2, count / 2 + 1]: sin, then cos, of πk / count.
void ck_power_of_halves(const float *halves, const float *turns, float *power, size_t count);
void ck_power_of_halves_double(const double *halves, const double *turns, float *power, size_t count);
/// The sum, in float64.
double ck_frame_sum(const float *x, size_t count);
/// out[b] = Σ_k power[starts[b] + k] · the weights of band b.
///
/// Bands go by eights, the last of them filled up with bands of no weight. The eight g takes widths[g] · 8 bins of
/// each, for which power is readable; its weights are [widths[g], 8 bands, 8 bins], one eight after the other.
void ck_bands(const float *power, const int32_t *starts, const int32_t *widths, const float *weights,
              size_t bands, float *out);
/// The largest; −∞ of none.
float ck_largest(const float *x, size_t count);
/// What keeps zeros out of a logarithm: x + value, max(x, value), or value for an exact 0.
typedef enum { CK_LOG_OFFSET = 0, CK_LOG_FLOOR = 1, CK_LOG_ZERO = 2 } ck_log_guard;
/// x = factor · ln x after its guard, in place, to a unit in the last place. Of 0 the logarithm is −∞; of what is
/// negative or no number, no number.
void ck_logarithm(float *x, size_t count, ck_log_guard guard, float value, float factor);
/// out[width] = Σ_i x[i] · rows[i, :], for rows[count, stride] whose stride is `width` rounded up to 16.
void ck_project(const float *x, size_t count, const float *rows, size_t width, float *out);
/// A row more of running means and sums of squared differences (Welford 1962): the row number `count`, from 1.
void ck_add_moments(const float *row, size_t bins, size_t count, double *means, double *squares);
/// out[row, bin] = (x[row, bin] − means[bin]) · scales[bin], of x[rows, bins].
void ck_standardise(const float *x, size_t rows, size_t bins, const double *means, const double *scales, float *out);
/// Whether the magnitude of every element is a number below `limit`.
bool ck_all_within(const float *x, size_t count, float limit);
/// Whether no element is infinite or no number.
bool ck_all_finite(const float *x, size_t count);
