/**
 * `gather` with batch dimensions: tfjs has the gradient of one such dimension at most, and the kernel of wasm looks up the
 * indices of the first batch for all. Here the batches are made one table: row i of batch b is row b · rows + i.
 */
import * as tf from '@tensorflow/tfjs';

import { fromFront } from '../axes.js';
import { composed, outcome, requireKernel, type Kernel, type Repair } from '../repair.js';

/** The sizes of `x [batch, outer, rows, inner]` and `indices [batch, count]`. */
function sizesOf(x: tf.Tensor, indices: tf.Tensor, axis: number, batchDims: number) {
  const size = (shape: readonly number[]) => tf.util.sizeFromShape([...shape]);
  return {
    batch: size(x.shape.slice(0, batchDims)),
    outer: size(x.shape.slice(batchDims, axis)),
    rows: x.shape[axis]!,
    inner: size(x.shape.slice(axis + 1)),
    count: size(indices.shape.slice(batchDims)),
  };
}

/** Rows of the one table, `[batch · count]`. */
function rowsOfTheTable(indices: tf.Tensor, { batch, rows, count }: ReturnType<typeof sizesOf>): tf.Tensor1D {
  const first = tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(rows, 'int32'));
  const within = tf.reshape(tf.cast(indices, 'int32'), [batch, count]);
  return tf.reshape(tf.add(within, tf.reshape(first, [batch, 1])), [batch * count]);
}

const batched =
  (stock: Kernel): Kernel =>
  (call) => {
    const { batchDims } = call.attrs as { batchDims: number };
    if (batchDims === 0) return stock(call);
    return composed(({ inputs, attrs, backend }) => {
      const { x, indices } = inputs as { x: tf.Tensor; indices: tf.Tensor };
      const axis = fromFront(attrs['axis'] as number, x.rank);
      const sizes = sizesOf(x, indices, axis, batchDims);
      const { batch, outer, rows, inner, count } = sizes;
      const table = tf.transpose(tf.reshape(x, [batch, outer, rows, inner]), [0, 2, 1, 3]);
      const gathered = outcome(stock, {
        inputs: {
          x: tf.reshape(table, [batch * rows, outer * inner]),
          indices: rowsOfTheTable(indices, sizes),
        },
        attrs: { axis: 0, batchDims: 0 },
        backend,
      });
      const arranged = tf.transpose(tf.reshape(gathered, [batch, count, outer, inner]), [0, 2, 1, 3]);
      const shape = [
        ...x.shape.slice(0, axis),
        ...indices.shape.slice(batchDims),
        ...x.shape.slice(axis + 1),
      ];
      return tf.reshape(arranged, shape);
    })(call);
  };

export const gather: Repair = {
  gradients: {
    GatherV2: (stock) => ({
      inputsToSave: ['x', 'indices'],
      gradient: (dy, saved, attrs) => {
        const [x, indices] = saved as [tf.Tensor, tf.Tensor];
        const batchDims = (attrs['batchDims'] as number | undefined) ?? 0;
        requireKernel('UnsortedSegmentSum');
        if (batchDims === 0) return stock!(dy, saved, attrs);
        const byTable = () => {
          const axis = fromFront(attrs['axis'] as number, x.rank);
          const sizes = sizesOf(x, indices, axis, batchDims);
          const { batch, outer, rows, inner, count } = sizes;
          const picked = tf.transpose(tf.reshape(dy, [batch, outer, count, inner]), [0, 2, 1, 3]);
          const table = tf.unsortedSegmentSum(
            tf.reshape(picked, [batch * count, outer * inner]),
            rowsOfTheTable(indices, sizes),
            batch * rows,
          );
          const arranged = tf.transpose(tf.reshape(table, [batch, rows, outer, inner]), [0, 2, 1, 3]);
          return tf.reshape(arranged, x.shape);
        };
        return { x: byTable, indices: () => tf.zeros(indices.shape) };
      },
    }),
  },
  kernels: { wasm: { GatherV2: batched } },
};
