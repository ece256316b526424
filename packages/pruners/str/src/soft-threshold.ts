/** The soft threshold, in blocks and by single weights, whatever the threshold comes from. */
import {
  inOnePass,
  scaleBlocks,
  scaleByThreshold,
  wholeBlockNorms,
  type Importance,
  type Parameterisation,
  type PrunedKernel,
  type Trainables,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

/** Whether a block shrinks as a whole, or each of its weights. */
export type StrForm = 'block' | 'elementwise';

/** The threshold, a scalar: on the norm of a block, or on a weight. */
export type Threshold = (trainables: Trainables, kernel: PrunedKernel) => tf.Tensor;

/**
 * `W_b = max(1 − t / ‖V_b‖, leak) V_b`, or `W = sign(V) max(|V| − t, leak |V|)`: STR for a leak of 0. Else what is left of a
 * block below the threshold holds just above it too, up to `‖V_b‖ = t / (1 − leak)`, so that there is no jump.
 *
 * @throws RangeError for a form that there is not.
 */
export function softThreshold(form: StrForm, threshold: Threshold, leak = 0): Parameterisation {
  /** From the size of what is left to that of what is trained: a rising function of it, undone. */
  const undone = (size: tf.Tensor2D, t: tf.Tensor) =>
    leak === 0 ? size.add<tf.Tensor2D>(t) : size.add<tf.Tensor2D>(t).minimum(size.div<tf.Tensor2D>(leak));
  if (form === 'block') {
    return {
      name: 'group soft threshold',
      zeroIsStuck: leak === 0,
      raw: (weight, kernel, trainables) => {
        const norms = wholeBlockNorms(weight, kernel.grid);
        return scaleBlocks(weight, undone(norms, threshold(trainables, kernel)).div(norms), kernel.grid);
      },
      blockScale: inOnePass(
        (raw, trainables, kernel) =>
          tf
            .sub<tf.Tensor2D>(1, threshold(trainables, kernel).div(wholeBlockNorms(raw, kernel.grid)))
            .maximum<tf.Tensor2D>(leak),
        (raw, trainables, kernel, mask) =>
          scaleByThreshold(raw, threshold(trainables, kernel), mask, { leak, of: 'blocks' }),
      ),
    };
  }
  if (form === 'elementwise') {
    return {
      name: 'soft threshold',
      zeroIsStuck: leak === 0,
      raw: (weight, kernel, trainables) =>
        weight.sign().mul(undone(weight.abs(), threshold(trainables, kernel))),
      elementwise: inOnePass(
        (raw, trainables, kernel) => {
          const size = raw.abs();
          // At zero, too, the sign is that which tfjs derives |V| to: what was erased can grow again.
          return raw
            .step<tf.Tensor2D>(-1)
            .mul<tf.Tensor2D>(size.sub(threshold(trainables, kernel)).maximum(size.mul(leak)));
        },
        (raw, trainables, kernel, mask) =>
          scaleByThreshold(raw, threshold(trainables, kernel), mask, { leak, of: 'weights' }),
      ),
    };
  }
  throw new RangeError(`There is no form '${form as string}': choose block or elementwise`);
}

/** `‖V_b‖`: tells apart also the blocks below the threshold, where the effective weight is zero. */
export const rawNorm: Importance = {
  name: 'norm of the raw weight',
  byNorm: true,
  score: ({ raw, grid }) => wholeBlockNorms(raw, grid),
};
