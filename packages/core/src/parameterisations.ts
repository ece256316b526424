/** The parameterisations that more than one strategy uses. */
import { assertTemperature, attentionWeights, UNCLIPPED } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { Parameterisation, PrunedKernel, Trainables } from './pruner.js';

/** The optimiser trains the weight itself. */
export const identity: Parameterisation = { name: 'identity' };

/** How softmax attention makes a weight of each logit. */
export interface AttentionParameters {
  /** The softmax temperature τ, above 0; 0.25 for unstructured pruning, 1 when absent. */
  readonly temperature?: number;
  /** Whether `A = G · softmax(L / τ)`, as when absent, or `A = exp(L / τ)`. */
  readonly normalised?: boolean;
  /**
   * The bounds that the attention is clipped to: `'density'` for `[d, 1/d]`, as when absent, a pair of one's own around
   * 1, or `'off'`.
   */
  readonly clip?: 'density' | 'off' | readonly [low: number, high: number];
}

/**
 * `W_b = A_b · V_b`, with the attention clipped, to `[d, 1/d]` in the paper (arXiv 2402.17902 §3.1 and §4.1; Yasuda et
 * al., arXiv 2209.14881). The logits start at zero, so that `A = 1`.
 *
 * @throws RangeError for a temperature that is not above 0, or bounds that 1 is not between
 */
export function softmaxAttention({
  temperature = 1,
  normalised = true,
  clip = 'density',
}: AttentionParameters = {}): Parameterisation {
  assertTemperature(temperature);
  assertClip(clip);
  return {
    name: normalised ? 'softmax attention' : 'unnormalised softmax attention',
    trainables: ({ grid }: PrunedKernel): Trainables => ({ logits: tf.zeros([...grid.gridShape]) }),
    blockScale: (_raw, { logits }, { density }) =>
      attentionWeights(logits as tf.Tensor2D, { normalised, temperature, ...boundsOf(clip, density) }),
  };
}

function boundsOf(clip: NonNullable<AttentionParameters['clip']>, density: number) {
  if (clip === 'off') return UNCLIPPED;
  const [minimum, maximum] = clip === 'density' ? [density, 1 / density] : clip;
  return { minimum, maximum };
}

function assertClip(clip: NonNullable<AttentionParameters['clip']>): void {
  if (clip === 'density' || clip === 'off') return;
  const [low, high] = clip;
  if (low >= 0 && low <= 1 && high >= 1 && Number.isFinite(high)) return;
  throw new RangeError(
    `The attention cannot be clipped to [${clip.join(', ')}]: it starts at 1, so 0 ≤ low ≤ 1 ≤ high < ∞`,
  );
}
