/**
 * The ops of `native/kernels.cc`: what of blocks TensorFlow has no op for, in one pass over what is kept, on the processor.
 * An addon of its own registers them with TensorFlow, where `espalier tensorflow install` has compiled it; elsewhere, and on a
 * GPU, kernels are made of TensorFlow's own ops.
 */
import type { BlockGrid } from '../../grid.js';
import type { BlockPattern } from '../../pattern.js';
import type { Handle, OpAttribute, TensorflowBackend, TensorflowRun } from './kernel.js';

/** Says so of a TensorFlow, whichever copy of this package asks. */
export const NATIVE_KERNELS = Symbol.for('@espalier/blocks/native/kernels.cc');

/** Tells that the ops are registered with the TensorFlow of a backend: by whoever has loaded the addon. */
export function useNativeKernels({ binding }: TensorflowBackend): void {
  Object.defineProperty(binding, NATIVE_KERNELS, { value: true, configurable: true });
}

/** Fewer columns do not fill a vector of the processor. */
const NARROWEST = 8;

export function hasNativeKernels({ backend }: TensorflowRun, blockShape: readonly [number, number]): boolean {
  return NATIVE_KERNELS in backend.binding && !backend.isUsingGpuDevice && blockShape[1] >= NARROWEST;
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

/** matrix `[n, m]`, numbers `[R, C]` → `[n, m]`; of a number 0, zeros, whatever the block held. */
export function nativeScale(run: TensorflowRun, matrix: Handle, numbers: Handle, grid: BlockGrid): Handle {
  return run.op('EspalierScaleBlocks', [matrix, numbers], [run.count('sizes', grid.blockShape)]);
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
    list(run, pattern, 'columns: starts', () => pattern.columns().order.map((at) => pattern.offsets[at]!)),
  ];
}

function list(run: TensorflowRun, pattern: BlockPattern, key: string, make: () => Int32Array): Handle {
  return run.table(pattern, `native, ${key}`, () => {
    const values = Int32Array.from(make());
    return { values, shape: [values.length] };
  });
}
