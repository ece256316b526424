/** `AdamUpdate` in one pass, or by TensorFlow's own op. */
import type { Handle, TensorflowRun } from '@espalier/blocks';

import { decayed } from '../../backends/tensorflow/decayed.js';
import { applyTo, updatedInPlace } from '../../backends/tensorflow/in-place.js';
import { updateBy } from '../../backends/tensorflow/update-by.js';
import { biasCorrection, type AdamStep } from './index.js';

type Inputs = Readonly<Record<'weight' | 'gradient' | 'first' | 'second', Handle>>;

/** weight, gradient and moments of one shape → the new weight and moments; uses up the old ones. */
function adamUpdate(
  run: TensorflowRun,
  { weight, gradient, first, second }: Inputs,
  settings: AdamStep,
): Handle[] {
  const { epsilon, weightDecay } = settings;
  if (run.hasNativeKernels) {
    const { beta1, beta2 } = settings;
    const { rate, root } = biasCorrection(settings);
    const numbers = [rate / root, beta1, 1 - beta1, beta2, 1 - beta2, epsilon / root, weightDecay];
    return updateBy(run, 'Adam', [weight, first, second], gradient, numbers);
  }
  // TensorFlow takes 1 − β of β in single precision: 3·10⁻⁵ off for 0.999, unless the bias is corrected by the same β.
  const [beta1, beta2] = [single(settings.beta1), single(settings.beta2)];
  // It adds its ε before the second moment is corrected, PyTorch after it: both are divided by the correction.
  const { rate, root } = biasCorrection({ ...settings, beta1, beta2 });
  const corrected = [rate / root, beta1, beta2, epsilon / root].map((number) => run.floats([number]));
  const flow = decayed(run, weight, gradient, weightDecay);
  // Powers of β of zero: the rate has been corrected, and by numbers of double precision.
  const none = run.floats([0]);
  return updatedInPlace(run, [weight, first, second], (variables) =>
    applyTo(run, 'ResourceApplyAdam', [...variables, none, none, ...corrected, flow]),
  );
}

/** In single precision, and under 1. */
function single(beta: number): number {
  return Math.min(Math.fround(beta), 1 - 2 ** -24);
}

export const kernels = { AdamUpdate: adamUpdate };
