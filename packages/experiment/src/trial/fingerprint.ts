/** Hashes that prove two trials trained the same network on the same batches. */
import { scaleBlocks, type KernelState } from '@espalier/core';
import type { WorkloadData } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import { hashing, hashOf, textHash } from './hashes.js';
import { gathered, stretches } from './stream.js';

/** The digest of a data set: its own where it has one, else of all that is in it; with what its model starts from. */
export async function dataDigest(data: WorkloadData): Promise<string> {
  const ofExamples = data.digest ? await data.digest() : await contentDigest(data);
  return data.modelDigest ? `${ofExamples}-${await data.modelDigest()}` : ofExamples;
}

async function contentDigest({ train, test }: WorkloadData): Promise<string> {
  const hash = hashing();
  for (const examples of [train, test]) {
    const { count, inputs, target } = examples;
    hash.add(new TextEncoder().encode(JSON.stringify([count, inputs, target])));
    for await (const { batch } of gathered(examples, stretches(examples.count, 1000))) {
      for (const values of [...batch.inputs, batch.targets, ...(batch.weights ? [batch.weights] : [])]) {
        hash.add(values);
      }
    }
  }
  return hash.digest();
}

/** @param order what fixes the order that the examples are trained in */
export function dataFingerprint(digest: string, order: string): string {
  return textHash(`${digest}\n${order}`);
}

/** How far effective initial weights may be from the plain ones, relative to the largest, and be called the same. */
const ROUNDING = 1e-5;

/**
 * The hash of the weights that the network computes with before the first step. A parameterisation reaches
 * the plain initial weights up to rounding, and a search that starts sparse keeps them in its blocks; then the
 * hash is that of the plain ones, so that it can be compared, and otherwise that of its own.
 *
 * @param plain the initial weights before the strategy took them over
 * @param weights the same ones now
 * @param kernels those of them that are under pruning
 */
export async function initFingerprint(
  plain: readonly tf.Tensor[],
  weights: readonly tf.Variable[],
  kernels: readonly KernelState[],
): Promise<string> {
  const kernelOf = (weight: tf.Variable) => kernels.find(({ variable }) => variable === weight);
  const expected = await valuesOf(() =>
    plain.map((values, i) => masked(values, kernelOf(weights[i] as tf.Variable))),
  );
  const effective = await valuesOf(() => weights.map((weight) => kernelOf(weight)?.effective() ?? weight));
  const same = expected.every((values, i) => agree(values, effective[i] as Float32Array));
  return hashOf(same ? await valuesOf(() => plain) : effective);
}

function masked(weight: tf.Tensor, kernel: KernelState | undefined): tf.Tensor {
  if (!kernel) return weight;
  const { grid, mask } = kernel;
  const kept = tf.tensor2d(Float32Array.from(mask), [...grid.gridShape]);
  return scaleBlocks(weight.reshape([...grid.matrixShape]), kept, grid);
}

async function valuesOf(tensors: () => readonly tf.Tensor[]): Promise<Float32Array[]> {
  const copies = tf.tidy(() => tensors().map((tensor) => tensor.clone()));
  const values = await Promise.all(copies.map(async (copy) => (await copy.data()) as Float32Array));
  tf.dispose(copies);
  return values;
}

function agree(a: Float32Array, b: Float32Array): boolean {
  const largest = a.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return a.every((value, i) => Math.abs(value - (b[i] as number)) <= ROUNDING * largest);
}
