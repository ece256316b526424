import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

import { blockSize } from '../../grid.js';
import { eachWeight } from '../../pattern-blocks.js';
import { opCase, type Arrays, type Definition, type OpCase } from '../../test-cases.js';
import { masks } from '../../test-support.js';
import type { TrainingMask } from '../../training-mask.js';
import { scaleByPower, scaleByThreshold, type NormsOf } from './index.js';

interface Scaled {
  readonly mask: TrainingMask;
  readonly of: NormsOf;
}

/** g, and its derivatives by the norm and by the threshold. */
interface Factor {
  readonly g: number;
  readonly byNorm: number;
  readonly byThreshold: number;
}

/**
 * `g(‖V_b‖) V_b`, its gradient `g dy + g' ⟨dy, V_b⟩ s V_b / ‖V_b‖`, `‖V_b‖² = s Σ V²` for s times the weights of a whole
 * block; and `Σ ∂g/∂t ⟨dy, V_b⟩`. Of weights, each is a block.
 */
function definitionOf(
  { mask, of }: Scaled,
  factorOf: (norm: number, inputs: Arrays) => Factor,
  isSmooth: (norm: number, inputs: Arrays) => boolean,
): Definition {
  const { grid, pattern } = mask;
  const whole = grid.blockShape[0] * grid.blockShape[1];
  /** Of a weight: what counts as its block. */
  const unitOf = (place: number, block: number) => (of === 'weights' ? place : block);
  const share = (block: number) => (of === 'weights' ? 1 : whole / blockSize(grid, block));
  const sums = (a: Float64Array, b: Float64Array) => {
    const sum = new Float64Array(a.length);
    eachWeight(pattern, (_, place, block) => (sum[unitOf(place, block)]! += a[place]! * b[place]!));
    return sum;
  };
  const each = (
    inputs: Arrays,
    visit: (place: number, unit: number, norm: number, ofBlock: number) => void,
  ) => {
    const squares = sums(inputs['matrix']!, inputs['matrix']!);
    eachWeight(pattern, (_, place, block) => {
      const unit = unitOf(place, block);
      visit(place, unit, Math.sqrt(squares[unit]! * share(block)), share(block));
    });
  };
  return {
    result: (inputs) => {
      const matrix = inputs['matrix']!;
      const [values, magnitudes] = [new Float64Array(matrix.length), new Float64Array(matrix.length)];
      each(inputs, (place, _, norm) => {
        const { g, byNorm } = factorOf(norm, inputs);
        values[place] = g * matrix[place]!;
        magnitudes[place] = (Math.abs(g) + Math.abs(byNorm) * norm) * Math.abs(matrix[place]!);
      });
      return { values, magnitudes };
    },
    gradients: (inputs, dy) => {
      const matrix = inputs['matrix']!;
      const dots = sums(dy, matrix);
      const sizes = sums(dy.map(Math.abs), matrix.map(Math.abs));
      const [values, magnitudes] = [new Float64Array(matrix.length), new Float64Array(matrix.length)];
      const counted = new Set<number>();
      let [byThreshold, size] = [0, 0];
      each(inputs, (place, unit, norm, ofBlock) => {
        const factor = factorOf(norm, inputs);
        const pull = (factor.byNorm * ofBlock) / norm;
        const [flow, weight] = [dy[place]!, matrix[place]!];
        values[place] = factor.g * flow + pull * dots[unit]! * weight;
        magnitudes[place] =
          4 * (1 + Math.abs(factor.g) + Math.abs(factor.byNorm) * norm) * Math.abs(flow) +
          4 * Math.abs(pull) * sizes[unit]! * Math.abs(weight);
        if (counted.has(unit)) return;
        counted.add(unit);
        byThreshold += factor.byThreshold * dots[unit]!;
        size += Math.abs(factor.byThreshold) * sizes[unit]!;
      });
      const ofMatrix = { matrix: { values, magnitudes } };
      if (!inputs['threshold']) return ofMatrix;
      const ofThreshold = {
        values: Float64Array.of(byThreshold),
        magnitudes: Float64Array.of(4 * size),
      };
      return { ...ofMatrix, threshold: ofThreshold };
    },
    isSmooth: (inputs) => {
      let smooth = true;
      each(inputs, (_place, _unit, norm) => (smooth &&= isSmooth(norm, inputs)));
      return () => smooth;
    },
  };
}

const of = fc.constantFrom<NormsOf>('blocks', 'weights');

interface Power extends Scaled {
  readonly power: number;
}

interface Threshold extends Scaled {
  readonly leak: number;
}

/** What is random is from −1 to 1; a threshold is from 0. */
const asThreshold = (value: number) => Math.abs(value);

export const cases: OpCase[] = [
  opCase<Power>({
    name: 'scaleByPower',
    settings: fc.record({ mask: masks, of, power: fc.constantFrom(0.5, 0.7, 1, 1.5, 2, 2.25, 3) }),
    shapes: ({ mask: { grid } }) => ({ matrix: grid.matrixShape }),
    resultShape: ({ mask: { grid } }) => grid.matrixShape,
    run: ({ matrix }, { mask, ...options }) => scaleByPower(matrix as tf.Tensor2D, mask, options),
    define: (own) =>
      definitionOf(
        own,
        (norm) => ({
          g: norm ** own.power,
          byNorm: own.power * norm ** (own.power - 1),
          byThreshold: 0,
        }),
        (norm) => norm > 1e-6,
      ),
    release: ({ mask }) => mask.dispose(),
  }),
  opCase<Threshold>({
    name: 'scaleByThreshold',
    settings: fc.record({ mask: masks, of, leak: fc.constantFrom(0, 1e-3, 0.2) }),
    shapes: ({ mask: { grid } }) => ({ matrix: grid.matrixShape, threshold: [] }),
    resultShape: ({ mask: { grid } }) => grid.matrixShape,
    run: ({ matrix, threshold }, { mask, ...options }) =>
      scaleByThreshold(matrix as tf.Tensor2D, threshold!.abs(), mask, options),
    define: (own) => {
      const definition = definitionOf(
        own,
        (norm, { threshold }) => {
          const t = asThreshold(threshold![0]!);
          return 1 - t / norm >= own.leak
            ? { g: 1 - t / norm, byNorm: t / norm ** 2, byThreshold: -1 / norm }
            : { g: own.leak, byNorm: 0, byThreshold: 0 };
        },
        (norm, { threshold }) => {
          const left = 1 - asThreshold(threshold![0]!) / norm;
          return norm > 1e-6 && Math.abs(left - own.leak) > 1e-4;
        },
      );
      return {
        ...definition,
        gradients: (inputs, dy) => {
          const { matrix, threshold } = definition.gradients(inputs, dy);
          const sign = Math.sign(inputs['threshold']![0]!);
          return {
            matrix: matrix!,
            threshold: { ...threshold!, values: threshold!.values.map((value) => sign * value) },
          };
        },
      };
    },
    release: ({ mask }) => mask.dispose(),
  }),
];
