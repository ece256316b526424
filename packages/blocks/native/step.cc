// 1 of what is above 0, alpha of what is not, and NaN of NaN: what tfjs makes the gradient of ReLU of, and TensorFlow lacks.

#include <cstdint>

#include "op.h"

namespace {

using namespace espalier;

// By masks of whole vectors: a branch on numbers of either sign is mostly foreseen wrongly.
typedef float Four __attribute__((vector_size(16), aligned(4)));

Four stepOf(Four x, float alpha) {
  const Four zero = {}, one = zero + 1.f, below = zero + alpha;
  const Four known = x > zero ? one : below;
  return x == x ? known : x;
}

void* create(TF_OpKernelConstruction* construction) {
  auto* alpha = new float(0);
  Status status;
  TF_OpKernelConstruction_GetAttrFloat(construction, "alpha", alpha, status.status);
  return alpha;
}

void destroy(void* kernel) { delete static_cast<float*>(kernel); }

void compute(void* kernel, TF_OpKernelContext* context) {
  const float alpha = *static_cast<float*>(kernel);
  Call call(context);
  const float* __restrict__ x = call.input<float>(0);
  if (!call.ok()) return;
  float* __restrict__ out = call.output(0, call.shape(0));
  if (!out) return;
  inShares(call.size(0), 2 * kOfMemory * call.size(0), [&](Shares& shares) {
    for (int64_t from, to; shares.next(from, to);) {
      int64_t i = from;
      for (; i + 4 <= to; i += 4) *reinterpret_cast<Four*>(out + i) = stepOf(*reinterpret_cast<const Four*>(x + i), alpha);
      for (; i < to; i++) out[i] = stepOf(Four{x[i]}, alpha)[0];
    }
  });
}

struct Registration {
  Registration() { define("EspalierStep", {"x: float"}, {"step: float"}, {"alpha: float = 0.0"}, &create, &compute, &destroy); }
} registration;

}  // namespace
