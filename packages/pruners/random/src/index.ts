/**
 * Random pruning, the control: magnitude's one-shot plan with the blocks drawn by lot. What a method gains over
 * it, it gains by its choice of blocks. Among the baselines of Blalock et al. 2020, arXiv 2003.03033.
 */
import {
  assertSeed,
  between,
  deriveSeed,
  identity,
  oneShot,
  randomNumbers,
  sparsePhase,
  tunable,
  type Importance,
  type Pruner,
  type Search,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

export interface RandomSettings {
  /** Share of training before the pruning, from 0 and under 1; at 0 the network is sparse from the first step. */
  dense?: number;
  /** Another draw for the same seed of the run, a whole number from 0. */
  seed?: number;
}

export function random({ dense = 0.5, seed = 0 }: RandomSettings = {}): Pruner {
  assertSeed(seed);
  return {
    name: 'random',
    description: 'The control: one-shot, with the blocks drawn by lot',
    source: 'A control; Blalock et al. 2020, arXiv 2003.03033',
    settings: { dense, seed },
    parameterisation: identity,
    importance: byLot(seed),
    search: dense === 0 ? fromTheStart : oneShot({ dense }),
  };
}

const fromTheStart: Search = { name: 'sparse', phases: [sparsePhase(1)], prunedWeights: 'masked' };

/** One number a block, drawn for each kernel anew and always the same for one seed of the run and one draw. */
function byLot(draw: number): Importance {
  return {
    name: 'lot',
    score: ({ seed, grid }) =>
      tf.tensor2d(Float32Array.from(randomNumbers(grid.blocks, deriveSeed(seed, draw))), [...grid.gridShape]),
  };
}

export default tunable(random, {
  dense: between(0, 0.6),
});
