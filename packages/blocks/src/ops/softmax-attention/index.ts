/**
 * Softmax attention over the blocks of a matrix: a weight for each, from a logit for each, and its gradient. A handful
 * of small ops of tfjs, forward and back, takes longer in JavaScript than in arithmetic.
 */
import * as tf from '@tensorflow/tfjs';

import { assertChoice, assertIsTensor, assertTensor } from '../../assert-tensor.js';
import { describeValue } from '../../describe-value.js';
import { assertKnownOptions } from '../../known-options.js';
import { areGradientsDifferentiated, defineOperation } from '../../operation.js';

/** What the kernels receive beside the logits. */
export interface AttentionAttributes {
  /** `A = G · softmax(L / τ)` over all `G` logits, mean 1; or, unnormalised, `A = exp(L / τ)`. */
  readonly normalised: boolean;
  /** τ, above 0. */
  readonly temperature: number;
  /** The bounds that A is clipped to. Through what is clipped passes no gradient. */
  readonly minimum: number;
  readonly maximum: number;
}

const ATTRIBUTES: readonly (keyof AttentionAttributes)[] = [
  'normalised',
  'temperature',
  'minimum',
  'maximum',
];

/** Bounds that clip nothing: attention is above 0, and every number of single precision below. */
export const UNCLIPPED = { minimum: 0, maximum: 3.4e38 } as const;

/**
 * `A = G · softmax(L / τ)`, or `exp(L / τ)`, clipped (arXiv 2402.17902 §3.1 and §4.1). Equal logits have a normalised
 * attention of exactly 1.
 *
 * @param logits of any shape, float32
 * @returns the attention, in the logits' shape
 * @throws RangeError for logits of another type, and for attributes out of range
 */
export function attentionWeights<T extends tf.Tensor>(
  logits: T,
  attributes: Partial<AttentionAttributes> = {},
): T {
  const checked = checkedAttention(attributes, 'attentionWeights()');
  assertIsTensor(logits, 'logits');
  assertTensor(logits, logits.shape, 'logits', 'attention');
  return attention({ logits }, checked) as tf.Tensor as T;
}

/**
 * What is left out of the attributes filled in.
 *
 * @throws RangeError, TypeError for one that is out of range, or that there is not
 */
export function checkedAttention(attributes: Partial<AttentionAttributes>, of: string): AttentionAttributes {
  assertKnownOptions(attributes, ATTRIBUTES, of);
  const { normalised = true, temperature = 1, minimum, maximum } = { ...UNCLIPPED, ...attributes };
  assertChoice(normalised, [true, false], 'normalised');
  assertTemperature(temperature);
  if (typeof minimum !== 'number' || typeof maximum !== 'number' || !(minimum >= 0 && minimum <= maximum)) {
    throw new RangeError(
      `The attention cannot be clipped to [${describeValue(minimum)}, ${describeValue(maximum)}]: the bounds are 0 ≤ low ≤ high`,
    );
  }
  return { normalised, temperature, minimum, maximum };
}

/** @throws RangeError unless the temperature is finite and above 0 */
export function assertTemperature(temperature: number): void {
  if (temperature > 0 && Number.isFinite(temperature)) return;
  throw new RangeError(
    `The softmax temperature τ = ${describeValue(temperature)} is not a finite number above 0`,
  );
}

/**
 * The attention before it is clipped.
 *
 * Equal logits give exactly 1: they are divided by `1 / G`, which is what the softmax makes of them, as the product
 * `G · (1 / G)` is one unit in the last place off for every seventh `G`.
 */
function unclipped(logits: tf.Tensor, { normalised, temperature }: AttentionAttributes): tf.Tensor {
  const scaled = logits.div(temperature);
  // Of no logits, tfjs' softmax on webgpu divides by none.
  if (!normalised || logits.size === 0) return scaled.exp();
  return scaled
    .flatten()
    .softmax()
    .div(1 / logits.size)
    .reshape(logits.shape);
}

/**
 * `∂/∂L = A · (g − mean(A · g)) / τ`, or, unnormalised, `A · g / τ`; g is the gradient by the clipped `A` where it is
 * not clipped, else 0.
 */
function composedGradient(dy: tf.Tensor, logits: tf.Tensor, attributes: AttentionAttributes): tf.Tensor {
  const { normalised, temperature, minimum, maximum } = attributes;
  const weights = unclipped(logits, attributes);
  // A constant: tfjs has no gradient of these, which a second derivative would ask for.
  const within = tf.customGrad((x) => ({
    value: (x as tf.Tensor).greaterEqual(minimum).logicalAnd((x as tf.Tensor).lessEqual(maximum)),
    gradFunc: () => tf.zerosLike(weights),
  }))(weights);
  const g = dy.where(within, tf.zerosLike(dy));
  if (normalised && logits.size > 0) return weights.mul(g.sub(weights.mul(g).mean())).div(temperature);
  // An exponential may overflow: ∞ · 0 would be NaN.
  return weights.minimum(maximum).mul(g).div(temperature);
}

const attention = defineOperation<AttentionAttributes>({
  name: 'SoftmaxAttention',
  inputsToSave: ['logits'],
  composed: ({ logits }, attributes) =>
    tf.clipByValue(unclipped(logits!, attributes), attributes.minimum, attributes.maximum),
  gradient: (dy, [logits], attributes) => ({ logits: () => attentionGradient(dy, logits!, attributes) }),
});

/** The gradient by the logits; differentiable where gradients are differentiated. */
export function attentionGradient(
  dy: tf.Tensor,
  logits: tf.Tensor,
  attributes: AttentionAttributes,
): tf.Tensor {
  return areGradientsDifferentiated()
    ? composedGradient(dy, logits, attributes)
    : fusedGradient({ dy, logits }, attributes);
}

const fusedGradient = defineOperation<AttentionAttributes>({
  name: 'SoftmaxAttentionGrad',
  composed: ({ dy, logits }, attributes) => composedGradient(dy!, logits!, attributes),
});
