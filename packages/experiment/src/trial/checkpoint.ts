/**
 * Checkpoints: what an interrupted trial needs to go on exactly where it was. Plain data, which a store replaces as a
 * whole, so that an interruption in mid-write leaves the one before.
 */
import type { Pruning } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { Checkpoint, Standing, StoredTensor, TrialStore } from '../store/store.js';

/** The stateful things that a checkpoint covers. */
export interface Trained {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly pruning: Pruning | null;
}

export async function saveCheckpoint(
  store: TrialStore,
  trialId: string,
  { step, elapsedMs }: Standing,
  { model, optimizer, pruning }: Trained,
): Promise<void> {
  const slots = await optimizer.getWeights();
  const checkpoint: Checkpoint = {
    trialId,
    step,
    elapsedMs,
    metricsLength: await store.metrics.length(),
    weights: await Promise.all(model.weights.map((weight) => toStored(weight.name, weight.read()))),
    optimizer: await Promise.all(slots.map(({ name, tensor }) => toStored(name, tensor))),
    pruning: pruning?.state() ?? null,
  };
  tf.dispose(slots.map(({ tensor }) => tensor).filter((tensor) => !(tensor instanceof tf.Variable)));
  await store.saveCheckpoint(checkpoint);
}

/**
 * Puts model, optimiser, pruning and the log of steps back to where a checkpoint has them.
 *
 * @returns where it stands; null when there is no whole checkpoint of this trial: then the log starts anew, and
 *   nothing else was changed
 */
export async function restoreCheckpoint(
  store: TrialStore,
  trialId: string,
  { model, optimizer, pruning }: Trained,
): Promise<Standing | null> {
  const checkpoint = await store.checkpoint();
  if (checkpoint?.trialId !== trialId || !(await logged(store, checkpoint.metricsLength))) {
    await store.metrics.start();
    return null;
  }
  model.weights.forEach((weight, i) => {
    const value = fromStored(checkpoint.weights[i] as StoredTensor);
    (weight.read() as tf.Variable).assign(value);
    value.dispose();
  });
  await optimizer.setWeights(
    checkpoint.optimizer.map((stored) => ({ name: stored.name, tensor: fromStored(stored) })),
  );
  if (checkpoint.pruning) pruning?.restore(checkpoint.pruning);
  await store.metrics.rewind(checkpoint.metricsLength);
  return checkpoint;
}

/** Whether the steps that a checkpoint goes with are all in the log. */
async function logged({ metrics }: TrialStore, length: number): Promise<boolean> {
  return metrics.length().then(
    (found) => length <= found,
    () => false,
  );
}

async function toStored(name: string, tensor: tf.Tensor): Promise<StoredTensor> {
  return { name, shape: tensor.shape, dtype: tensor.dtype, values: (await tensor.data()).slice() };
}

function fromStored({ values, shape, dtype }: StoredTensor): tf.Tensor {
  return tf.tensor(values, shape, dtype as 'float32');
}
