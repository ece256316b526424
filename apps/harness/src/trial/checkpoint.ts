/**
 * Checkpoints: what an interrupted trial needs to go on exactly where it was. One file, replaced as a whole,
 * so that an interruption in mid-write leaves the one before.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';

import type { Pruning, PruningState } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import writeFileAtomic from 'write-file-atomic';

import { metricsBytes } from './metrics-log.js';

interface StoredTensor {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: tf.DataType;
  readonly values: tf.TypedArray;
}

/** Where training stands, beside the variables. */
export interface Standing {
  /** Steps done. */
  readonly step: number;
  /** Wall time that the steps took, in milliseconds. */
  readonly elapsedMs: number;
  /** Length of the metrics file, in bytes. */
  readonly metricsBytes: number;
}

interface Checkpoint extends Standing {
  readonly trialId: string;
  readonly weights: StoredTensor[];
  readonly optimizer: StoredTensor[];
  readonly pruning: PruningState | null;
}

/** The stateful things that a checkpoint covers. */
export interface Trained {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly pruning: Pruning | null;
}

const pathIn = (folder: string) => join(folder, 'checkpoint.bin');

export async function saveCheckpoint(
  folder: string,
  trialId: string,
  standing: Omit<Standing, 'metricsBytes'>,
  { model, optimizer, pruning }: Trained,
): Promise<void> {
  const slots = await optimizer.getWeights();
  const checkpoint: Checkpoint = {
    trialId,
    ...standing,
    metricsBytes: await metricsBytes(folder),
    weights: await Promise.all(model.weights.map((weight) => store(weight.name, weight.read()))),
    optimizer: await Promise.all(slots.map(({ name, tensor }) => store(name, tensor))),
    pruning: pruning?.state() ?? null,
  };
  tf.dispose(slots.map(({ tensor }) => tensor).filter((tensor) => !(tensor instanceof tf.Variable)));
  await writeFileAtomic(pathIn(folder), serialize(checkpoint));
}

/**
 * Puts model, optimiser and pruning back to the stored step.
 *
 * @returns where it stands; null when there is no whole checkpoint of this trial, and nothing was changed
 */
export async function restoreCheckpoint(
  folder: string,
  trialId: string,
  { model, optimizer, pruning }: Trained,
): Promise<Standing | null> {
  const checkpoint = await readCheckpoint(folder);
  if (checkpoint?.trialId !== trialId) return null;
  model.weights.forEach((weight, i) => {
    const value = load(checkpoint.weights[i] as StoredTensor);
    (weight.read() as tf.Variable).assign(value);
    value.dispose();
  });
  await optimizer.setWeights(
    checkpoint.optimizer.map((stored) => ({ name: stored.name, tensor: load(stored) })),
  );
  if (checkpoint.pruning) pruning?.restore(checkpoint.pruning);
  return checkpoint;
}

/** Null when there is none, it is damaged, or the metrics that it goes with are not all there. */
async function readCheckpoint(folder: string): Promise<Checkpoint | null> {
  try {
    const checkpoint = deserialize(await readFile(pathIn(folder))) as Checkpoint;
    return checkpoint.metricsBytes <= (await metricsBytes(folder)) ? checkpoint : null;
  } catch {
    return null;
  }
}

export async function removeCheckpoint(folder: string): Promise<void> {
  await rm(pathIn(folder), { force: true });
}

async function store(name: string, tensor: tf.Tensor): Promise<StoredTensor> {
  return { name, shape: tensor.shape, dtype: tensor.dtype, values: (await tensor.data()).slice() };
}

function load({ values, shape, dtype }: StoredTensor): tf.Tensor {
  return tf.tensor(values, shape, dtype as 'float32');
}
