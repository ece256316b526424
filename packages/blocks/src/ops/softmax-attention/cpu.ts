/** Softmax attention, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import type { AttentionAttributes } from './index.js';

type Inputs<Names extends string> = Readonly<Record<Names, CpuTensor>>;

/** logits of any shape → attention of the same. */
function softmaxAttention({ logits }: Inputs<'logits'>, attributes: AttentionAttributes): CpuTensor {
  const { minimum, maximum } = attributes;
  const values = Float32Array.from(unclipped(logits.values, attributes), (weight) =>
    Math.min(Math.max(weight, minimum), maximum),
  );
  return { shape: logits.shape, values };
}

/** dy and the logits → the gradient by the logits. */
function softmaxAttentionGrad(
  { dy, logits }: Inputs<'dy' | 'logits'>,
  attributes: AttentionAttributes,
): CpuTensor {
  const { normalised, temperature, minimum, maximum } = attributes;
  const weights = unclipped(logits.values, attributes);
  const g = weights.map((weight, i) => (weight >= minimum && weight <= maximum ? dy.values[i]! : 0));
  const sum = weights.reduce((total, weight, i) => total + weight * g[i]!, 0);
  const mean = normalised ? sum / weights.length : 0;
  // An unnormalised weight may overflow: ∞ · 0 would be NaN.
  const factor = (weight: number) => (normalised ? weight : Math.min(weight, maximum));
  const gradient = (weight: number, i: number) => (factor(weight) * (g[i]! - mean)) / temperature;
  return { shape: logits.shape, values: Float32Array.from(weights, gradient) };
}

/** `G · e_b / Σ e`, e relative to the largest logit; or `exp(L / τ)`. */
function unclipped(logits: Float32Array, { normalised, temperature }: AttentionAttributes): Float64Array {
  const origin = normalised ? logits.reduce((a, b) => Math.max(a, b), -Infinity) : 0;
  const powers = Float64Array.from(logits, (logit) => Math.exp((logit - origin) / temperature));
  if (!normalised) return powers;
  // Divided by the mean: equal logits give exactly 1.
  const mean = powers.reduce((sum, power) => sum + power, 0) / powers.length;
  return powers.map((power) => power / mean);
}

export const kernels = { SoftmaxAttention: softmaxAttention, SoftmaxAttentionGrad: softmaxAttentionGrad };
