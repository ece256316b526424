/**
 * Many steps of training under every strategy, with what users do beside it: reading and setting weights, predicting,
 * checkpoints, resuming. Memory is to be flat: of tensors, of the wasm module, of the process.
 */
import { sparsePhases } from '@espalier/block-sparse';
import { sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

const [INPUTS, HIDDEN, OUTPUTS, BATCH] = [48, 64, 16, 32];

/** Every strategy of the repository, made small enough that each phase of it passes many times. */
const STRATEGIES = [
  'magnitude',
  'acdc',
  'gmp',
  'group-lasso',
  'iht',
  'l1-masks',
  'omp',
  'powerpropagation',
  'random',
  'rigl',
  'sequential-attention',
  'sequential-attention-plus-plus',
  'softmax-attention',
  'str',
  'structured-dst',
];

/**
 * @param {{ steps: number, runSteps: number, onRun?: (line: string) => void }} how steps in all, and those of one run;
 *   a run of another strategy follows, on a model of its own, until all are done
 * @returns {Promise<string[]>} what grew; empty where nothing did
 */
export async function flatMemory({ steps, runSteps, onRun = () => {} }) {
  const grown = [];
  const seen = new Map();
  const resident = [];
  for (let done = 0, run = 0; done < steps; done += runSteps, run++) {
    const name = STRATEGIES[run % STRATEGIES.length];
    const { default: strategy } = await import(`@espalier/${name}`);
    grown.push(...(await oneRun(strategy(), runSteps, run)).map((what) => `${name}: ${what}`));
    const wasm = wasmBytes();
    // The module's memory may grow while a strategy is met for the first time.
    if (seen.has(name) && wasm > seen.get(name) && run >= 2 * STRATEGIES.length) {
      grown.push(`${name}: wasm memory ${seen.get(name)} bytes, then ${wasm}`);
    }
    seen.set(name, wasm);
    globalThis.gc?.();
    resident.push(process.memoryUsage().rss);
    onRun(
      `${done + runSteps} steps, ${name}: ${tf.memory().numTensors} tensors, wasm ${mega(wasm)}, resident ${mega(resident.at(-1))}`,
    );
  }
  // Of the process, where its garbage is collected on demand: the least of the second quarter beside the least of the last, as what is not collected yet varies.
  const quarter = Math.floor(resident.length / 4);
  if (quarter > 0 && globalThis.gc) {
    const least = (from) => Math.min(...resident.slice(from, from + quarter));
    const [early, late] = [least(quarter), least(3 * quarter)];
    if (late > 1.1 * early)
      grown.push(`the process: ${mega(early)} in the second quarter, ${mega(late)} in the last`);
  }
  return grown;
}

/** @returns what a run holds more of at its end than a few steps before, and what it leaves behind */
async function oneRun(pruner, steps, seed) {
  const random = (shape, of) => tf.randomUniform(shape, -1, 1, 'float32', 1000 * seed + of);
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: HIDDEN, inputShape: [INPUTS], activation: 'relu' }),
      tf.layers.batchNormalization(),
      tf.layers.dense({ units: OUTPUTS }),
    ],
  });
  const optimizer = seed % 2 === 0 ? tf.train.adam(1e-3) : tf.train.momentum(1e-2, 0.9);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const before = tf.memory();
  const [x, y] = [random([BATCH, INPUTS], 1), random([BATCH, OUTPUTS], 2)];
  const pruning = await sparsify(model, pruner, {
    sparsity: 0.75,
    blockShape: [4, 4],
    minimumBlocks: 1,
    totalSteps: steps,
    sparsePhases: sparsePhases(),
  });
  const held = [];
  let checkpoint = null;
  for (let step = 0; step < steps; step++) {
    tf.dispose(await model.trainOnBatch(x, y));
    await pruning.step();
    if (step % 100 === 50) tf.dispose(model.predict(x));
    if (step % 500 === 250) checkpoint = await pruning.checkpoint();
    if (step % 500 === 499 && checkpoint) {
      await pruning.resume(await pruning.checkpoint());
      model.setWeights(model.getWeights());
    }
    if (step === steps - 5 || step === steps - 1) held.push(tf.memory().numTensors);
  }
  await pruning.finalize({ keepZeros: true });
  pruning.release();
  tf.dispose([x, y]);
  const after = tf.memory();
  const grown = ['numTensors', 'numBytes', 'numDataBuffers']
    .filter((key) => after[key] !== before[key])
    .map((key) => `${key} ${before[key]} before the run, ${after[key]} after`);
  if (held[1] > held[0]) grown.push(`${held[0]} tensors, then ${held[1]} at the end`);
  model.dispose();
  optimizer.dispose();
  // tfjs' momentum leaves its rate behind, a scalar.
  optimizer.c?.dispose?.();
  return grown;
}

function wasmBytes() {
  const { wasm } = tf.backend();
  return wasm?.HEAPU8?.buffer.byteLength ?? 0;
}

function mega(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
