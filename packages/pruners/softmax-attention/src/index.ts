/**
 * Softmax attention, one-shot: every block is multiplied by its attention, trained with the weights; the
 * blocks of most attention are kept.
 * Yasuda et al. 2023, arXiv 2209.14881, for features; Yasuda et al. 2024, arXiv 2402.17902 §3.1, for blocks.
 */
import {
  attention,
  attentionWeights,
  oneShot,
  softmaxAttention,
  type Importance,
  type Parameterisation,
  type Pruner,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

export interface AttentionParameters {
  /** The softmax temperature τ, above 0; 0.25 for unstructured pruning. */
  temperature?: number;
  /** Whether `A = G · softmax(L / τ)`, or `A = exp(L / τ)`. */
  normalised?: boolean;
  /**
   * The bounds that the attention is clipped to: `'density'` for [d, 1/d], a pair of one's own around 1, or
   * `'off'`.
   */
  clip?: 'density' | 'off' | readonly [low: number, high: number];
}

export interface SoftmaxAttentionSettings extends AttentionParameters {
  /** Share of training before the pruning, above 0 and under 1. */
  dense?: number;
}

/** `W_b = clip(A_b) · V_b`; the logits L start at zero, so that A = 1. */
export function attentionParameterisation({
  temperature = 1,
  normalised = true,
  clip = 'density',
}: AttentionParameters = {}): Parameterisation {
  assertClip(clip);
  const weights = normalised ? attentionWeights : unnormalisedWeights;
  return {
    ...softmaxAttention({ temperature }),
    name: normalised ? 'softmax attention' : 'unnormalised softmax attention',
    blockScale: (_raw, { logits }, { density }) => {
      const A = weights(logits as tf.Tensor2D, temperature);
      if (clip === 'off') return A;
      const [low, high] = clip === 'density' ? [density, 1 / density] : clip;
      return tf.clipByValue(A, low, high);
    },
  };
}

/** `A = exp(L / τ)`. */
function unnormalisedWeights(logits: tf.Tensor2D, temperature: number): tf.Tensor2D {
  return logits.div<tf.Tensor2D>(temperature).exp();
}

/** `log A = L / τ`: the order of the attention, without the ties that clipping or underflow would make. */
function unnormalisedAttention(temperature: number): Importance {
  return {
    name: 'unnormalised attention weight',
    score: ({ trainables: { logits } }) => (logits as tf.Tensor2D).div(temperature),
  };
}

export function softmaxAttentionPruning({
  temperature = 1,
  normalised = true,
  clip = 'density',
  dense = 0.5,
}: SoftmaxAttentionSettings = {}): Pruner {
  return {
    name: 'softmax-attention',
    description: 'One-shot: keep the blocks of most attention, trained with the weights, then fine-tune',
    source: 'Yasuda et al. 2023, arXiv 2209.14881; 2024, arXiv 2402.17902',
    settings: { temperature, normalised, clip, dense },
    parameterisation: attentionParameterisation({ temperature, normalised, clip }),
    importance: normalised ? attention({ temperature }) : unnormalisedAttention(temperature),
    search: oneShot({ dense }),
  };
}

function assertClip(clip: NonNullable<AttentionParameters['clip']>): void {
  if (clip === 'density' || clip === 'off') return;
  const [low, high] = clip;
  if (low >= 0 && low <= 1 && high >= 1 && Number.isFinite(high)) return;
  throw new RangeError(
    `The attention cannot be clipped to [${clip.join(', ')}]: it starts at 1, so 0 ≤ low ≤ 1 ≤ high < ∞`,
  );
}

export default softmaxAttentionPruning;
