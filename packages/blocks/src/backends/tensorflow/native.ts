/**
 * The ops of `native/kernels.cc`: what of blocks TensorFlow has no op for, in one pass over what is kept, on the processor.
 * An addon of its own registers them with TensorFlow, where `espalier tensorflow install` has compiled it; elsewhere, and on a
 * GPU, kernels are made of TensorFlow's own ops.
 */
import type { BlockGrid } from '../../grid.js';
import { columnStarts } from '../../pattern-tables.js';
import type { BlockPattern } from '../../pattern.js';
import {
  NATIVE_KERNELS,
  type Handle,
  type OpAttribute,
  type TensorflowBackend,
  type TensorflowRun,
} from './kernel.js';
import { replaceStep } from './step.js';

/** Tells that the ops are registered with the TensorFlow of a backend: by whoever has loaded the addon. */
export function useNativeKernels({ binding }: TensorflowBackend): void {
  if (NATIVE_KERNELS in binding) return;
  Object.defineProperty(binding, NATIVE_KERNELS, { value: true, configurable: true });
  replaceStep();
}

/** Fewer columns do not fill a vector of the processor. */
const NARROWEST = 8;

export function hasNativeKernels(run: TensorflowRun, blockShape: readonly [number, number]): boolean {
  return run.hasNativeKernels && blockShape[1] >= NARROWEST;
}

/** x `[B, n]`, values → `[B, m]`; transposed, x `[B, m]` → `[B, n]`. */
export function nativeProduct(
  run: TensorflowRun,
  x: Handle,
  values: Handle,
  pattern: BlockPattern,
  transposed: boolean,
): Handle {
  const lists = transposed ? listsOfRows(run, pattern) : listsOfColumns(run, pattern);
  const attributes = [sizesOf(run, pattern), ...(transposed ? [run.flag('transposed', true)] : [])];
  return run.op('EspalierBlockProduct', [x, values, ...lists], attributes);
}

/** x `[B, n]`, dy `[B, m]` → `[size]`. */
export function nativeGradient(run: TensorflowRun, x: Handle, dy: Handle, pattern: BlockPattern): Handle {
  return run.op('EspalierBlockGradient', [x, dy, ...listsOfRows(run, pattern)], [sizesOf(run, pattern)]);
}

/** matrix `[n, m]` → `[size]`. */
export function nativeGather(run: TensorflowRun, matrix: Handle, pattern: BlockPattern): Handle {
  return run.op('EspalierGatherBlocks', [matrix, ...listsOfRows(run, pattern)], [sizesOf(run, pattern)]);
}

/** values `[size]` → `[n, m]`. */
export function nativeScatter(run: TensorflowRun, values: Handle, pattern: BlockPattern): Handle {
  return run.op('EspalierScatterBlocks', [values, ...listsOfRows(run, pattern)], [sizesOf(run, pattern)]);
}

/** matrix `[n, m]`, values `[size]` → `[n, m]`: the values at the kept blocks, and the matrix elsewhere. */
export function nativePut(run: TensorflowRun, matrix: Handle, values: Handle, pattern: BlockPattern): Handle {
  const inputs = [matrix, values, ...listsOfRows(run, pattern)];
  return run.op('EspalierPutBlocks', inputs, [sizesOf(run, pattern)]);
}

/** values `[size]`, numbers `[R, C]` → `[size]`; of a number 0, zeros, whatever the block held. */
export function nativeScaleValues(
  run: TensorflowRun,
  values: Handle,
  numbers: Handle,
  pattern: BlockPattern,
): Handle {
  const inputs = [values, numbers, ...listsOfRows(run, pattern)];
  return run.op('EspalierScaleValues', inputs, [sizesOf(run, pattern)]);
}

/** a, b `[size]` → `[R, C]`; 0 of what is pruned. */
export function nativeValueDots(run: TensorflowRun, a: Handle, b: Handle, pattern: BlockPattern): Handle {
  return run.op('EspalierValueDots', [a, b, ...listsOfRows(run, pattern)], [sizesOf(run, pattern)]);
}

