/**
 * `resizeNearestNeighbor` and `resizeBilinear`. The gradients of tfjs do not know half-pixel centres; on cpu they are
 * besides those of a transposed image, or of the first image of a batch, or never end.
 *
 * Either op is a matrix along each axis, which the op itself gives, as the image of the identity: its transpose is the
 * gradient, whatever the op rounds to.
 */
import * as tf from '@tensorflow/tfjs';

import { arrayKernel, assertShape, valuesOf, type Values } from '../arrays.js';
import { fold, type Shares } from '../fold.js';
import {
  composed,
  onBackends,
  run,
  type Attributes,
  type Kernel,
  type KernelCall,
  type Repair,
} from '../repair.js';

type Op = 'ResizeBilinear' | 'ResizeNearestNeighbor';

/** `[to, from]`: how much of each row of the old image is in each of the new. */
function matrix(op: Op, from: number, to: number, attrs: Attributes): tf.Tensor2D {
  return tf.tidy(() => {
    const identity = tf.reshape(tf.eye(from), [1, from, 1, from]);
    return tf.reshape(run(op, { images: identity }, { ...attrs, size: [to, 1] }), [to, from]);
  });
}

/** What each new row is made of: of which of the old ones, with what share. */
function sharesOf(op: Op, from: number, to: number, attrs: Attributes): Shares {
  const shares = matrix(op, from, to, attrs);
  const { values } = valuesOf(shares);
  shares.dispose();
  return Array.from({ length: to }, (_, row) =>
    [...values.subarray(row * from, (row + 1) * from)]
      .map((share, place) => [place, share] as const)
      .filter(([, share]) => share !== 0),
  );
}

/** For data in the processor's memory: each share is added where it came from. */
const byShares = (op: Op): Kernel =>
  arrayKernel((inputs, attrs) => {
    const { dy, images } = inputs as { dy: Values; images: Values };
    assertShape('the images', images, [null, null, null, null]);
    const [batch, height, width, depth] = images.shape as [number, number, number, number];
    assertShape('what flows into the images', dy, [batch, null, null, depth]);
    const [, newHeight, newWidth] = dy.shape as [number, number, number];
    const ofRows = fold(dy, 1, height, sharesOf(op, height, newHeight, attrs));
    return fold(ofRows, 2, width, sharesOf(op, width, newWidth, attrs));
  });

/** Whether the stock kernel of a device knows what to do: an image of one row that is aligned by its corners has no scale. */
function isServed({ inputs, attrs }: KernelCall): boolean {
  const [, height, width] = inputs['images']!.shape;
  return !attrs['halfPixelCenters'] && !(attrs['alignCorners'] && (height === 1 || width === 1));
}

/** For a device: products with both matrices. */
const byMatrices =
  (op: Op) =>
  (stock: Kernel): Kernel =>
  (call) => {
    if (isServed(call)) return stock(call);
    return composed(({ inputs, attrs }) => {
      const { dy, images } = inputs as { dy: tf.Tensor; images: tf.Tensor };
      const [batch, height, width, depth] = images.shape as [number, number, number, number];
      const [, newHeight, newWidth] = dy.shape as [number, number, number, number];
      const rows = matrix(op, height, newHeight, attrs);
      const columns = matrix(op, width, newWidth, attrs);
      const ofColumns = tf.matMul(
        tf.tile(tf.expandDims(columns, 0), [batch * newHeight, 1, 1]),
        tf.reshape(dy, [batch * newHeight, newWidth, depth]),
        true,
      );
      const ofRows = tf.matMul(
        tf.tile(tf.expandDims(rows, 0), [batch, 1, 1]),
        tf.reshape(ofColumns, [batch, newHeight, width * depth]),
        true,
      );
      return tf.reshape(ofRows, images.shape);
    })(call);
  };

export const resize: Repair = {
  kernels: {
    ...onBackends(['cpu', 'wasm'], {
      ResizeBilinearGrad: () => byShares('ResizeBilinear'),
      ResizeNearestNeighborGrad: () => byShares('ResizeNearestNeighbor'),
    }),
    ...onBackends(['webgpu', 'tensorflow'], {
      ResizeBilinearGrad: byMatrices('ResizeBilinear'),
      ResizeNearestNeighborGrad: byMatrices('ResizeNearestNeighbor'),
    }),
  },
};
