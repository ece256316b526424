/** The ops of TensorFlow that kernels are made of, by the names of their own. All on float32. */
import type { Handle, OpAttribute, TensorflowRun } from './kernel.js';

export function reshape(run: TensorflowRun, x: Handle, shape: readonly number[]): Handle {
  const same = x.shape.length === shape.length && shape.every((length, axis) => length === x.shape[axis]);
  return same ? x : run.op('Reshape', [x, run.integers(shape)]);
}

export function transpose(run: TensorflowRun, x: Handle, order: readonly number[]): Handle {
  return run.op('Transpose', [x, run.integers(order)]);
}

/** `x[places]`, along an axis. */
export function gather(run: TensorflowRun, x: Handle, places: Handle, axis = 0): Handle {
  return run.op('GatherV2', [x, places, run.integers([axis], [])]);
}

export function concat(run: TensorflowRun, parts: readonly Handle[], axis = 0): Handle {
  if (parts.length === 1) return parts[0]!;
  return run.op('ConcatV2', [...parts, run.integers([axis], [])], listOf(run, parts));
}

/** The sum of tensors of one shape. */
export function addAll(run: TensorflowRun, parts: readonly Handle[]): Handle {
  return parts.length === 1 ? parts[0]! : run.op('AddN', parts, listOf(run, parts));
}

/** Of a list TensorFlow is told the type, and how long it is. */
function listOf(run: TensorflowRun, parts: readonly Handle[]): OpAttribute[] {
  return [run.type('T'), run.count('N', parts.length)];
}

/** Zeros behind, along each axis. */
export function padBehind(run: TensorflowRun, x: Handle, behind: readonly number[]): Handle {
  if (behind.every((count) => count === 0)) return x;
  const pairs = behind.flatMap((count) => [0, count]);
  return run.op('Pad', [x, run.integers(pairs, [behind.length, 2])]);
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
  return run.op('Slice', [x, run.integers(from), run.integers(shape)]);
}

export interface Turned {
  readonly first?: boolean;
  readonly second?: boolean;
}

/** Products of the matrices of the last two axes; `turned` are transposed. */
export function batchMatMul(run: TensorflowRun, a: Handle, b: Handle, turned: Turned = {}): Handle {
  const { first = false, second = false } = turned;
  return run.op(
    'BatchMatMulV2',
    [a, b],
    [...(first ? [run.flag('adj_x', true)] : []), ...(second ? [run.flag('adj_y', true)] : [])],
  );
}

export function sum(run: TensorflowRun, x: Handle, axes: readonly number[], keepDims = false): Handle {
  return run.op('Sum', [x, run.integers(axes)], keepDims ? [run.flag('keep_dims', true)] : []);
}

/** Sums of the entries along the first axis that have one number, of `count` numbers. */
export function sumByNumber(run: TensorflowRun, x: Handle, numbers: Handle, count: number): Handle {
  return run.op('UnsortedSegmentSum', [x, numbers, run.integers([count], [])]);
}

export function zeros(run: TensorflowRun, shape: readonly number[]): Handle {
  return run.op('Fill', [run.integers(shape), run.floats([0])]);
}

export const add = (run: TensorflowRun, a: Handle, b: Handle) => run.op('AddV2', [a, b]);
export const subtract = (run: TensorflowRun, a: Handle, b: Handle) => run.op('Sub', [a, b]);
export const multiply = (run: TensorflowRun, a: Handle, b: Handle) => run.op('Mul', [a, b]);
export const divide = (run: TensorflowRun, a: Handle, b: Handle) => run.op('Div', [a, b]);

/** `a · b`; where b is zero, zero, whatever a is. */
export const scale = (run: TensorflowRun, a: Handle, b: Handle) => run.op('MulNoNan', [a, b]);
