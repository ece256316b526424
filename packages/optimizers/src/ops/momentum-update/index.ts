/**
 * One step of SGD with momentum over one variable. On wasm the results take over the memory of the weight and of the
 * velocity, where nobody else shares their data.
 */
import { defineOperation } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { decayedGradient } from '../../weight-decay.js';
import type { SgdStep } from '../sgd-update/index.js';

export interface MomentumStep extends SgdStep {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/** The new weight and velocity of SGD with momentum, as PyTorch defines it (dampening 0). The old ones are used up. */
export function momentumStep(
  weight: tf.Tensor,
  gradient: tf.Tensor,
  velocity: tf.Tensor,
  { learningRate, momentum, weightDecay, nesterov }: MomentumStep,
): [tf.Tensor, tf.Tensor] {
  return update({ weight, gradient, velocity }, { learningRate, momentum, weightDecay, nesterov });
}

const update = defineOperation<MomentumStep, [tf.Tensor, tf.Tensor]>({
  name: 'MomentumUpdate',
  composed: ({ weight, gradient, velocity }, { learningRate, momentum, weightDecay, nesterov }) => {
    const direction = decayedGradient(weight!, gradient!, weightDecay);
    const newVelocity = tf.add(tf.mul(velocity!, momentum), direction);
    const step = nesterov ? tf.add(direction, tf.mul(newVelocity, momentum)) : newVelocity;
    return [tf.sub(weight!, tf.mul(step, learningRate)), newVelocity];
  },
});
