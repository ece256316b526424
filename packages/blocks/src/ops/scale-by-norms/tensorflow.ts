/** Blocks scaled by a function of their own norm, or weights by one of their own size, over what is kept. */
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { add, divide, multiply, reshape, subtract, sum } from '../../backends/tensorflow/ops.js';
import {
  hasNativeKernels,
  nativeScaleByNorms,
  nativeScaleByNormsGradient,
} from '../../backends/tensorflow/native.js';
import { keptBlocks, keptRegion, type Region } from '../../backends/tensorflow/region.js';
import { blockSize, type BlockGrid } from '../../grid.js';
import { SQUARED_NORM_FLOOR, ZERO_NORM } from '../../norm-floor.js';
import type { MaskAttribute } from '../../training-mask.js';
import type { NormsOf, PowerAttributes, ThresholdAttributes } from './index.js';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;

/** matrix `[n, m]` → `[n, m]`. */
function scaleByPower(run: TensorflowRun, { matrix }: Inputs<'matrix'>, attributes: PowerAttributes): Handle {
  const { mask, of, power } = attributes;
  if (isForNative(run, attributes)) {
    return nativeScaleByNorms(run, matrix, keptBlocks(run, mask), { power }, mask.grid);
  }
  const region = keptRegion(run, mask);
  const raw = region.take(matrix);
  if (of === 'weights') {
    return ofWeights(region, multiply(run, raw, powerOf(run, run.op('Abs', [raw]), power)));
  }
  const factors = powerOfNorms(run, normsOf(run, raw, region, mask.grid), power);
  return region.put(region.scaled(raw, factors));
}

/** dy, matrix `[n, m]` → `[n, m]`. */
function scaleByPowerGrad(
  run: TensorflowRun,
  { dy, matrix }: Inputs<'dy' | 'matrix'>,
  attributes: PowerAttributes,
): Handle {
  const { mask, of, power } = attributes;
  if (isForNative(run, attributes)) {
    const kept = keptBlocks(run, mask);
    return nativeScaleByNormsGradient(run, { dy, matrix }, kept, { power }, mask.grid)[0];
  }
  const region = keptRegion(run, mask);
  const [flow, raw] = [region.take(dy), region.take(matrix)];
  if (of === 'weights') {
    const slope = multiply(run, powerOf(run, run.op('Abs', [raw]), power), run.floats([power + 1]));
    return ofWeights(region, multiply(run, flow, slope));
  }
  const norms = normsOf(run, raw, region, mask.grid);
  const factors = powerOfNorms(run, norms, power);
  const pulls = multiply(run, factors, run.floats([power]));
  const dots = region.dots(flow, raw);
  return byNorms(run, region, mask.grid, { flow, raw, factors, pulls, norms, dots });
}

/** matrix `[n, m]`, threshold `[]` → `[n, m]`. */
function scaleByThreshold(
  run: TensorflowRun,
  { matrix, threshold }: Inputs<'matrix' | 'threshold'>,
  attributes: ThresholdAttributes,
): Handle {
  const { mask, of, leak } = attributes;
  if (isForNative(run, attributes)) {
    return nativeScaleByNorms(run, matrix, keptBlocks(run, mask), { threshold, leak }, mask.grid);
  }
  const region = keptRegion(run, mask);
  const raw = region.take(matrix);
  if (of === 'blocks') {
    const norms = normsOf(run, raw, region, mask.grid);
    return region.put(region.scaled(raw, atLeast(run, leftOf(run, norms, threshold), leak)));
  }
  const size = run.op('Abs', [raw]);
  const left = subtract(run, size, threshold);
  const sizes = run.op('Maximum', [
    left,
    leak === 0 ? run.floats([0]) : multiply(run, size, run.floats([leak])),
  ]);
  return ofWeights(region, multiply(run, run.op('Sign', [raw]), sizes));
}

/** dy, matrix `[n, m]`, threshold `[]` → `[n, m]` and `[]`. */
function scaleByThresholdGrad(
  run: TensorflowRun,
  { dy, matrix, threshold }: Inputs<'dy' | 'matrix' | 'threshold'>,
  attributes: ThresholdAttributes,
): Handle[] {
  const { mask, of, leak } = attributes;
  if (isForNative(run, attributes)) {
    const rule = { threshold, leak };
    const made = nativeScaleByNormsGradient(run, { dy, matrix }, keptBlocks(run, mask), rule, mask.grid);
    return [made[0], total(run, made[1])];
  }
  const region = keptRegion(run, mask);
  const [flow, raw] = [region.take(dy), region.take(matrix)];
  const zero = run.floats([0]);
  if (of === 'blocks') {
    const norms = normsOf(run, raw, region, mask.grid);
    const left = leftOf(run, norms, threshold);
    const passes = run.op('GreaterEqual', [left, run.floats([leak])]);
    const dots = region.dots(flow, raw);
    const pulls = select(run, passes, divide(run, threshold, norms), zero);
    const factors = atLeast(run, left, leak);
    return [
      byNorms(run, region, mask.grid, { flow, raw, factors, pulls, norms, dots }),
      minusTotal(run, select(run, passes, divide(run, dots, norms), zero)),
    ];
  }
  const size = run.op('Abs', [raw]);
  const least = leak === 0 ? zero : multiply(run, size, run.floats([leak]));
  const passes = run.op('GreaterEqual', [subtract(run, size, threshold), least]);
  const passed = select(run, passes, flow, zero);
  const others = leak === 0 ? zero : multiply(run, flow, run.floats([leak]));
  // The sign of zero counts as −1, as in the composition.
  const isPositive = run.op('Greater', [raw, zero]);
  const signed = select(run, isPositive, passed, run.op('Neg', [passed]));
  return [
    ofWeights(region, leak === 0 ? passed : select(run, passes, flow, others)),
    minusTotal(run, region.sums(signed)),
  ];
}

