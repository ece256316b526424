/**
 * Powerpropagation: the weight is a power of what is trained, so that large weights learn faster than small
 * ones and training itself tells them apart; then one-shot pruning by the norm of the effective weight.
 * Schwarz et al. 2021, arXiv 2110.00296; the block form is that of arXiv 2402.17902 §2, Lemma 2.3.
 */
import {
  between,
  frobenius,
  identity,
  inOnePass,
  oneShot,
  scaleBlocks,
  scaleByPower,
  tunable,
  wholeBlockNorms,
  ZERO_NORM,
  type Parameterisation,
  type Pruner,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

/** `scaleByPower` takes powers, α − 1, of up to 64. */
const MOST = 65;

export interface PowerpropagationParameters {
  /** The power α, from 1 to 65; at 1 the network is the plain one. The paper: 2 to 4. */
  alpha?: number;
  /** Whether each block is raised as a whole, `‖V_b‖^(α−1) V_b`, or each weight, `V |V|^(α−1)`. */
  form?: 'block' | 'elementwise';
}

export interface PowerpropagationSettings extends PowerpropagationParameters {
  /** Share of training before the pruning, above 0 and under 1. */
  dense?: number;
}

/** The parameterisation alone, to go under another search: AC/DC's, say. */
export function powerpropagationParameterisation({
  alpha = 2,
  form = 'block',
}: PowerpropagationParameters = {}): Parameterisation {
  if (!(alpha >= 1 && alpha <= MOST)) {
    throw new RangeError(`The power α = ${alpha} is not a number from 1 to ${MOST}: the paper's are 2 to 4`);
  }
  if (!Object.hasOwn(forms, form)) {
    throw new RangeError(`There is no form '${form}': choose ${Object.keys(forms).join(' or ')}`);
  }
  return alpha === 1 ? identity : forms[form](alpha);
}

const forms = { block: blockwise, elementwise };

/** `W_b = ‖V_b‖^(α−1) V_b`, and its inverse `V_b = ‖W_b‖^((1−α)/α) W_b`. */
function blockwise(alpha: number): Parameterisation {
  return {
    name: 'block powerpropagation',
    zeroIsStuck: true,
    raw: (weight, { grid }) =>
      scaleBlocks(weight, wholeBlockNorms(weight, grid).pow((1 - alpha) / alpha), grid),
    blockScale: inOnePass(
      (raw, _trainables, { grid }) => {
        const norms = wholeBlockNorms(raw, grid);
        // A block of zeros has the smallest norm that there is, and scale and gradient 0.
        return norms.pow(alpha - 1).mul<tf.Tensor2D>(norms.sub(ZERO_NORM).step());
      },
      (raw, _trainables, _kernel, mask) => scaleByPower(raw, mask, { power: alpha - 1, of: 'blocks' }),
    ),
  };
}

/** `W = V |V|^(α−1)`, and its inverse `V = sign(W) |W|^(1/α)`. */
function elementwise(alpha: number): Parameterisation {
  return {
    name: 'elementwise powerpropagation',
    zeroIsStuck: true,
    raw: (weight) => signedPower(weight, 1 / alpha),
    elementwise: inOnePass(
      (raw) => signedPower(raw, alpha),
      (raw, _trainables, _kernel, mask) => scaleByPower(raw, mask, { power: alpha - 1, of: 'weights' }),
    ),
  };
}

/** `sign(x) |x|^p`, with its derivative `p |x|^(p−1)`: that which tfjs derives of a power is not finite at 0. */
function signedPower(x: tf.Tensor2D, p: number): tf.Tensor2D {
  return tf.customGrad((v, save) => {
    const value = v as tf.Tensor2D;
    (save as tf.GradSaveFunc)([value]);
    return {
      value: value.sign().mul(value.abs().pow(p)),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        dy.mul(
          (saved as tf.Tensor2D)
            .abs()
            .pow(p - 1)
            .mul(p),
        ),
    };
  })(x) as tf.Tensor2D;
}

export function powerpropagation({
  alpha = 2,
  form = 'block',
  dense = 0.5,
}: PowerpropagationSettings = {}): Pruner {
  return {
    name: 'powerpropagation',
    description: 'Train a power of the weight, so that the large outgrow the small; one-shot by norm',
    source: 'Schwarz et al. 2021, arXiv 2110.00296',
    settings: { alpha, form, dense },
    parameterisation: powerpropagationParameterisation({ alpha, form }),
    importance: frobenius,
    search: oneShot({ dense }),
  };
}

export default tunable(powerpropagation, {
  alpha: between(1.5, 4),
  dense: between(0.05, 0.6),
});
