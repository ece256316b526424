/**
 * One step of SGD over one variable. On wasm the result takes over the memory of the weight, which a step is to replace:
 * where nobody else shares its data, the pass is in place and touches little more than half the memory.
 */
import { defineOperation } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { decayedGradient } from '../../weight-decay.js';

export interface SgdStep {
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** w - rate · (g + decay · w). All tensors have one shape. The weight is used up: it may only be disposed or assigned. */
export function sgdStep(
  weight: tf.Tensor,
  gradient: tf.Tensor,
  { learningRate, weightDecay }: SgdStep,
): [tf.Tensor] {
  return [update({ weight, gradient }, { learningRate, weightDecay })];
}

const update = defineOperation<SgdStep>({
  name: 'SgdUpdate',
  composed: ({ weight, gradient }, { learningRate, weightDecay }) =>
    tf.sub(weight!, tf.mul(decayedGradient(weight!, gradient!, weightDecay), learningRate)),
});
