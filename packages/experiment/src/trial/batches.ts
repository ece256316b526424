/** Which examples a trial trains on in each step: fixed by the seed, whatever the strategy. */
import { permutation, random, type Draw } from '@espalier/datasets';
import { stepsPerEpoch } from '@espalier/workloads';

import type { Trial } from './trial.js';

export interface Batches {
  readonly totalSteps: number;
  /** The training examples of a step, from 0. */
  at(step: number): Int32Array;
  /** What its examples are drawn for. */
  drawOf(step: number): Draw;
  /** What fixes the order of the examples, in all epochs: how it is drawn, and from what. */
  readonly order: string;
}

/** To be changed with what it names: `random` and `permutation`, and what they are given here. */
const ALGORITHM = 'fisher-yates of xoroshiro128plus, an epoch each';

/** @param examples how many there are to train on */
export function batchesOf(
  { seed, epochs }: Pick<Trial, 'seed' | 'epochs'>,
  examples: number,
  batchSize: number,
): Batches {
  const epochSteps = stepsPerEpoch(examples, batchSize);
  const orderOf = (epoch: number) => permutation(examples, random(seed, `batches/${epoch}`));
  // One epoch's order is held at a time: those of a long training would be larger than its data.
  let current: { epoch: number; order: Int32Array } = { epoch: -1, order: new Int32Array() };
  return {
    totalSteps: epochs * epochSteps,
    at(step) {
      const epoch = Math.floor(step / epochSteps);
      if (epoch !== current.epoch) current = { epoch, order: orderOf(epoch) };
      const first = (step % epochSteps) * batchSize;
      return current.order.subarray(first, first + batchSize);
    },
    drawOf: (step) => ({ seed, epoch: Math.floor(step / epochSteps) }),
    order: `${ALGORITHM}: seed ${seed}, ${examples} examples, ${epochs} epochs, batches of ${batchSize}`,
  };
}
