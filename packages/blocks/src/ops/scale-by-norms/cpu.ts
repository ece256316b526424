/** Blocks scaled by a function of their own norm, or weights by one of their own size, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { blockSize } from '../../grid.js';
import { eachWeight } from '../../pattern-blocks.js';
import type { MaskAttribute } from '../../training-mask.js';
import type { NormsOf, PowerAttributes, ThresholdAttributes } from './index.js';

type Inputs<Names extends string> = Readonly<Record<Names, CpuTensor>>;
type Attributes = MaskAttribute & { readonly of: NormsOf };

/** Of a norm, or a size: the factor g; its slope g'; and by what it changes with the threshold. */
interface Shape {
  factor(norm: number): number;
  slope(norm: number): number;
  byThreshold(norm: number): number;
}

const SQUARE_FLOOR = 1e-30;
const ZERO_NORM = 2e-15;

const ofPower = ({ power, of }: PowerAttributes): Shape => {
  const isZero = (norm: number) => of === 'blocks' && norm <= ZERO_NORM;
  return {
    factor: (norm) => (isZero(norm) ? 0 : norm ** power),
    slope: (norm) => (isZero(norm) || norm === 0 ? 0 : power * norm ** (power - 1)),
    byThreshold: () => 0,
  };
};

const ofThreshold = (threshold: number, { leak, of }: ThresholdAttributes): Shape => {
  // As it is written: of a weight, without the division.
  const passes = (norm: number) =>
    of === 'weights' ? norm - threshold >= leak * norm : 1 - threshold / norm >= leak;
  return {
    factor: (norm) => (passes(norm) ? (norm === 0 ? 1 : 1 - threshold / norm) : leak),
    slope: (norm) => (passes(norm) && norm !== 0 ? threshold / norm ** 2 : 0),
    byThreshold: (norm) => (passes(norm) ? -1 / norm : 0),
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
  { factor, slope, byThreshold }: Shape,
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
    const dot = ofBlocks ? dots[block]! : flow * weight;
    const by = norm === 0 || (ofBlocks && norm <= ZERO_NORM) ? 0 : (slope(norm) * dot) / norm;
    values[place] = factor(norm) * flow + by * shareOf(attributes, block) * weight;
    if (ofBlocks && counted.has(block)) return;
    counted.add(block);
    // Of a weight of zero, 0 / 0: the sign of zero counts as 1.
    total += norm === 0 ? byThreshold(1) * flow : byThreshold(norm) * dot;
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
    Math.sqrt(Math.max(sum * shareOf(attributes, block), SQUARE_FLOOR)),
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
