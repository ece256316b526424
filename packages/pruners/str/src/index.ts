/**
 * STR, soft threshold reparameterisation: what is trained counts only so far as it passes a threshold.
 * Kusupati et al. 2020, arXiv 2002.03231. `plainStr` is theirs: the threshold is trained, one a layer, and so
 * is the sparsity. `str` is ours, and reaches the asked sparsity: the threshold is a quantile of the norms.
 */
import {
  between,
  cubic,
  densePhase,
  gradual,
  tunable,
  wholeBlockNorms,
  type Parameterisation,
  type Pruner,
  type Search,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { rawNorm, softThreshold, type StrForm, type Threshold } from './soft-threshold.js';

export type { StrForm };

export interface StrSettings {
  form?: StrForm;
  /** Share of training at which the threshold starts to rise, from 0. */
  start?: number;
  /** Share of training at which the target is reached, above `start` and at most 1. */
  end?: number;
}

export interface PlainStrSettings {
  form?: StrForm;
  /** The function g that makes the threshold of σ; the paper: the exponential for recurrent networks. */
  g?: 'sigmoid' | 'exp';
  /** Where σ starts, in every layer: with the weight decay, what sets the sparsity. */
  sigma?: number;
}

/** `t = g(σ)`, σ trained; V starts as far beyond the threshold as W is from zero. */
export function plainStrParameterisation({
  form = 'block',
  g = 'sigmoid',
  sigma = -10,
}: PlainStrSettings = {}): Parameterisation {
  if (!Number.isFinite(sigma)) throw new RangeError(`The start of σ, ${sigma}, is not a finite number`);
  if (g !== 'sigmoid' && g !== 'exp') {
    throw new RangeError(`There is no function '${g as string}': choose sigmoid or exp`);
  }
  const threshold: Threshold = ({ sigma: σ }) => (g === 'sigmoid' ? tf.sigmoid(σ!) : tf.exp(σ!));
  return {
    ...softThreshold(form, threshold),
    trainables: () => ({ sigma: tf.scalar(sigma) }),
  };
}

/** What is left of a chosen block that sinks below the threshold, so that it is not lost. */
const LEAK = 1e-3;

/**
 * t is the norm of the largest block that is not chosen, so that just the chosen ones pass it; zero while all
 * are. On a weight, it is the share of that which a weight has in a block of equal ones, `t / √(Br·Bc)`.
 */
export function controlledStrParameterisation({
  form = 'block',
}: Pick<StrSettings, 'form'> = {}): Parameterisation {
  const threshold: Threshold = (_, { buffers, grid: { blockShape } }) => {
    const onNorm = buffers['threshold'] as tf.Tensor;
    return form === 'block' ? onNorm : onNorm.div(Math.sqrt(blockShape[0] * blockShape[1]));
  };
  return {
    ...softThreshold(form, threshold, LEAK),
    needsNorm: true,
    buffers: () => ({ threshold: tf.scalar(0) }),
    afterChoice: ({ buffers, raw, chosen, grid }) => {
      const pruned = tf.tensor2d(
        Float32Array.from(chosen, (bit) => 1 - bit),
        [...grid.gridShape],
      );
      buffers['threshold']?.assign(wholeBlockNorms(raw, grid).mul(pruned).max());
    },
  };
}

/** The quantile rises on a cubic; then the chosen blocks stay, and the threshold follows what is pruned. */
function risingQuantile(start: number, end: number): Search {
  const plan = gradual({ start, end, curve: cubic });
  return {
    ...plan,
    name: 'rising quantile',
    phases: plan.phases.map((phase) => {
      if (phase.name === 'sparsification') return { ...phase, candidates: 'all' };
      return phase.name === 'sparse' ? { ...phase, selection: 'gradually' } : phase;
    }),
  };
}

export function str({ form = 'block', start = 0.25, end = 0.5 }: StrSettings = {}): Pruner {
  return {
    name: 'str',
    description: 'Soft threshold on the norms, led to the asked sparsity by their quantile',
    source: "Kusupati et al. 2020, arXiv 2002.03231; the control is Espalier's",
    settings: { form, start, end },
    parameterisation: controlledStrParameterisation({ form }),
    importance: rawNorm,
    search: risingQuantile(start, end),
  };
}

export function plainStr({ form = 'block', g = 'sigmoid', sigma = -10 }: PlainStrSettings = {}): Pruner {
  return {
    name: 'plain-str',
    description: 'Soft threshold trained with the weights; the sparsity is learned, and misses the target',
    source: 'Kusupati et al. 2020, arXiv 2002.03231',
    settings: { form, g, sigma },
    parameterisation: plainStrParameterisation({ form, g, sigma }),
    importance: rawNorm,
    search: { name: 'none', phases: [densePhase(1)], prunedWeights: 'masked', final: 'learned' },
  };
}

export default tunable(str, {
  start: between(0, 0.3),
  end: between(0.35, 0.8),
});
