/** `SgdUpdate` in one pass, or by TensorFlow's own op. */
import type { Handle, TensorflowRun } from '@espalier/blocks';

import { applyTo, updatedInPlace } from '../../backends/tensorflow/in-place.js';
import { updateBy } from '../../backends/tensorflow/update-by.js';
import type { SgdStep } from './index.js';

/** weight and gradient of one shape → the new weight; uses up the weight. */
function sgdUpdate(
  run: TensorflowRun,
  { weight, gradient }: Readonly<Record<'weight' | 'gradient', Handle>>,
  { learningRate, weightDecay }: SgdStep,
): Handle {
  if (run.hasNativeKernels) {
    return updateBy(run, 'Sgd', [weight], gradient, [learningRate, weightDecay])[0]!;
  }
  const left = 1 - learningRate * weightDecay;
  const decayed = left === 1 ? weight : run.op('Mul', [weight, run.floats([left])]);
  const [updated] = updatedInPlace(run, [decayed], ([w]) =>
    applyTo(run, 'ResourceApplyGradientDescent', [w!, run.floats([learningRate]), gradient]),
  );
  return updated!;
}

export const kernels = { SgdUpdate: sgdUpdate };
