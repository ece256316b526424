/**
 * Checkpoints: what an interrupted trial needs to go on exactly where it was. Plain data, which a store replaces as a
 * whole, so that an interruption in mid-write leaves the one before.
 */
import type { Pruning } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { Checkpoint, Standing, StoredTensor, TrialStore } from '../store/store.js';
import { StoreError } from '../store/trouble.js';
import type { SearchWatch } from './search-watch.js';
import { unlessDoubtful, type Note } from './stored.js';

/** The stateful things that a checkpoint covers. */
export interface Trained {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly pruning: Pruning | null;
  /** What the pruning did so far. */
  readonly search: SearchWatch | null;
}

export async function saveCheckpoint(
  store: TrialStore,
  trialId: string,
  { step, elapsedMs }: Standing,
  processors: readonly string[],
  { model, optimizer, pruning, search }: Trained,
): Promise<void> {
  const slots = await optimizer.getWeights();
  const checkpoint: Checkpoint = {
    trialId,
    step,
    elapsedMs,
    metrics: await store.metrics.mark(),
    weights: await Promise.all(model.weights.map((weight) => toStored(weight.name, weight.read()))),
    optimizer: await Promise.all(slots.map(({ name, tensor }) => toStored(name, tensor))),
    pruning: pruning?.state() ?? null,
    search: search?.state() ?? null,
    processors,
  };
  tf.dispose(slots.map(({ tensor }) => tensor).filter((tensor) => !(tensor instanceof tf.Variable)));
  await store.saveCheckpoint(checkpoint);
}

/**
 * Puts model, optimiser, pruning and the log of steps back to where a checkpoint has them.
 *
 * @param totalSteps of the trial
 * @param processor the kind that trains on; the checkpoint of another counts only where `mixed`
 * @param note is told, in a line, why what lies there is not believed
 * @returns where it stands; null when there is no whole checkpoint of this trial: then the log starts anew, and
 *   nothing else was changed
 */
export async function restoreCheckpoint(
  store: TrialStore,
  trialId: string,
  trained: Trained,
  totalSteps: number,
  { processor, mixed = false }: { readonly processor: string; readonly mixed?: boolean | undefined },
  note: Note = () => {},
): Promise<(Standing & Pick<Checkpoint, 'processors'>) | null> {
  const checkpoint = await unlessDoubtful(() => store.checkpoint(), note);
  const why =
    checkpoint &&
    (misfit(checkpoint, trialId, trained, totalSteps) ??
      (mixed ? null : otherProcessor(checkpoint, processor)));
  if (checkpoint && why === null) {
    if (await store.metrics.rewind(checkpoint.metrics)) {
      await apply(checkpoint, trained);
      return checkpoint;
    }
    note('the log of steps is not the one that the checkpoint goes with');
  }
  if (why) note(`the checkpoint ${why}`);
  await store.metrics.start();
  return null;
}

/**
 * Puts model, optimiser and pruning to where a checkpoint has them, and nothing else.
 *
 * @returns why it cannot be this trial's, and nothing was changed; null where it was
 */
export async function applyCheckpoint(
  checkpoint: Checkpoint,
  trialId: string,
  trained: Trained,
  totalSteps: number,
): Promise<string | null> {
  const why = misfit(checkpoint, trialId, trained, totalSteps);
  if (why === null) await apply(checkpoint, trained);
  return why;
}

/** Bits are the same on one kind of processor: another rounds otherwise where it multiplies and adds at once. */
function otherProcessor({ processors = [] }: Checkpoint, processor: string): string | null {
  const other = processors.find((one) => one !== processor);
  return other === undefined ? null : `is of another kind of processor (${other}, and this is ${processor})`;
}

/** Why a checkpoint cannot be this trial's; null where it can. */
function misfit(
  { trialId: of, step, weights, pruning: state, search }: Checkpoint,
  trialId: string,
  { model, pruning }: Trained,
  totalSteps: number,
): string | null {
  if (of !== trialId) return "is another trial's";
  if (step > totalSteps) return `is of step ${step} of ${totalSteps}`;
  const fits =
    weights.length === model.weights.length &&
    model.weights.every((weight, i) => {
      const { shape, dtype } = weight.read();
      return weights[i]?.shape.join() === shape.join() && weights[i]?.dtype === dtype;
    });
  if (!fits) return 'has weights of other shapes';
  const ofPruning =
    search === null || search.support === null || search.support.length === pruning?.kernels.length;
  if (!ofPruning || (search === null) !== (state === null)) return 'is of another search';
  if (!pruning || !state) return pruning || state ? 'is of another strategy' : null;
  const now = pruning.state();
  if (state.step !== step || keysOf(state) !== keysOf(now) || keysOf(state.masks) !== keysOf(now.masks)) {
    return 'is of another pruning';
  }
  const kept = pruning.kernels.every(({ name, grid }) => {
    const blocks = state.masks[name] ?? [];
    return new Set(blocks).size === blocks.length && blocks.every((block) => block < grid.blocks);
  });
  return kept ? null : 'keeps blocks that there are not';
}

function keysOf(record: object): string {
  return Object.keys(record).sort().join();
}

async function apply(checkpoint: Checkpoint, { model, optimizer, pruning, search }: Trained): Promise<void> {
  const tensors = checkpoint.optimizer.map((stored) => ({ name: stored.name, tensor: fromStored(stored) }));
  // From here on the trial cannot start anew any more: what goes wrong ends it, in a line.
  await optimizer
    .setWeights(tensors)
    .catch((error: Error) => {
      throw new StoreError(
        `The checkpoint cannot be gone on from (${error.message}): remove the trial's folder`,
      );
    })
    // It has made variables of its own of them.
    .finally(() => tf.dispose(tensors.map(({ tensor }) => tensor)));
  model.weights.forEach((weight, i) => {
    const value = fromStored(checkpoint.weights[i] as StoredTensor);
    (weight.read() as tf.Variable).assign(value);
    value.dispose();
  });
  if (checkpoint.pruning) pruning?.restore(checkpoint.pruning);
  if (checkpoint.search) search?.restore(checkpoint.search);
}

async function toStored(name: string, tensor: tf.Tensor): Promise<StoredTensor> {
  return { name, shape: tensor.shape, dtype: tensor.dtype, values: (await tensor.data()).slice() };
}

function fromStored({ values, shape, dtype }: StoredTensor): tf.Tensor {
  return tf.tensor(values, shape, dtype as 'float32');
}
