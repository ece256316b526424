// A step of an optimiser in one pass, decay of the weights and all: by TensorFlow's own ops it is two or three. Results are new
// tensors; large ones are written past the caches, where they would push out what is read next.

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "op.h"

namespace {

using namespace espalier;

// Numbers that are computed at a time, in the first cache.
constexpr int64_t kPiece = 512;
// From here on a tensor is large.
constexpr int64_t kLarge = int64_t{1} << 18;

using Piece = float[kPiece];

// Each rule makes of some weights, of what is remembered of them, and of a gradient their new values. Its arithmetic is compiled
// once, for a step and for those that are caught up with: they are to come to the same bits.
#define ONCE __attribute__((noinline))

// w − η (g + λ w)
struct Sgd {
  static constexpr int kTensors = 1, kSettings = 2;
  const float rate, decay;
  explicit Sgd(const float* s) : rate(s[0]), decay(s[1]) {}

  ONCE void step(const float* const* old, const float* __restrict__ g, Piece* __restrict__ made, int64_t count) const {
    const float* __restrict__ w = old[0];
    for (int64_t i = 0; i < count; i++) made[0][i] = w[i] - rate * (g[i] + decay * w[i]);
  }
};

// v ← μ v + g + λ w; w − η v, or, by Nesterov, w − η (g + λ w + μ v)
struct Momentum {
  static constexpr int kTensors = 2, kSettings = 4;
  const float rate, momentum, decay, ahead;
  explicit Momentum(const float* s) : rate(s[0]), momentum(s[1]), decay(s[2]), ahead(s[3]) {}

  ONCE void step(const float* const* old, const float* __restrict__ g, Piece* __restrict__ made, int64_t count) const {
    const float *__restrict__ w = old[0], *__restrict__ v = old[1];
    if (ahead != 0) {
      for (int64_t i = 0; i < count; i++) {
        const float flow = g[i] + decay * w[i];
        made[1][i] = momentum * v[i] + flow;
        made[0][i] = w[i] - rate * (flow + momentum * made[1][i]);
      }
    } else {
      for (int64_t i = 0; i < count; i++) {
        made[1][i] = momentum * v[i] + (g[i] + decay * w[i]);
        made[0][i] = w[i] - rate * made[1][i];
      }
    }
  }
};

// m ← β₁ m + (1 − β₁) f, s ← β₂ s + (1 − β₂) f², of f = g + λ w; w − η m / (√s + ε), of η and ε that correct the bias
struct Adam {
  static constexpr int kTensors = 3, kSettings = 7;
  const float rate, beta1, rest1, beta2, rest2, epsilon, decay;
  explicit Adam(const float* s) : rate(s[0]), beta1(s[1]), rest1(s[2]), beta2(s[3]), rest2(s[4]), epsilon(s[5]), decay(s[6]) {}

  ONCE void step(const float* const* old, const float* __restrict__ g, Piece* __restrict__ made, int64_t count) const {
    const float *__restrict__ w = old[0], *__restrict__ m = old[1], *__restrict__ s = old[2];
    for (int64_t i = 0; i < count; i++) {
      const float flow = g[i] + decay * w[i];
      made[1][i] = beta1 * m[i] + rest1 * flow;
      made[2][i] = beta2 * s[i] + rest2 * flow * flow;
      made[0][i] = w[i] - rate * made[1][i] / (std::sqrt(made[2][i]) + epsilon);
    }
  }
};

// To where a piece of a tensor begins, which is a multiple of 16 bytes.
void writePast(float* to, const float* from, int64_t count) {
#if defined(__SSE2__)
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) _mm_stream_ps(to + i, _mm_loadu_ps(from + i));
  for (; i < count; i++) to[i] = from[i];
#else
  memcpy(to, from, sizeof(float) * count);
#endif
}

// The inputs are what the rule renews, the gradient and the settings; the outputs what it makes.
template <typename Rule>
void compute(void*, TF_OpKernelContext* context) {
  constexpr int kTensors = Rule::kTensors;
  Call call(context);
  const float* old[kTensors];
  for (int i = 0; i < kTensors; i++) old[i] = call.input<float>(i);
  const float* gradient = call.input<float>(kTensors);
  const float* settings = call.input<float>(kTensors + 1);
  if (!call.ok()) return;
  const int64_t size = call.size(0);
  for (int i = 1; i <= kTensors; i++)
    if (!call.require(call.size(i) == size, "the weight, its gradient and what is remembered of it are of one size")) return;
  if (!call.require(call.size(kTensors + 1) == Rule::kSettings, "the settings are of another rule")) return;
  float* made[kTensors];
  for (int i = 0; i < kTensors; i++) made[i] = call.output(i, call.shape(0));
  if (!call.ok()) return;
  const Rule rule(settings);
  const bool isLarge = size >= kLarge;
  inShares((size + kPiece - 1) / kPiece, (kTensors + 1) * kOfMemory * size, [&](Shares& shares) {
    Piece pieces[kTensors];
    for (int64_t first, last; shares.next(first, last);) {
      for (int64_t from = first * kPiece; from < std::min(size, last * kPiece); from += kPiece) {
        const int64_t count = std::min(kPiece, size - from);
        const float* here[kTensors];
        for (int i = 0; i < kTensors; i++) here[i] = old[i] + from;
        rule.step(here, gradient + from, pieces, count);
        for (int i = 0; i < kTensors; i++) {
          if (isLarge) writePast(made[i] + from, pieces[i], count);
          else memcpy(made[i] + from, pieces[i], sizeof(float) * count);
        }
      }
    }
#if defined(__SSE2__)
    _mm_sfence();
#endif
  });
}