/** By the norms of blocks, in one pass. */
function isForNative(run: TensorflowRun, { mask, of }: MaskAttribute & { readonly of: NormsOf }): boolean {
  return of === 'blocks' && hasNativeKernels(run, mask.grid.blockShape);
}

/** What was computed weight by weight, at the kept blocks. */
function ofWeights(region: Region, weights: Handle): Handle {
  return region.put(region.masked(weights));
}

interface ByNorms {
  readonly flow: Handle;
  readonly raw: Handle;
  /** g, and x g' at the norm x; `[R, C]`. */
  readonly factors: Handle;
  readonly pulls: Handle;
  readonly norms: Handle;
  /** <dy, V_b> */
  readonly dots: Handle;
}

/** `g dy + g' <dy, V_b> ∂‖V_b‖/∂V`. */
function byNorms(
  run: TensorflowRun,
  region: Region,
  grid: BlockGrid,
  { flow, raw, factors, pulls, norms, dots }: ByNorms,
): Handle {
  const slopes = divide(run, divide(run, multiply(run, pulls, dots), norms), norms);
  const moves = run.op('Greater', [norms, run.floats([ZERO_NORM])]);
  const along = select(run, moves, asWhole(run, slopes, grid), run.floats([0]));
  return region.put(add(run, region.scaled(flow, factors), region.scaled(raw, along)));
}

/** The norm of each block as if it were whole, `[R, C]`. */
function normsOf(run: TensorflowRun, raw: Handle, region: Region, grid: BlockGrid): Handle {
  const squares = asWhole(run, region.dots(raw, raw), grid);
  return run.op('Sqrt', [run.op('Maximum', [squares, run.floats([SQUARED_NORM_FLOOR])])]);
}

/** Numbers of blocks, `[R, C]`, each times how many times as large as its block a whole one is. */
function asWhole(run: TensorflowRun, numbers: Handle, grid: BlockGrid): Handle {
  const [[n, m], [height, across]] = [grid.matrixShape, grid.blockShape];
  if (n % height === 0 && m % across === 0) return numbers;
  const shares = Float32Array.from(
    { length: grid.blocks },
    (_, block) => (height * across) / blockSize(grid, block),
  );
  return multiply(run, numbers, run.floats(shares, grid.gridShape));
}

/** `1 − t / ‖V_b‖` */
function leftOf(run: TensorflowRun, norms: Handle, threshold: Handle): Handle {
  return subtract(run, run.floats([1]), divide(run, threshold, norms));
}

function atLeast(run: TensorflowRun, numbers: Handle, least: number): Handle {
  return run.op('Maximum', [numbers, run.floats([least])]);
}

/** Of a norm of zero, 0. */
function powerOfNorms(run: TensorflowRun, norms: Handle, power: number): Handle {
  const moves = run.op('Greater', [norms, run.floats([ZERO_NORM])]);
  return select(run, moves, powerOf(run, norms, power), run.floats([0]));
}

/** TensorFlow raises to a power thirty times as slowly as it multiplies. */
function powerOf(run: TensorflowRun, numbers: Handle, power: number): Handle {
  if (power === 1) return numbers;
  return power === 2 ? run.op('Square', [numbers]) : run.op('Pow', [numbers, run.floats([power])]);
}

function select(run: TensorflowRun, condition: Handle, yes: Handle, no: Handle): Handle {
  return run.op('SelectV2', [condition, yes, no]);
}

function minusTotal(run: TensorflowRun, numbers: Handle): Handle {
  return run.op('Neg', [total(run, numbers)]);
}

function total(run: TensorflowRun, numbers: Handle): Handle {
  const axes = numbers.shape.map((_, axis) => axis);
  return reshape(run, sum(run, numbers, axes), []);
}

export const kernels = {
  ScaleByPower: scaleByPower,
  ScaleByPowerGrad: scaleByPowerGrad,
  ScaleByThreshold: scaleByThreshold,
  ScaleByThresholdGrad: scaleByThresholdGrad,
};
