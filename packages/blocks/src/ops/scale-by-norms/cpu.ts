/** Blocks scaled by a function of their own norm, or weights by one of their own size, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { blockSize } from '../../grid.js';
import { SQUARED_NORM_FLOOR, ZERO_NORM } from '../../norm-floor.js';
import { eachWeight } from '../../pattern-blocks.js';
import type { MaskAttribute } from '../../training-mask.js';
import type { NormsOf, PowerAttributes, ThresholdAttributes } from './index.js';

type Inputs<Names extends string> = Readonly<Record<Names, CpuTensor>>;
type Attributes = MaskAttribute & { readonly of: NormsOf };

/** Of a norm x, or a size: the factor g; x g', which is finite where x is not 0; and by what x g changes with the threshold. */
interface Shape {
  factor(norm: number): number;
  pull(norm: number): number;
  byThreshold(norm: number): number;
}

const ofPower = ({ power, of }: PowerAttributes): Shape => {
  const isZero = (norm: number) => of === 'blocks' && norm <= ZERO_NORM;
  return {
    factor: (norm) => (isZero(norm) ? 0 : norm ** power),
    pull: (norm) => (isZero(norm) ? 0 : power * norm ** power),
    byThreshold: () => 0,
  };
};

const ofThreshold = (threshold: number, { leak, of }: ThresholdAttributes): Shape => {
  // As it is written: of a weight, without the division.
  const passes = (norm: number) =>
    of === 'weights' ? norm - threshold >= leak * norm : 1 - threshold / norm >= leak;
  return {
    // The larger of both, so that NaN stays NaN.
    factor: (norm) => (norm === 0 ? (passes(norm) ? 1 : leak) : Math.max(1 - threshold / norm, leak)),
    pull: (norm) => (passes(norm) && norm !== 0 ? threshold / norm : 0),
    byThreshold: (norm) => (passes(norm) ? -1 : 0),
  };
};

function scaled({ matrix }: Inputs<'matrix'>, attributes: Attributes, { factor }: Shape): CpuTensor {
  const values = new Float32Array(matrix.values.length);
  const norms = normsOf(matrix, attributes);
  eachWeight(attributes.mask.pattern, (value, place, block) => {
    values[place] = factor(norms(value, block)) * matrix.values[place]!;
  });
  return { shape: matrix.shape, values };
}

function gradients(
  { dy, matrix }: Inputs<'dy' | 'matrix'>,
  attributes: Attributes,
  { factor, pull, byThreshold }: Shape,
): { readonly dMatrix: CpuTensor; readonly dThreshold: CpuTensor } {
  const { pattern, grid } = attributes.mask;
  const norms = normsOf(matrix, attributes);
  const ofBlocks = attributes.of === 'blocks';
  const dots = new Float64Array(grid.blocks);
  eachWeight(pattern, (_, place, block) => (dots[block]! += dy.values[place]! * matrix.values[place]!));
  const values = new Float32Array(matrix.values.length);
  const counted = new Set<number>();
  let total = 0;
  eachWeight(pattern, (value, place, block) => {
    const [weight, flow, norm] = [matrix.values[place]!, dy.values[place]!, norms(value, block)];
    if (!ofBlocks) {
      values[place] = (factor(norm) + pull(norm)) * flow;
      // The sign of zero counts as −1, as in the composition.
      total += byThreshold(norm) * (weight > 0 ? flow : -flow);
      return;
    }
    const by = norm <= ZERO_NORM ? 0 : (pull(norm) * dots[block]!) / norm ** 2;
    values[place] = factor(norm) * flow + by * shareOf(attributes, block) * weight;
    if (counted.has(block)) return;
    counted.add(block);
    total += (byThreshold(norm) * dots[block]!) / norm;
  });
  return {
    dMatrix: { shape: matrix.shape, values },
    dThreshold: { shape: [], values: Float32Array.of(total) },
  };
}

/** The norm that a weight counts by: that of its block as if it were whole, or its own. */
function normsOf({ values }: CpuTensor, attributes: Attributes): (value: number, block: number) => number {
  const { pattern, grid } = attributes.mask;
  const sizes = new Float64Array(pattern.size);
  const squares = new Float64Array(grid.blocks);
  eachWeight(pattern, (value, place, block) => {
    sizes[value] = Math.abs(values[place]!);
    squares[block]! += values[place]! ** 2;
  });
  if (attributes.of === 'weights') return (value) => sizes[value]!;
  const norms = squares.map((sum, block) =>
    Math.sqrt(Math.max(sum * shareOf(attributes, block), SQUARED_NORM_FLOOR)),
  );
  return (_, block) => norms[block]!;
}

/** How many times as large as this block a whole one is; 1 of weights. */
function shareOf({ mask: { grid }, of }: Attributes, block: number): number {
  if (of === 'weights') return 1;
  return (grid.blockShape[0] * grid.blockShape[1]) / blockSize(grid, block);
}

type WithThreshold = 'matrix' | 'threshold';

export const kernels = {
  ScaleByPower: (inputs: Inputs<'matrix'>, attributes: PowerAttributes) =>
    scaled(inputs, attributes, ofPower(attributes)),
  ScaleByPowerGrad: (inputs: Inputs<'dy' | 'matrix'>, attributes: PowerAttributes) =>
    gradients(inputs, attributes, ofPower(attributes)).dMatrix,
  ScaleByThreshold: (inputs: Inputs<WithThreshold>, attributes: ThresholdAttributes) =>
    scaled(inputs, attributes, ofThreshold(inputs.threshold.values[0]!, attributes)),
  ScaleByThresholdGrad: (inputs: Inputs<'dy' | WithThreshold>, attributes: ThresholdAttributes) => {
    const shape = ofThreshold(inputs.threshold.values[0]!, attributes);
    const { dMatrix, dThreshold } = gradients(inputs, attributes, shape);
    return [dMatrix, dThreshold];
  },
};
