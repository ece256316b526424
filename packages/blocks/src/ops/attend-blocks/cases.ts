import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

import { eachWeight } from '../../pattern-blocks.js';
import { opCase, type Definition, type OpCase } from '../../test-cases.js';
import { masks } from '../../test-support.js';
import type { TrainingMask } from '../../training-mask.js';
import { plainAttention } from '../softmax-attention/cases.js';
import { UNCLIPPED, type AttentionAttributes } from '../softmax-attention/index.js';
import { attendBlocks } from './index.js';

interface Attended extends AttentionAttributes {
  readonly mask: TrainingMask;
}

const settings: fc.Arbitrary<Attended> = fc
  .record({
    mask: masks,
    normalised: fc.boolean(),
    temperature: fc.constantFrom(0.25, 1, 3),
    bounds: fc.constantFrom(UNCLIPPED, { minimum: 0.3, maximum: 2.5 }),
  })
  .map(({ bounds, ...rest }) => ({ ...rest, ...bounds }));

/**
 * With A the attention, B the bounds: `∂L/∂A_b = Σ dy V` over a kept block where A is within B, else 0; and
 * `∂A_b/∂L_c = A_b (δ_bc − A_c / G) / τ`, or, unnormalised, `A_b δ_bc / τ`.
 */
function definitionOf({ mask, ...attention }: Attended): Definition {
  const { pattern, grid } = mask;
  const { normalised, temperature, minimum, maximum } = attention;
  const within = (weight: number) => weight >= minimum && weight <= maximum;
  const clipped = (weight: number) => Math.min(Math.max(weight, minimum), maximum);
  const rounding = (logits: Float64Array) =>
    1 + (2 * logits.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 0)) / temperature;
  const scaled = (matrix: Float64Array, logits: Float64Array, raised = 1) => {
    const weights = plainAttention(logits, attention).map(clipped);
    const values = new Float64Array(matrix.length);
    eachWeight(pattern, (_, place, block) => (values[place] = matrix[place]! * weights[block]! * raised));
    return values;
  };
  const byLogits = (dots: Float64Array, weights: Float64Array, sign: 1 | -1) => {
    const flows = dots.map((dot, block) => (within(weights[block]!) ? dot : 0));
    const mean = normalised
      ? flows.reduce((sum, flow, block) => sum + flow * weights[block]!, 0) / grid.blocks
      : 0;
    return weights.map((weight, block) => (weight * (flows[block]! - sign * mean)) / temperature);
  };
  return {
    result: ({ matrix, logits }) => ({
      values: scaled(matrix!, logits!),
      magnitudes: scaled(matrix!.map(Math.abs), logits!, rounding(logits!)),
    }),
    gradients: ({ matrix, logits }, dy) => {
      const weights = plainAttention(logits!, attention);
      const [dots, sizes] = [new Float64Array(grid.blocks), new Float64Array(grid.blocks)];
      eachWeight(pattern, (_, place, block) => {
        dots[block]! += dy[place]! * matrix![place]!;
        sizes[block]! += Math.abs(dy[place]! * matrix![place]!);
      });
      return {
        matrix: {
          values: scaled(dy, logits!),
          magnitudes: scaled(dy.map(Math.abs), logits!, rounding(logits!)),
        },
        logits: {
          values: byLogits(dots, weights, 1),
          magnitudes: byLogits(sizes, weights, -1).map((size) => 2 * size * rounding(logits!)),
        },
      };
    },
    isSmooth: ({ logits }) => {
      const weights = plainAttention(logits!, attention);
      const smooth = [minimum, maximum].every((bound) =>
        weights.every((weight) => Math.abs(weight - bound) > 1e-3 * bound),
      );
      return () => smooth;
    },
  };
}

export const cases: OpCase[] = [
  opCase<Attended>({
    name: 'attendBlocks',
    settings,
    shapes: ({ mask: { grid } }) => ({ matrix: grid.matrixShape, logits: grid.gridShape }),
    resultShape: ({ mask: { grid } }) => grid.matrixShape,
    run: ({ matrix, logits }, { mask, ...attention }) =>
      attendBlocks(matrix as tf.Tensor2D, logits as tf.Tensor2D, mask, attention),
    define: definitionOf,
    release: ({ mask }) => mask.dispose(),
  }),
];
