// Kernels for pruning by blocks, which tfjs does not have: ScaleBlocks multiplies each block of a matrix by a factor
// of its own, BlockDot sums a product over each block, and ScaleBlocksGrad is both gradients of the former in one pass.
// Call them through tf.engine().runKernel when tf.getKernel(name, tf.getBackend()) finds them.

import { type KernelCall, offsetOf } from '@espalier/wasm-module';
import type { TensorInfo } from '@tensorflow/tfjs';
import { kernelsOf } from './kernels.js';

/** Name and contract of a kernel: matrix [n, m], scale [ceil(n/Br), ceil(m/Bc)], attrs { blockShape: [Br, Bc] } → [n, m]. */
export const SCALE_BLOCKS = 'ScaleBlocks';
/** Name and contract of a kernel: a [n, m], b [n, m], attrs { blockShape: [Br, Bc] } → [ceil(n/Br), ceil(m/Bc)]. */
export const BLOCK_DOT = 'BlockDot';
/** Name and contract of a kernel: dy [n, m], the matrix and scale of ScaleBlocks, its attrs → [[n, m], the grid's shape]. */
export const SCALE_BLOCKS_GRAD = 'ScaleBlocksGrad';

/** out[i, j] = matrix[i, j] · scale[floor(i/Br), floor(j/Bc)]; a block whose scale is 0 is 0 whatever it held. */
export function scaleBlocks({ inputs, attrs, backend }: KernelCall): TensorInfo {
  const matrix = matrixInput(SCALE_BLOCKS, 'matrix', inputs['matrix']);
  const scale = matrixInput(SCALE_BLOCKS, 'scale', inputs['scale']);
  const [n, m] = matrix.shape as [number, number];
  const [blockRows, blockColumns] = blockShapeOf(SCALE_BLOCKS, attrs['blockShape']);
  requireShape(SCALE_BLOCKS, 'scale', scale.shape, [Math.ceil(n / blockRows), Math.ceil(m / blockColumns)]);
  const out = backend.makeOutput([n, m], 'float32');
  kernelsOf(backend).exports.scaleBlocks(
    offsetOf(backend, matrix),
    offsetOf(backend, scale),
    offsetOf(backend, out),
    n,
    m,
    blockRows,
    blockColumns,
  );
  return out;
}

/** The gradients of ScaleBlocks: ScaleBlocks of dy, and BlockDot of dy and the matrix. */
export function scaleBlocksGrad({ inputs, attrs, backend }: KernelCall): TensorInfo[] {
  const dy = matrixInput(SCALE_BLOCKS_GRAD, 'dy', inputs['dy']);
  const matrix = matrixInput(SCALE_BLOCKS_GRAD, 'matrix', inputs['matrix']);
  const scale = matrixInput(SCALE_BLOCKS_GRAD, 'scale', inputs['scale']);
  const [n, m] = matrix.shape as [number, number];
  const [blockRows, blockColumns] = blockShapeOf(SCALE_BLOCKS_GRAD, attrs['blockShape']);
  const grid = [Math.ceil(n / blockRows), Math.ceil(m / blockColumns)];
  requireShape(SCALE_BLOCKS_GRAD, 'dy', dy.shape, [n, m]);
  requireShape(SCALE_BLOCKS_GRAD, 'scale', scale.shape, grid);
  const dMatrix = backend.makeOutput([n, m], 'float32');
  const dScale = backend.makeOutput(grid, 'float32');
  const { exports, workspace } = kernelsOf(backend);
  exports.scaleBlocksGrad(
    offsetOf(backend, dy),
    offsetOf(backend, matrix),
    offsetOf(backend, scale),
    offsetOf(backend, dMatrix),
    offsetOf(backend, dScale),
    n,
    m,
    blockRows,
    blockColumns,
    workspace(16 * grid[1]!),
  );
  return [dMatrix, dScale];
}

/** out[p, q] = the sum of a · b over block (p, q). */
export function blockDot({ inputs, attrs, backend }: KernelCall): TensorInfo {
  const a = matrixInput(BLOCK_DOT, 'a', inputs['a']);
  const b = matrixInput(BLOCK_DOT, 'b', inputs['b']);
  const [n, m] = a.shape as [number, number];
  requireShape(BLOCK_DOT, 'b', b.shape, [n, m]);
  const [blockRows, blockColumns] = blockShapeOf(BLOCK_DOT, attrs['blockShape']);
  const out = backend.makeOutput([Math.ceil(n / blockRows), Math.ceil(m / blockColumns)], 'float32');
  kernelsOf(backend).exports.blockDot(
    offsetOf(backend, a),
    offsetOf(backend, b),
    offsetOf(backend, out),
    n,
    m,
    blockRows,
    blockColumns,
  );
  return out;
}

function matrixInput(kernel: string, name: string, tensor: TensorInfo | undefined): TensorInfo {
  if (tensor?.dtype === 'float32' && tensor.shape.length === 2) return tensor;
  const seen = tensor ? `${tensor.dtype} [${tensor.shape}]` : 'nothing';
  throw new Error(`${kernel}: input '${name}' must be a float32 matrix, got ${seen}.`);
}

function blockShapeOf(kernel: string, value: unknown): [number, number] {
  const valid =
    Array.isArray(value) && value.length === 2 && value.every((x) => Number.isInteger(x) && x >= 1);
  if (valid) return value as [number, number];
  throw new Error(`${kernel}: blockShape must be two integers of at least 1, got ${JSON.stringify(value)}.`);
}

function requireShape(
  kernel: string,
  name: string,
  shape: readonly number[],
  wanted: readonly number[],
): void {
  if (shape.length === wanted.length && shape.every((length, axis) => length === wanted[axis])) return;
  throw new Error(`${kernel}: input '${name}' must have the shape [${wanted}], got [${shape}].`);
}
