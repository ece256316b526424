/** `SgdUpdate` in one pass, or by TensorFlow's own op. */
import type { Handle, TensorflowRun } from '@espalier/blocks';

import { updateBy, updatedInPlace } from '../../backends/tensorflow/in-place.js';
import type { SgdStep } from './index.js';

/** weight and gradient of one shape → the new weight; uses up the weight. */
function sgdUpdate(
  run: TensorflowRun,
  { weight, gradient }: Readonly<Record<'weight' | 'gradient', Handle>>,
  { learningRate, weightDecay }: SgdStep,
): Handle {
  if (run.hasNativeKernels) {
    return run.op('EspalierSgdUpdate', [weight, gradient, run.floats([learningRate, weightDecay], [2])]);
  }
  const left = 1 - learningRate * weightDecay;
  const decayed = left === 1 ? weight : run.op('Mul', [weight, run.floats([left])]);
  const [updated] = updatedInPlace(run, [decayed], ([w]) =>
    updateBy(run, 'ResourceApplyGradientDescent', [w!, run.floats([learningRate]), gradient]),
  );
  return updated!;
}

export const kernels = { SgdUpdate: sgdUpdate };