// A step may leave a piece as it is, and then all that follow it under its settings do: that is looked for once in so many.
constexpr int64_t kBurst = 16;

// Steps without a gradient, all of a piece at a time, which stays in the first cache meanwhile. The inputs are what the rule
// renews, and the steps, [runs, 1 + settings]: how many with the same settings, and those.
template <typename Rule>
void catchUp(void*, TF_OpKernelContext* context) {
  constexpr int kTensors = Rule::kTensors, kWidth = 1 + Rule::kSettings;
  Call call(context);
  const float* old[kTensors];
  for (int i = 0; i < kTensors; i++) old[i] = call.input<float>(i);
  const float* runs = call.input<float>(kTensors);
  if (!call.ok()) return;
  const int64_t size = call.size(0), count = call.size(kTensors) / kWidth;
  for (int i = 1; i < kTensors; i++)
    if (!call.require(call.size(i) == size, "the weight and what is remembered of it are of one size")) return;
  if (!call.require(call.rank(kTensors) == 2 && call.dim(kTensors, 1) == kWidth, "the settings are of another rule")) return;
  float* made[kTensors];
  for (int i = 0; i < kTensors; i++) made[i] = call.output(i, call.shape(0));
  if (!call.ok()) return;
  double steps = 0;
  for (int64_t run = 0; run < count; run++) steps += runs[run * kWidth];
  inShares((size + kPiece - 1) / kPiece, kTensors * (kOfMemory + 2 * steps) * size, [&](Shares& shares) {
    Piece pieces[2][kTensors];
    const Piece zeros = {};
    for (int64_t first, last; shares.next(first, last);) {
      for (int64_t from = first * kPiece; from < std::min(size, last * kPiece); from += kPiece) {
        const int64_t length = std::min(kPiece, size - from);
        const size_t bytes = sizeof(float) * length;
        int now = 0;
        for (int i = 0; i < kTensors; i++) memcpy(pieces[now][i], old[i] + from, bytes);
        for (int64_t run = 0; run < count; run++) {
          const Rule rule(runs + run * kWidth + 1);
          const int64_t inRun = static_cast<int64_t>(runs[run * kWidth]);
          for (int64_t step = 1; step <= inRun; step++) {
            const float* here[kTensors];
            for (int i = 0; i < kTensors; i++) here[i] = pieces[now][i];
            rule.step(here, zeros, pieces[1 - now], length);
            now = 1 - now;
            if (step % kBurst != 1) continue;
            bool isSame = true;
            for (int i = 0; i < kTensors; i++) isSame = isSame && memcmp(pieces[0][i], pieces[1][i], bytes) == 0;
            if (isSame) break;
          }
        }
        for (int i = 0; i < kTensors; i++) memcpy(made[i] + from, pieces[now][i], bytes);
      }
    }
  });
}

struct Registration {
  Registration() {
    define("EspalierSgdUpdate", {"weight: float", "gradient: float", "settings: float"}, {"new_weight: float"}, {},
           nullptr, &compute<Sgd>, nullptr);
    define("EspalierMomentumUpdate", {"weight: float", "velocity: float", "gradient: float", "settings: float"},
           {"new_weight: float", "new_velocity: float"}, {}, nullptr, &compute<Momentum>, nullptr);
    define("EspalierAdamUpdate", {"weight: float", "first: float", "second: float", "gradient: float", "settings: float"},
           {"new_weight: float", "new_first: float", "new_second: float"}, {}, nullptr, &compute<Adam>, nullptr);
    define("EspalierSgdCatchUp", {"weight: float", "runs: float"}, {"new_weight: float"}, {}, nullptr, &catchUp<Sgd>, nullptr);
    define("EspalierMomentumCatchUp", {"weight: float", "velocity: float", "runs: float"}, {"new_weight: float", "new_velocity: float"}, {},
           nullptr, &catchUp<Momentum>, nullptr);
    define("EspalierAdamCatchUp", {"weight: float", "first: float", "second: float", "runs: float"},
           {"new_weight: float", "new_first: float", "new_second: float"}, {}, nullptr, &catchUp<Adam>, nullptr);
  }
} registration;

}  // namespace
