/**
 * Differentiable tensor operations on the blocks of a matrix.
 *
 * Two are primitive and adjoint to one another: `scaleBlocks` multiplies every block by a number of its own,
 * `blockDot` takes the inner product of two matrices block by block. A backend may offer each as one fused
 * kernel, registered with tfjs under the names `ScaleBlocks` and `BlockDot`, and both gradients of the former as
 * `ScaleBlocksGrad` (see `BlockKernelAttributes`); where it does not, they are composed of tfjs' own operations.
 */
import * as tf from '@tensorflow/tfjs';

import { blockGrid, type BlockGrid, type Shape2D } from './block-grid.js';

/**
 * What a backend's kernels are given beside their input tensors: `ScaleBlocks { matrix, scale }` and
 * `BlockDot { a, b }`, which give one tensor, and `ScaleBlocksGrad { dy, matrix, scale }`, which gives the gradients
 * by `matrix` and by `scale`.
 */
export interface BlockKernelAttributes extends tf.NamedAttrMap {
  blockShape: [number, number];
}

/**
 * `out[i, j] = matrix[i, j] · scale[⌊i / Br⌋, ⌊j / Bc⌋]`.
 *
 * @param matrix `[n, m]`
 * @param scale one factor a block, `[R, C]`
 * @returns `[n, m]`
 */
export function scaleBlocks(matrix: tf.Tensor2D, scale: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertShape(matrix, grid.matrixShape, 'matrix');
  assertShape(scale, grid.gridShape, 'scale');
  return tf.customGrad((x, factors, save) => {
    const inputs = [x, factors] as [tf.Tensor2D, tf.Tensor2D];
    (save as tf.GradSaveFunc)(inputs);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      scaleBlocksGradient(dy as tf.Tensor2D, saved as typeof inputs, grid);
    return { value: scaledBlocks(...inputs, grid), gradFunc };
  })(matrix, scale) as tf.Tensor2D;
}

/** `scaleBlocks` by factors that do not train, such as those of a mask: there is no gradient by them. */
export function maskBlocks(matrix: tf.Tensor2D, mask: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertShape(matrix, grid.matrixShape, 'matrix');
  assertShape(mask, grid.gridShape, 'mask');
  return tf.customGrad((x) => ({
    value: scaledBlocks(x as tf.Tensor2D, mask, grid),
    gradFunc: (dy: tf.Tensor) => maskBlocks(dy as tf.Tensor2D, mask, grid),
  }))(matrix) as tf.Tensor2D;
}

/** The product alone. */
function scaledBlocks(matrix: tf.Tensor2D, scale: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  if (hasKernel('ScaleBlocks')) return runBlockKernel('ScaleBlocks', { matrix, scale }, grid) as tf.Tensor2D;
  return tf.tidy(() => {
    const [gridRows, gridColumns] = grid.gridShape;
    const scaled = cutIntoBlocks(matrix, grid).mul(scale.reshape([gridRows, 1, gridColumns, 1]));
    return joinBlocks(scaled as tf.Tensor4D, grid);
  });
}

/** The gradients by matrix and scale, in one pass where there is a kernel for it and they are not differentiated. */
function scaleBlocksGradient(
  dy: tf.Tensor2D,
  [matrix, scale]: [tf.Tensor2D, tf.Tensor2D],
  grid: BlockGrid,
): tf.Tensor[] {
  if (hasKernel('ScaleBlocksGrad') && tf.engine().state.gradientDepth === 0) {
    return runBlockKernel('ScaleBlocksGrad', { dy, matrix, scale }, grid) as tf.Tensor[];
  }
  return [scaleBlocks(dy, scale, grid), blockDot(dy, matrix, grid)];
}

/**
 * The inner product of two matrices over each block, `[R, C]`.
 *
 * @param a `[n, m]`
 * @param b `[n, m]`
 */
export function blockDot(a: tf.Tensor2D, b: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertShape(a, grid.matrixShape, 'a');
  assertShape(b, grid.matrixShape, 'b');
  if (hasKernel('BlockDot')) return runBlockKernel('BlockDot', { a, b }, grid) as tf.Tensor2D;
  return tf.tidy(() => cutIntoBlocks(a.mul(b), grid).sum([1, 3]) as tf.Tensor2D);
}

/** The square of the smallest norm that `blockNorms` tells from zero. */
const SQUARED_NORM_FLOOR = 1e-30;

/**
 * The Frobenius norm of each block, `‖W_b‖_F`, `[R, C]`.
 *
 * The norm of a block of zeros is given as 1e-15, where its derivative is zero: without that floor the
 * derivative at a pruned block would be 0/0, and the next step's weights NaN.
 */
export function blockNorms(matrix: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  return tf.tidy(() => blockDot(matrix, matrix, grid).maximum(SQUARED_NORM_FLOOR).sqrt() as tf.Tensor2D);
}

/** `[n, m]` to `[R, Br, C, Bc]`, zeros beyond the ragged edges. */
function cutIntoBlocks(matrix: tf.Tensor2D, grid: BlockGrid): tf.Tensor4D {
  const [n, m] = grid.matrixShape;
  const [blockRows, blockColumns] = grid.blockShape;
  const [gridRows, gridColumns] = grid.gridShape;
  const below = gridRows * blockRows - n;
  const right = gridColumns * blockColumns - m;
  const whole =
    below === 0 && right === 0
      ? matrix
      : matrix.pad([
          [0, below],
          [0, right],
        ]);
  return whole.reshape([gridRows, blockRows, gridColumns, blockColumns]);
}

/** `[R, Br, C, Bc]` back to `[n, m]`, what lies beyond the ragged edges cut off. */
function joinBlocks(blocks: tf.Tensor4D, grid: BlockGrid): tf.Tensor2D {
  const [n, m] = grid.matrixShape;
  const rows = grid.gridShape[0] * grid.blockShape[0];
  const columns = grid.gridShape[1] * grid.blockShape[1];
  const whole = blocks.reshape<tf.Tensor2D>([rows, columns]);
  return rows === n && columns === m ? whole : whole.slice([0, 0], [n, m]);
}

function hasKernel(name: 'ScaleBlocks' | 'BlockDot' | 'ScaleBlocksGrad'): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

function runBlockKernel(
  name: string,
  inputs: tf.NamedTensorMap,
  { blockShape: [rows, columns] }: BlockGrid,
): tf.Tensor | tf.Tensor[] {
  const attributes: BlockKernelAttributes = { blockShape: [rows, columns] };
  return tf.engine().runKernel(name, inputs, attributes);
}

tf.registerGradient({
  kernelName: 'BlockDot',
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved, attributes) => {
    const [a, b] = saved as [tf.Tensor2D, tf.Tensor2D];
    const grid = blockGrid(a.shape, (attributes as BlockKernelAttributes).blockShape);
    return {
      a: () => scaleBlocks(b, dy as tf.Tensor2D, grid),
      b: () => scaleBlocks(a, dy as tf.Tensor2D, grid),
    };
  },
});

function assertShape(tensor: tf.Tensor2D, expected: Shape2D, name: string): void {
  if (tensor.shape[0] === expected[0] && tensor.shape[1] === expected[1]) return;
  throw new RangeError(
    `${name} has shape [${tensor.shape.join(', ')}], the grid wants [${expected.join(', ')}]`,
  );
}
