/** The parameterisations that more than one strategy uses. */
import {
  assertOptions,
  attendBlocks,
  attentionWeights,
  numberIn,
  trueOrFalse,
  UNCLIPPED,
  type Expected,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { aTravel, travel } from './learning-rates.js';
import { inOnePass } from './one-pass.js';
import type { Parameterisation, PrunedKernel, Trainables } from './pruner.js';
import './one-core.js';

/** What a softmax temperature τ is to be, as an argument. */
export const aTemperature = numberIn('(0, ∞)', 'a softmax temperature τ');

/** The optimiser trains the weight itself. */
export const identity: Parameterisation = { name: 'identity' };

/** How softmax attention makes a weight of each logit, and how these are trained. */
export interface AttentionParameters {
  /**
   * How far the logits go in a run, in units of `ln(1/d)`, above 0: `travel`, of which see; 8 when absent. `'optimizer'`,
   * as in the paper: the optimiser trains them as it does the weights.
   */
  readonly travel?: number | 'optimizer';
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
 * @throws RangeError or TypeError for a parameter that is not what it is to be, or bounds that 1 is not between
 */
export function softmaxAttention(parameters: AttentionParameters = {}): Parameterisation {
  assertOptions('softmaxAttention()', parameters, {
    temperature: aTemperature,
    normalised: trueOrFalse,
    clip: aClip,
    travel: aTravelOrOptimizer,
  });
  const { temperature = 1, normalised = true, clip = 'density', travel: distance = 8 } = parameters;
  assertBounds(clip);
  const attributes = (density: number) => ({ normalised, temperature, ...boundsOf(clip, density) });
  return {
    name: normalised ? 'softmax attention' : 'unnormalised softmax attention',
    trainables: ({ grid }: PrunedKernel): Trainables => ({ logits: tf.zeros([...grid.gridShape]) }),
    ...(distance !== 'optimizer' && { learningRates: { logits: travel(distance) } }),
    blockScale: inOnePass(
      (_raw, { logits }, { density }) => attentionWeights(logits as tf.Tensor2D, attributes(density)),
      (raw, { logits }, { density }, mask) =>
        attendBlocks(raw, logits as tf.Tensor2D, mask, attributes(density)),
    ),
  };
}

function boundsOf(clip: NonNullable<AttentionParameters['clip']>, density: number) {
  if (clip === 'off') return UNCLIPPED;
  const [minimum, maximum] = clip === 'density' ? [density, 1 / density] : clip;
  return { minimum, maximum };
}

/** What `travel` is to be, as an argument. */
const aTravelOrOptimizer: Expected = {
  type: 'number',
  holds: (value) => value === 'optimizer' || aTravel.holds(value),
  words: `${aTravel.words}, or 'optimizer'`,
};

/** What `clip` is to be, as an argument. */
export const aClip: Expected = {
  type: 'string',
  holds: (value) =>
    value === 'density' ||
    value === 'off' ||
    (Array.isArray(value) && value.length === 2 && value.every((bound) => typeof bound === 'number')),
  words: "'density', 'off' or a pair of bounds, [low, high]",
};

function assertBounds(clip: NonNullable<AttentionParameters['clip']>): void {
  if (typeof clip === 'string') return;
  const [low, high] = clip;
  if (low >= 0 && low <= 1 && high >= 1 && Number.isFinite(high)) return;
  throw new RangeError(
    `The attention cannot be clipped to [${clip.join(', ')}]: it starts at 1, so 0 ≤ low ≤ 1 ≤ high < ∞`,
  );
}
