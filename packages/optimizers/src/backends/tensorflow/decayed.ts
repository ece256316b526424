/** The decay of weights as a part of the gradient. */
import type { Handle, TensorflowRun } from '@espalier/blocks';

/** `g + weightDecay · w` */
export function decayed(run: TensorflowRun, weight: Handle, gradient: Handle, weightDecay: number): Handle {
  if (weightDecay === 0) return gradient;
  return run.op('AddV2', [gradient, run.op('Mul', [weight, run.floats([weightDecay])])]);
}
