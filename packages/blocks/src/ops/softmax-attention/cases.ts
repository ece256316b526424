import fc from 'fast-check';

import { opCase, type Arrays, type Definition, type OpCase } from '../../test-cases.js';
import { attentionWeights, UNCLIPPED, type AttentionAttributes } from './index.js';

interface Attention extends AttentionAttributes {
  readonly shape: readonly number[];
}

const side = fc.integer({ min: 1, max: 9 });

const attentions = (normalised: boolean): fc.Arbitrary<Attention> =>
  fc
    .record({
      shape: fc.oneof(
        fc.integer({ min: 0, max: 70 }).map((size) => [size]),
        fc.tuple(side, side),
      ),
      temperature: fc.constantFrom(0.25, 1, 3),
      bounds: fc.constantFrom(UNCLIPPED, { minimum: 0.3, maximum: 2.5 }),
    })
    .map(({ shape, temperature, bounds }) => ({ shape, normalised, temperature, ...bounds }));

/** G · softmax(L / τ), or exp(L / τ), in double precision, before it is clipped. */
export function plainAttention(
  logits: Float64Array,
  { normalised, temperature }: Pick<AttentionAttributes, 'normalised' | 'temperature'>,
): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const relativeTo = normalised ? largest : 0;
  const powers = logits.map((logit) => Math.exp((logit - relativeTo) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return normalised ? powers.map((power) => (power / total) * logits.length) : powers;
}

/** Gradients by central differences, of which double precision leaves ten digits. */
function definitionOf(own: Attention): Definition {
  const { temperature, minimum, maximum } = own;
  const result = (logits: Float64Array) =>
    plainAttention(logits, own).map((weight) => Math.min(Math.max(weight, minimum), maximum));
  /** exp multiplies the rounding of what it is given by as much as that is. */
  const rounding = (logits: Float64Array) =>
    1 + (2 * logits.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 0)) / temperature;
  return {
    result: ({ logits }) => {
      const values = result(logits!);
      return { values, magnitudes: values.map((value) => value * rounding(logits!)) };
    },
    gradients: ({ logits }, dy) => {
      const loss = (moved: Float64Array) =>
        result(moved).reduce((sum, weight, at) => sum + weight * dy[at]!, 0);
      const step = 1e-5 * temperature;
      const values = logits!.map((_, at) => {
        const by = (shift: number) => logits!.map((logit, i) => (i === at ? logit + shift : logit));
        return (loss(by(step)) - loss(by(-step))) / (2 * step);
      });
      const weights = plainAttention(logits!, own);
      const magnitudes = weights.map((weight) => ((1 + weight) * rounding(logits!)) / temperature);
      return { logits: { values, magnitudes } };
    },
    isSmooth: ({ logits }: Arrays) => {
      const weights = plainAttention(logits!, own);
      return (at) => [minimum, maximum].every((bound) => Math.abs(weights[at]! - bound) > 1e-3 * bound);
    },
  };
}

const attention = (normalised: boolean) =>
  opCase<Attention>({
    name: `attentionWeights, ${normalised ? 'normalised' : 'unnormalised'}`,
    settings: attentions(normalised),
    shapes: ({ shape }) => ({ logits: shape }),
    resultShape: ({ shape }) => shape,
    run: ({ logits }, { shape: _shape, ...options }) => attentionWeights(logits!, options),
    define: definitionOf,
  });

export const cases: OpCase[] = [attention(true), attention(false)];
