/**
 * Group orthogonal matching pursuit (OMP), and with replacement (OMPR): start empty; per round the blocks with the
 * largest `‖∇L_b‖_F` join the support and all of it is re-optimised; OMPR then also drops the smallest blocks, swap
 * by swap. Axiotis, Yasuda 2023, arXiv 2307.07405; Theorem B.3 of arXiv 2402.17902.
 */
import {
  between,
  forwardSelection,
  frobenius,
  gradientNorm,
  scaleBlocks,
  tunable,
  type Parameterisation,
  type Pruner,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

export interface OmpSettings {
  /** In how many rounds the `k` blocks join, at least 1: `⌈k / rounds⌉` of them, or one fewer, in each. */
  rounds?: number;
  /** Share of training at the end, with the support found, above 0. */
  fineTuning?: number;
  /** The factor of the weights outside the support, from 0 and under 1. At 0 the support alone computes. */
  faint?: number;
}

export interface OmprSettings extends OmpSettings {
  /** How many swaps follow the rounds, each as long as a round and of as many blocks; at least 1. */
  swaps?: number;
}

export function omp({ rounds = 10, fineTuning = 0.25, faint = 0.01 }: OmpSettings = {}): Pruner {
  return {
    name: 'omp',
    description: 'Start empty; per round the blocks of largest gradient join the support',
    source: 'Axiotis & Yasuda 2023, arXiv 2307.07405',
    settings: { rounds, fineTuning, faint },
    ...matchingPursuit(faint),
    search: forwardSelection({ warmUp: 0, rounds, fineTuning, joinBy: 'growth' }),
  };
}

export function ompr({
  rounds = 10,
  swaps = 10,
  fineTuning = 0.25,
  faint = 0.01,
}: OmprSettings = {}): Pruner {
  if (!(swaps >= 1)) throw new RangeError(`swaps = ${swaps} is not a whole number of at least 1`);
  return {
    name: 'ompr',
    description: 'As OMP, then swap the smallest blocks of the support for those of largest gradient',
    source: 'Axiotis & Yasuda 2023, arXiv 2307.07405',
    settings: { rounds, swaps, fineTuning, faint },
    ...matchingPursuit(faint),
    search: forwardSelection({ warmUp: 0, rounds, swaps, fineTuning, joinBy: 'growth' }),
  };
}

/** Blocks join by the gradient of the loss, and leave by their norm. */
function matchingPursuit(faint: number): Pick<Pruner, 'parameterisation' | 'importance' | 'growth'> {
  return { parameterisation: support(faint), importance: frobenius, growth: gradientNorm };
}

/**
 * `Ŵ_b = W_b` in the support, `ε W_b` outside it, where nothing trains: after each step of the optimiser W_b is there
 * what it was at the last choice. (A gradient ε times as large is no less under Adam, which goes by its sign and
 * scale; and weight decay asks for no gradient.) With ε = 0 a network whose hidden layers are empty would have no
 * gradient at all, nor could a unit that nothing reads or feeds ever join.
 */
function support(faint: number): Parameterisation {
  if (!(faint >= 0 && faint < 1)) throw new RangeError(`faint = ${faint} is not from 0 and under 1`);
  return {
    name: 'support',
    needsActive: true,
    buffers: ({ grid }) => ({
      scale: tf.fill([...grid.gridShape], faint),
      outside: tf.zeros([...grid.matrixShape]),
    }),
    blockScale: (_raw, _trainables, { buffers }) => buffers['scale'] as tf.Tensor2D,
    afterChoice: ({ buffers: { scale, outside }, chosen, raw, grid }) => {
      const inside = tf.tensor2d(new Float32Array(chosen), [...grid.gridShape]);
      const others = tf.sub<tf.Tensor2D>(1, inside);
      scale!.assign(inside.add(others.mul(faint)));
      outside!.assign(scaleBlocks(raw, others, grid));
    },
    proximal: (raw, { buffers: { scale, outside }, grid }) => {
      const inside = scale!.equal(1).toFloat() as tf.Tensor2D;
      return scaleBlocks(raw, inside, grid).add(outside!);
    },
  };
}

export default tunable(omp, {
  rounds: between(2, 20, { logarithmic: true, whole: true }),
  fineTuning: between(0.15, 0.6),
  faint: between(0.001, 0.1, { logarithmic: true }),
});
