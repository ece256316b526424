/** The ops of TensorFlow that kernels are made of, by the names of their own. All on float32. */
import type { Handle, TensorflowRun } from './kernel.js';

export function reshape(run: TensorflowRun, x: Handle, shape: readonly number[]): Handle {
  const same = x.shape.length === shape.length && shape.every((length, axis) => length === x.shape[axis]);
  return same ? x : run.op('Reshape', [x, run.integers(shape)], [run.type('Tshape', 'integer')]);
}

export function transpose(run: TensorflowRun, x: Handle, order: readonly number[]): Handle {
  return run.op('Transpose', [x, run.integers(order)], [run.type('Tperm', 'integer')]);
}

/** `x[places]`, along an axis. */
export function gather(run: TensorflowRun, x: Handle, places: Handle, axis = 0): Handle {
  const types = [
    run.type('Tparams'),
    run.type('Tindices', 'integer'),
    run.type('Taxis', 'integer'),
    run.count('batch_dims', 0),
  ];
  return run.ops('GatherV2', [x, places, run.integers([axis], [])], types, 1)[0]!;
}

export function concat(run: TensorflowRun, parts: readonly Handle[], axis = 0): Handle {
  if (parts.length === 1) return parts[0]!;
  const attributes = [run.type('Tidx', 'integer'), run.count('N', parts.length)];
  return run.op('ConcatV2', [...parts, run.integers([axis], [])], attributes);
}

/** Zeros behind, along each axis. */
export function padBehind(run: TensorflowRun, x: Handle, behind: readonly number[]): Handle {
  if (behind.every((count) => count === 0)) return x;
  const pairs = behind.flatMap((count) => [0, count]);
  return run.op('Pad', [x, run.integers(pairs, [behind.length, 2])], [run.type('Tpaddings', 'integer')]);
}

/** What lies before, along each axis. */
export function cut(run: TensorflowRun, x: Handle, shape: readonly number[]): Handle {
  if (shape.every((length, axis) => length === x.shape[axis])) return x;
  const from = shape.map(() => 0);
  return cutAt(run, x, from, shape);
}

/** What lies from a place on, along each axis. */
export function cutAt(
  run: TensorflowRun,
  x: Handle,
  from: readonly number[],
  shape: readonly number[],
): Handle {
  return run.op('Slice', [x, run.integers(from), run.integers(shape)], [run.type('Index', 'integer')]);
}

export interface Turned {
  readonly first?: boolean;
  readonly second?: boolean;
}

/** Products of the matrices of the last two axes; `turned` are transposed. */
export function batchMatMul(run: TensorflowRun, a: Handle, b: Handle, turned: Turned = {}): Handle {
  const { first = false, second = false } = turned;
  return run.op('BatchMatMulV2', [a, b], [run.flag('adj_x', first), run.flag('adj_y', second)]);
}

export function sum(run: TensorflowRun, x: Handle, axes: readonly number[], keepDims = false): Handle {
  const attributes = [run.type('Tidx', 'integer'), run.flag('keep_dims', keepDims)];
  return run.op('Sum', [x, run.integers(axes)], attributes);
}

/** Sums of the entries along the first axis that have one number, of `count` numbers. */
export function sumByNumber(run: TensorflowRun, x: Handle, numbers: Handle, count: number): Handle {
  const types = [run.type('Tindices', 'integer'), run.type('Tnumsegments', 'integer')];
  return run.op('UnsortedSegmentSum', [x, numbers, run.integers([count], [])], types);
}

export function zeros(run: TensorflowRun, shape: readonly number[]): Handle {
  return run.op('Fill', [run.integers(shape), run.floats([0])], [run.type('index_type', 'integer')]);
}

export const add = (run: TensorflowRun, a: Handle, b: Handle) => run.op('AddV2', [a, b]);
export const subtract = (run: TensorflowRun, a: Handle, b: Handle) => run.op('Sub', [a, b]);
export const multiply = (run: TensorflowRun, a: Handle, b: Handle) => run.op('Mul', [a, b]);
export const divide = (run: TensorflowRun, a: Handle, b: Handle) => run.op('Div', [a, b]);

/** `a · b`; where b is zero, zero, whatever a is. */
export const scale = (run: TensorflowRun, a: Handle, b: Handle) => run.op('MulNoNan', [a, b]);
