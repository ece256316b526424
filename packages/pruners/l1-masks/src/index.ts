/**
 * ℓ1 masks: every block is multiplied by a number of its own, trained under an ℓ1 penalty; the blocks of
 * largest mask are kept.
 * Yang et al. 2019; as a group ℓ_{2/3} penalty in arXiv 2402.17902 §2, Lemma 2.2.
 */
import {
  between,
  blockDot,
  oneShot,
  tunable,
  zerosLast,
  type Importance,
  type Parameterisation,
  type Pruner,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

export interface L1MasksSettings {
  /** The factor λ of the ℓ1 penalty, from 0. */
  lambda?: number;
  /** Share of training before the pruning, above 0 and under 1. */
  dense?: number;
}

/**
 * `W_b = w_b · V_b`, w = 1 at the start. The penalty λ‖w‖₁ is applied by its proximal step, after each of the
 * optimiser's, until the target is asked for: `w ← sign(w) relu(|w| − tλ)`, t how far the optimiser's own step goes,
 * for each mask by itself.
 */
export function l1MasksParameterisation(lambda: number): Parameterisation {
  if (!(lambda >= 0 && Number.isFinite(lambda))) {
    throw new RangeError(`The penalty λ = ${lambda} is not a finite number from 0`);
  }
  return {
    name: 'scalar masks',
    zeroIsStuck: true, // With its mask at zero too, neither has a gradient.
    trainables: ({ grid }) => ({ masks: tf.ones([...grid.gridShape]) }),
    blockScale: (_raw, { masks }) => masks as tf.Tensor2D,
    proximal: (raw, { trainables: { masks } }, { stepSize, share }) => {
      if (masks && share < 1 && lambda > 0) {
        masks.assign(softThreshold(masks, stepSize('masks').mul(lambda)));
      }
      return raw;
    },
  };
}

/** `sign(x) relu(|x| − t)`. */
function softThreshold(x: tf.Tensor, t: tf.Tensor): tf.Tensor {
  return x.sign().mul(x.abs().sub(t).relu());
}

/** `|w_b|`; masks of zero last, by the loss' gradient by them, `|⟨∂L/∂W_b, V_b⟩|`. */
const maskMagnitude: Importance = {
  name: 'mask magnitude, then gradient',
  needs: ['masks'],
  usesGradient: true,
  score: (kernel) => {
    const masks = kernel.trainables['masks'] as tf.Tensor2D;
    const byMask = blockDot(kernel.gradient(), kernel.raw, kernel.grid);
    return zerosLast(masks.abs(), masks.equal(0).toFloat() as tf.Tensor2D, byMask.abs());
  },
};

export function l1Masks({ lambda = 0.003, dense = 0.5 }: L1MasksSettings = {}): Pruner {
  return {
    name: 'l1-masks',
    description: 'One-shot: keep the blocks whose scalar mask, trained under an l1 penalty, is largest',
    source: 'Yang et al. 2019; Yasuda et al. 2024, arXiv 2402.17902',
    settings: { lambda, dense },
    parameterisation: l1MasksParameterisation(lambda),
    importance: maskMagnitude,
    search: oneShot({ dense }),
  };
}

export default tunable(l1Masks, {
  lambda: between(0.0003, 0.03, { logarithmic: true }),
  dense: between(0.1, 0.6),
});
