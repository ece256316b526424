/**
 * One step of Adam over one variable. On wasm the results take over the memory of the weight and of the moments, where
 * nobody else shares their data.
 */
import { defineOperation } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { decayedGradient } from '../../weight-decay.js';
import type { SgdStep } from '../sgd-update/index.js';

export interface AdamStep extends SgdStep {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Number of this step, from 1; it sets the correction of the moments' bias. */
  readonly step: number;
}

/** The new weight and moments of Adam with L2 weight decay, as PyTorch's Adam defines it. The old ones are used up. */
export function adamStep(
  weight: tf.Tensor,
  gradient: tf.Tensor,
  first: tf.Tensor,
  second: tf.Tensor,
  settings: AdamStep,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  return update({ weight, gradient, first, second }, settings);
}

/** The step size over 1 - beta1^t, and 1 / sqrt(1 - beta2^t). */
export function biasCorrection({ learningRate, beta1, beta2, step }: AdamStep): {
  rate: number;
  root: number;
} {
  return { rate: learningRate / (1 - beta1 ** step), root: 1 / Math.sqrt(1 - beta2 ** step) };
}

const update = defineOperation<AdamStep, [tf.Tensor, tf.Tensor, tf.Tensor]>({
  name: 'AdamUpdate',
  composed: ({ weight, gradient, first, second }, settings) => {
    const { beta1, beta2, epsilon, weightDecay } = settings;
    const { rate, root } = biasCorrection(settings);
    const direction = decayedGradient(weight!, gradient!, weightDecay);
    const newFirst = tf.add(tf.mul(first!, beta1), tf.mul(direction, 1 - beta1));
    const newSecond = tf.add(tf.mul(second!, beta2), tf.mul(tf.square(direction), 1 - beta2));
    const spread = tf.add(tf.mul(tf.sqrt(newSecond), root), epsilon);
    return [tf.sub(weight!, tf.div(tf.mul(newFirst, rate), spread)), newFirst, newSecond];
  },
});