/** matrix `[n, m]`, numbers `[R, C]` → `[n, m]`; of a number 0, zeros, whatever the block held. */
export function nativeScale(run: TensorflowRun, matrix: Handle, numbers: Handle, grid: BlockGrid): Handle {
  return run.op('EspalierScaleBlocks', [matrix, numbers], [run.count('sizes', grid.blockShape)]);
}

/**
 * dy, matrix `[n, m]`, numbers `[R, C]` → dy, its blocks times their numbers, and the inner products of the blocks, `[R, C]`;
 * of a number 0, zeros.
 */
export function nativeAttendGradient(
  run: TensorflowRun,
  dy: Handle,
  matrix: Handle,
  numbers: Handle,
  { blockShape }: BlockGrid,
): [Handle, Handle] {
  const sizes = run.count('sizes', blockShape);
  return run.ops('EspalierAttendBlocksGrad', [dy, matrix, numbers], [sizes], 2) as [Handle, Handle];
}

/** `g(‖V_b‖) V_b`: g is a power of the norm, or `max(1 − t / ‖V_b‖, leak)`. */
export type NormRule = { readonly power: number } | { readonly threshold: Handle; readonly leak: number };

/** matrix `[n, m]`, kept `[R, C]` → `[n, m]`; zeros where `kept` is 0. */
export function nativeScaleByNorms(
  run: TensorflowRun,
  matrix: Handle,
  kept: Handle,
  rule: NormRule,
  grid: BlockGrid,
): Handle {
  const { number, attributes } = ruleOf(run, rule, grid);
  return run.op('EspalierScaleByNorms', [matrix, kept, number], attributes);
}

/** dy, matrix `[n, m]`, kept `[R, C]` → `[n, m]`, and `[R, C]`: what each block adds to the gradient by the threshold. */
export function nativeScaleByNormsGradient(
  run: TensorflowRun,
  { dy, matrix }: Readonly<Record<'dy' | 'matrix', Handle>>,
  kept: Handle,
  rule: NormRule,
  grid: BlockGrid,
): [byMatrix: Handle, byThreshold: Handle] {
  const { number, attributes } = ruleOf(run, rule, grid);
  const inputs = [dy, matrix, kept, number];
  return run.ops('EspalierScaleByNormsGrad', inputs, attributes, 2) as [Handle, Handle];
}

function ruleOf(
  run: TensorflowRun,
  rule: NormRule,
  { blockShape }: BlockGrid,
): { number: Handle; attributes: OpAttribute[] } {
  const sizes = run.count('sizes', blockShape);
  if ('power' in rule) return { number: run.floats([rule.power]), attributes: [sizes] };
  return {
    number: rule.threshold,
    attributes: [sizes, run.flag('shrinks', true), run.float('leak', rule.leak)],
  };
}

/** a, b `[n, m]`, numbers `[R, C]` → `[R, C]`; 0 where a number is 0. */
export function nativeDots(
  run: TensorflowRun,
  a: Handle,
  b: Handle,
  numbers: Handle,
  grid: BlockGrid,
): Handle {
  return run.op('EspalierBlockDots', [a, b, numbers], [run.count('sizes', grid.blockShape)]);
}

function sizesOf(run: TensorflowRun, { matrixShape, blockShape, size }: BlockPattern): OpAttribute {
  return run.count('sizes', [...blockShape, ...matrixShape, size]);
}

function listsOfRows(run: TensorflowRun, pattern: BlockPattern): Handle[] {
  const { pointers, indices, offsets, blocks } = pattern;
  return [
    list(run, pattern, 'rows: pointers', () => pointers),
    list(run, pattern, 'rows: indices', () => indices),
    list(run, pattern, 'rows: starts', () => offsets.subarray(0, blocks)),
  ];
}

function listsOfColumns(run: TensorflowRun, pattern: BlockPattern): Handle[] {
  return [
    list(run, pattern, 'columns: pointers', () => pattern.columns().pointers),
    list(run, pattern, 'columns: indices', () => pattern.columns().indices),
    list(run, pattern, 'columns: starts', () => columnStarts(pattern)),
  ];
}

function list(run: TensorflowRun, pattern: BlockPattern, key: string, make: () => Int32Array): Handle {
  return run.table(pattern, `native, ${key}`, () => {
    const values = Int32Array.from(make());
    return { values, shape: [values.length] };
  });
}
