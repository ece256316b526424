// Softmax attention on one number a block, and its gradient: by TensorFlow's own ops they are a dozen on few numbers.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "op.h"

namespace {

using namespace espalier;

struct Attention {
  static constexpr int kSettings = 4;
  const bool normalised;
  const float temperature, minimum, maximum;
  explicit Attention(const float* s) : normalised(s[0] != 0), temperature(s[1]), minimum(s[2]), maximum(s[3]) {}

  // A = G · softmax(logits / temperature) of G logits, or, not normalised, exp(logits / temperature): before it is clipped.
  // Normalised, equal logits give exactly 1, and a NaN makes all of them NaN.
  void weights(const float* logits, int64_t count, float* to) const {
    float largest = 0;
    if (normalised) {
      largest = -INFINITY;
      for (int64_t i = 0; i < count; i++) largest = std::max(largest, logits[i]);
    }
    double total = 0;
    for (int64_t i = 0; i < count; i++) {
      to[i] = std::exp((logits[i] - largest) / temperature);
      total += to[i];
    }
    if (!normalised) return;
    const float factor = static_cast<float>(count / total);
    for (int64_t i = 0; i < count; i++) to[i] *= factor;
  }

  float clipped(float weight) const { return std::min(std::max(weight, minimum), maximum); }
  bool passes(float weight) const { return weight >= minimum && weight <= maximum; }

  // Makes of the weights, before they are clipped, A · (g - mean of A · g) / temperature, of g = dy where A is within the bounds,
  // else 0; not normalised, A · g / temperature. A weight of 0 has none, whatever its block held.
  void gradient(const float* dy, int64_t count, float* weights) const {
    double total = 0;
    if (normalised)
      for (int64_t i = 0; i < count; i++)
        if (weights[i] != 0 && passes(weights[i])) total += static_cast<double>(weights[i]) * dy[i];
    const float mean = count > 0 ? static_cast<float>(total / count) : 0;
    for (int64_t i = 0; i < count; i++) {
      if (weights[i] == 0) continue;
      const float flow = passes(weights[i]) ? dy[i] : 0;
      // Unnormalised it may be infinite, and times zero it would be NaN.
      const float factor = normalised ? weights[i] : std::min(weights[i], maximum);
      weights[i] = factor * (flow - mean) / temperature;
    }
  }
};

constexpr const char* kSettingsWanted = "the settings of the attention are four";

void compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  const float *logits = call.input<float>(0), *settings = call.input<float>(1);
  if (!call.ok() || !call.require(call.size(1) == Attention::kSettings, kSettingsWanted)) return;
  float* out = call.output(0, call.shape(0));
  if (!out) return;
  const Attention attention(settings);
  attention.weights(logits, call.size(0), out);
  for (int64_t i = 0; i < call.size(0); i++) out[i] = attention.clipped(out[i]);
}

void computeGradient(void*, TF_OpKernelContext* context) {
  Call call(context);
  const float *dy = call.input<float>(0), *logits = call.input<float>(1), *settings = call.input<float>(2);
  if (!call.ok() || !call.require(call.size(2) == Attention::kSettings, kSettingsWanted)) return;
  if (!call.require(call.size(0) == call.size(1), "there is to be a gradient for each logit")) return;
  float* out = call.output(0, call.shape(1));
  if (!out) return;
  const Attention attention(settings);
  attention.weights(logits, call.size(1), out);
  attention.gradient(dy, call.size(1), out);
}

struct Registration {
  Registration() {
    define("EspalierAttention", {"logits: float", "settings: float"}, {"weights: float"}, {}, nullptr, &compute, nullptr);
    define("EspalierAttentionGrad", {"dy: float", "logits: float", "settings: float"}, {"by_logits: float"}, {}, nullptr, &computeGradient,
           nullptr);
  }
} registration;

}  // namespace
