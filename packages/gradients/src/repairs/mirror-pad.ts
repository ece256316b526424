/** `mirrorPad`: tfjs drops what flows through the padding. It flows back to what is mirrored there, axis by axis. */
import * as tf from '@tensorflow/tfjs';

import { arrayKernel, type Values } from '../arrays.js';
import { around, piece } from '../axes.js';
import { fold } from '../fold.js';
import { onBackends, run, type Repair } from '../repair.js';

type Padding = readonly [before: number, after: number];
type Mode = 'reflect' | 'symmetric';

/** Its kernels are of this file; elsewhere it is composed. */
const MIRROR_PAD_GRAD = 'MirrorPadGrad';

/** The edge itself is mirrored too, or is not. */
const edgeOf = (mode: Mode): number => (mode === 'symmetric' ? 0 : 1);

/** Kernel MirrorPadGrad: dy; attrs `{ paddings, mode }` → the gradient by what was padded. */
const byPlaces = arrayKernel(({ dy }, attrs) => {
  const edge = edgeOf(attrs['mode'] as Mode);
  return (attrs['paddings'] as Padding[]).reduce((folded, [before, after], axis) => {
    if (before === 0 && after === 0) return folded;
    const size = sizeWithin(folded.shape, axis, [before, after], edge);
    const mirrored = (place: number) => (place < 0 ? edge - 1 - place : 2 * size - 1 - edge - place);
    const shares = Array.from({ length: folded.shape[axis]! }, (_, i) => {
      const place = i - before;
      return [[place >= 0 && place < size ? place : mirrored(place), 1] as const];
    });
    return fold(folded, axis, size, shares);
  }, dy as Values);
});

/**
 * How many elements of an axis are no padding.
 *
 * @throws RangeError for paddings that mirror more than there is
 */
function sizeWithin(shape: readonly number[], axis: number, [before, after]: Padding, edge: number): number {
  const size = shape[axis]! - before - after;
  const whole = [before, after].every((count) => Number.isInteger(count) && count >= 0);
  if (whole && Math.max(before, after) <= size - edge) return size;
  throw new RangeError(
    `Paddings of ${before} and ${after} do not mirror what lies within axis ${axis} of [${shape}]`,
  );
}

/** Adds the paddings of one axis, mirrored, to what lies between them. */
function foldAxis(dy: tf.Tensor, [before, after]: Padding, axis: number, mode: Mode): tf.Tensor {
  if (before === 0 && after === 0) return dy;
  const whole = around(dy, axis);
  const size = dy.shape[axis]! - before - after;
  const edge = edgeOf(mode);
  const placed = (begin: number, length: number, at: number) => {
    const mirrored = tf.reverse(piece(whole, begin, length), 1);
    return tf.pad(mirrored, [
      [0, 0],
      [at, size - at - length],
      [0, 0],
    ]);
  };
  const parts = [
    piece(whole, before, size),
    ...(before > 0 ? [placed(0, before, edge)] : []),
    ...(after > 0 ? [placed(before + size, after, size - edge - after)] : []),
  ];
  const shape = [...dy.shape];
  shape[axis] = size;
  return tf.reshape(tf.addN(parts), shape);
}

export const mirrorPad: Repair = {
  gradients: {
    MirrorPad: () => ({
      gradient: (dy, _saved, attrs) => ({
        x: () => {
          if (tf.getKernel(MIRROR_PAD_GRAD, tf.getBackend())) return run(MIRROR_PAD_GRAD, { dy }, attrs);
          const paddings = attrs['paddings'] as Padding[];
          const mode = attrs['mode'] as Mode;
          return paddings.reduce(
            (folded, padding, axis) => foldAxis(folded, padding, axis, mode),
            tf.clone(dy),
          );
        },
      }),
    }),
    [MIRROR_PAD_GRAD]: () => ({
      gradient: (ddx, _saved, attrs) => ({ dy: () => run('MirrorPad', { x: ddx }, attrs) }),
    }),
  },
  added: onBackends(['cpu', 'wasm'], { [MIRROR_PAD_GRAD]: byPlaces }),
};
