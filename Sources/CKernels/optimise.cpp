#include <algorithm>
#include <cmath>

#include "profile.hpp"
#include "vector.hpp"

// sqrtf may set errno, which keeps a loop scalar.
#if __has_builtin(__builtin_elementwise_sqrt)
#define CK_SQRT(x) __builtin_elementwise_sqrt(x)
#else
#define CK_SQRT(x) std::sqrt(x)
#endif

namespace {

// Four buffers of 16k floats fill a second-level cache's share; smaller parts cost more than they save.
constexpr size_t grain = 16384;

struct AdamW {
  float *__restrict parameter;
  const float *__restrict gradient;
  float *__restrict m;
  float *__restrict v;
  float keep, toward, beta2, square, root_correction, eps, step_size;
};

CK_CLONES void adamw_part(void *context, size_t begin, size_t end) {
  const AdamW a = *static_cast<AdamW *>(context);
  float *__restrict parameter = a.parameter;
  const float *__restrict gradient = a.gradient;
  float *__restrict first = a.m;
  float *__restrict second = a.v;
  for (size_t i = begin; i < end; ++i) {
    const float g = gradient[i];
    const float m = first[i] + a.toward * (g - first[i]);
    const float v = a.beta2 * second[i] + a.square * g * g;
    const float denominator = CK_SQRT(v) / a.root_correction + a.eps;
    first[i] = m;
    second[i] = v;
    parameter[i] = a.keep * parameter[i] - a.step_size * m / denominator;
  }
}

CK_CLONES double sum_squares_block(const float *x, size_t count) {
  // Sixteen sums side by side: the order is written down, so every processor adds in the same one.
  double lanes[16] = {};
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t lane = 0; lane < 16; ++lane) {
      const double value = x[i + lane];
      lanes[lane] += value * value;
    }
  for (; i < count; ++i) lanes[i % 16] += static_cast<double>(x[i]) * x[i];
  double sum = 0;
  for (double lane : lanes) sum += lane;
  return sum;
}

constexpr size_t most_blocks = 256;

struct SumSquares {
  const float *x;
  size_t count, blocks;
  double sums[most_blocks];
};

void sum_squares_part(void *context, size_t begin, size_t end) {
  SumSquares &job = *static_cast<SumSquares *>(context);
  // Divided before it is multiplied, so that no size overflows.
  const size_t size = job.count / job.blocks, rest = job.count % job.blocks;
  for (size_t block = begin; block < end; ++block) {
    const size_t first = block * size + std::min(block, rest);
    job.sums[block] = sum_squares_block(job.x + first, size + (block < rest));
  }
}

struct Lerp {
  float *dst;
  const float *src;
  float weight;
};

CK_CLONES void lerp_part(void *context, size_t begin, size_t end) {
  const Lerp job = *static_cast<Lerp *>(context);
  float *__restrict dst = job.dst;
  const float *__restrict src = job.src;
  for (size_t i = begin; i < end; ++i) dst[i] += job.weight * (src[i] - dst[i]);
}

}  // namespace

void ck_adamw(float *parameter, const float *gradient, float *m, float *v, size_t count, double lr,
              double beta1, double beta2, double eps, double weight_decay, int64_t step) {
  const ck::Timed timed("adamw", 0, 28.0 * count);
  // Factors are formed in double, as PyTorch forms them in Python, and rounded once.
  const double correction1 = 1 - std::pow(beta1, static_cast<double>(step));
  const double correction2 = 1 - std::pow(beta2, static_cast<double>(step));
  AdamW job{parameter,
            gradient,
            m,
            v,
            static_cast<float>(1 - lr * weight_decay),
            static_cast<float>(1 - beta1),
            static_cast<float>(beta2),
            static_cast<float>(1 - beta2),
            static_cast<float>(std::sqrt(correction2)),
            static_cast<float>(eps),
            static_cast<float>(lr / correction1)};
  ck_parallel_for(count, grain, adamw_part, &job);
}

double ck_sum_squares(const float *x, size_t count) {
  const ck::Timed timed("gradient norm", 0, 4.0 * count);
  if (count == 0) return 0;
  SumSquares job;
  job.x = x;
  job.count = count;
  // Blocks depend on the count alone; threads only share them out.
  job.blocks = std::min(most_blocks, (count - 1) / grain + 1);
  ck_parallel_for(job.blocks, 1, sum_squares_part, &job);
  double sum = 0;
  for (size_t block = 0; block < job.blocks; ++block) sum += job.sums[block];
  return sum;
}

void ck_lerp(float *dst, const float *src, size_t count, float weight) {
  Lerp job{dst, src, weight};
  ck_parallel_for(count, grain, lerp_part, &job);
}
