/** `MomentumUpdate` in one pass, or by TensorFlow's own op, and one for the decay. */
import type { Handle, TensorflowRun } from '@espalier/blocks';

import { decayed } from '../../backends/tensorflow/decayed.js';
import { applyTo, updatedInPlace } from '../../backends/tensorflow/in-place.js';
import { updateBy } from '../../backends/tensorflow/update-by.js';
import type { MomentumStep } from './index.js';

/** Momentum by which a decay may be divided, and stay of its size. */
const MUCH = 0.1;

/** weight, gradient and velocity of one shape → the new weight and velocity; uses up the old ones. */
function momentumUpdate(
  run: TensorflowRun,
  { weight, gradient, velocity }: Readonly<Record<'weight' | 'gradient' | 'velocity', Handle>>,
  { learningRate, momentum, weightDecay, nesterov }: MomentumStep,
): Handle[] {
  if (run.hasNativeKernels) {
    const settings = [learningRate, momentum, weightDecay, Number(nesterov)];
    return updateBy(run, 'Momentum', [weight, velocity], gradient, settings);
  }
  const rate = run.floats([learningRate]);
  // μ (v + d/μ · w) + g is μ v + g + d · w, in place; Nesterov's step wants g + d · w itself.
  const intoVelocity = weightDecay > 0 && !nesterov && momentum >= MUCH;
  const flow = intoVelocity ? gradient : decayed(run, weight, gradient, weightDecay);
  const start = intoVelocity ? withDecay(run, velocity, weight, weightDecay / momentum) : velocity;
  return updatedInPlace(run, [weight, start], ([w, v]) =>
    applyTo(
      run,
      'ResourceApplyMomentum',
      [w!, v!, rate, flow, run.floats([momentum])],
      ...(nesterov ? [run.flag('use_nesterov', true)] : []),
    ),
  );
}

/** v + share · w; uses up v. */
function withDecay(run: TensorflowRun, velocity: Handle, weight: Handle, share: number): Handle {
  const [sum] = updatedInPlace(run, [velocity], ([v]) =>
    applyTo(run, 'ResourceApplyGradientDescent', [v!, run.floats([-share]), weight]),
  );
  return sum!;
}

export const kernels = { MomentumUpdate: momentumUpdate };
