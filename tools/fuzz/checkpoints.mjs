/**
 * Checkpoints, damaged: the files of a trial's folder (experiment's `checkpoint-file` and `sealed`), and the bytes that
 * `pruning.checkpoint()` gives (core). Damage to a file is told. What was written wrong, with the right checksum, is refused
 * or gone on from, by a run that goes on as before where it was refused.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { checksum } from '@espalier/blocks';
import { sparsify } from '@espalier/core';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import { Buffer } from 'node:buffer';
import { isDeepStrictEqual, TextDecoder, TextEncoder } from 'node:util';
import { deserialize } from 'node:v8';

import { z } from 'zod';

import { pack, unpack } from '../../packages/experiment/dist/store/checkpoint-file.js';
import { resultSchema, trialSchema } from '../../packages/experiment/dist/store/schemas.js';
import { seal, unseal } from '../../packages/experiment/dist/store/sealed.js';
import { Doubtful } from '../../packages/experiment/dist/store/trouble.js';
import { badError, guardsOf } from './judge.mjs';
import { mutated, mutatedBytes, randomOf } from './mutate.mjs';

const LONG_MS = 10_000;

await tf.setBackend('wasm');

/**
 * @param {{ cases: number, seed: number, onCase: (seed: number) => void }} options
 * @returns {Promise<string[]>}
 */
export async function fuzz({ cases, seed, onCase }) {
  const run = await startedRun();
  const subjects = {
    'a sealed document': oneDocument,
    'a checkpoint of a trial': oneFile,
    'a checkpoint of a run': oneRun,
  };
  const names = Object.keys(subjects);
  const wrong = [];
  for (let i = 0; i < cases; i++) {
    onCase(seed + i);
    const random = randomOf(seed + i);
    const name = names[Math.floor(random() * names.length)];
    const started = performance.now();
    const why = await subjects[name](run, random);
    const took = performance.now() - started;
    if (why) wrong.push(`${name}, seed ${seed + i}: ${why}`);
    if (took > LONG_MS) wrong.push(`${name}, seed ${seed + i}: took ${Math.round(took)} ms`);
  }
  return wrong;
}

/** A model in the midst of a run, and all that can be stored of it. */
async function startedRun() {
  const { dense } = tf.layers;
  const model = tf.sequential({
    layers: [dense({ units: 16, inputShape: [16], activation: 'relu' }), dense({ units: 8 })],
  });
  model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
  const target = { sparsity: 0.75, blockShape: [4, 4], totalSteps: 20, minimumBlocks: 4 };
  const pruning = await sparsify(model, sequentialAttentionPlusPlus({ cycles: 2 }), target);
  const [x, y] = [tf.randomNormal([8, 16], 0, 1, 'float32', 1), tf.randomNormal([8, 8], 0, 1, 'float32', 2)];
  const step = async () => {
    await model.trainOnBatch(x, y);
    await pruning.step();
  };
  for (let i = 0; i < 7; i++) await step();
  const bytes = await pruning.checkpoint();
  const slots = await model.optimizer.getWeights();
  const stored = async ({ name, tensor }) => ({
    name,
    shape: tensor.shape,
    dtype: tensor.dtype,
    values: (await tensor.data()).slice(),
  });
  const standing = {
    trialId: 'a trial',
    step: 7,
    elapsedMs: 12.5,
    metrics: { length: 7, sha256: 'f'.repeat(64) },
    weights: await Promise.all(
      model.weights.map((weight) => stored({ name: weight.name, tensor: weight.read() })),
    ),
    optimizer: await Promise.all(slots.map(stored)),
    pruning: pruning.state(),
    search: {
      choices: [{ step: 3, kept: 6, entered: 0, left: 18 }],
      choosingMs: 1.5,
      support: [[0, 1], [2]],
      reopened: false,
    },
  };
  return { pruning, step, bytes, standing };
}

const trial = {
  workload: { name: 'planted-blocks' },
  pruner: { name: 'magnitude' },
  sparsity: 0.9,
  blockShape: [8, 8],
  allocation: null,
  seed: 3,
  epochs: 40,
  backend: 'wasm',
  accelerators: [{ name: 'blas', library: { kind: 'OpenBLAS' } }],
  threads: 1,
  sparsePhases: true,
};
const result = {
  id: 'a trial',
  status: 'ok',
  measures: { loss: 1.1, accuracy: null },
  report: { pruned: [{ name: 'dense/kernel' }], dense: [] },
  fingerprint: { init: '3ef8e4b5', data: '49edbcca' },
  device: 'wasm',
  search: { choices: [{ step: 3, kept: 6, entered: 0, left: 18 }], attention: null },
};
const documents = [
  ['trial', trialSchema, trial],
  ['result', resultSchema, result],
  ['lease', z.unknown(), { owner: 'me', number: 3 }],
];

async function oneDocument(_, random) {
  const [format, schema, content] = documents[Math.floor(random() * documents.length)];
  if (random() < 0.5) {
    const text = new TextDecoder().decode(
      mutatedBytes(new TextEncoder().encode(seal(format, content)), random),
    );
    return judged(() => unseal(format, schema, text, 'here'), content, Doubtful);
  }
  const envelope = mutated(JSON.parse(seal(format, content)), random);
  return judged(() => unseal(format, schema, JSON.stringify(envelope) ?? '', 'here'), content, Doubtful);
}

async function oneFile({ standing }, random) {
  if (random() < 0.5) {
    return judged(
      () => unpack(Buffer.from(mutatedBytes(pack(standing), random)), 'here'),
      standing,
      Doubtful,
    );
  }
  // Written wrong: what comes back is what was written, and of the shape that whoever reads it relies on.
  const written = mutated(standing, random);
  const file = Buffer.from(pack(written));
  const same = deserialize(file.subarray(file.indexOf(10) + 1));
  return judged(() => unpack(file, 'here'), same, Doubtful);
}

/** The run takes what was written wrong, or refuses it and stands where it stood. */
async function oneRun({ pruning, step, bytes }, random) {
  await pruning.resume(bytes);
  const damage = random() < 0.5 ? mutatedBytes(bytes, random) : rewritten(bytes, random);
  const guards = guardsOf(tf, random);
  for (let i = 0; i < 4; i++) guards.add();
  let why = null;
  try {
    await pruning.resume(damage);
    const taken = await pruning.checkpoint();
    if (!isDeepStrictEqual(contentOf(taken), contentOf(damage))) why = 'was taken, and stands elsewhere';
    await step();
  } catch (error) {
    why =
      badError(error) ??
      (error instanceof RangeError || error instanceof TypeError ? null : `threw ${error}`);
    const left = await pruning.checkpoint();
    if (!why && !isDeepStrictEqual(left, bytes))
      why = `was refused, and the run stands elsewhere (${error.message})`;
  }
  guards.add();
  if (!guards.untouched()) why = 'wrote over its neighbours';
  guards.dispose();
  return why;
}

/** The variables of the model of `startedRun()`, in any order. */
function areKnown(variables) {
  const names = variables.map(({ name }) => name.replace(/\d+/g, '#')).sort();
  const kernels = ['dense_Dense#/bias', 'dense_Dense#/kernel', 'logits of dense_Dense#/kernel'];
  const distinct = new Set(variables.map(({ name }) => name)).size === variables.length;
  return (
    distinct &&
    isDeepStrictEqual(
      names,
      kernels.flatMap((name) => [name, name]),
    )
  );
}

/** What a checkpoint of a run says, in whatever order, of what it is asked: its numbers, and of masks their blocks. */
function contentOf(bytes) {
  const first = bytes.indexOf(10) + 1;
  let at = bytes.indexOf(10, first) + 1;
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(first, at)));
  const { pruner, totalSteps, step, densities, optimizer, entries } = header;
  const numbers = {};
  for (const group of ['masks', 'variables', 'slots']) {
    for (const [i, { name, shape, dtype }] of entries[group].entries()) {
      const length = shape.reduce((a, b) => a * b, dtype === 'bool' ? 1 : 4);
      const part = bytes.slice(at, (at += length));
      // Of masks the names tell which is which; of variables too, where they are the run's; else the order.
      if (group === 'masks')
        numbers[`${group} ${name}`] = [...new Int32Array(part.buffer)].sort((a, b) => a - b);
      else {
        const known = group === 'variables' && areKnown(entries.variables);
        numbers[`${group} ${known ? name : i}`] = [shape, Buffer.from(part).toString('hex')];
      }
    }
  }
  return { pruner, totalSteps, step, densities, optimizer: optimizer?.kind, numbers };
}

/** The header changed in its fields, the checksum made anew. */
function rewritten(bytes, random) {
  const first = bytes.indexOf(10) + 1;
  const second = bytes.indexOf(10, first) + 1;
  const decode = (from, to) => new TextDecoder().decode(bytes.subarray(from, to));
  const header = mutated(JSON.parse(decode(first, second)), random);
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes.subarray(second)]);
  const line = decode(0, first).replace(/[0-9a-f]+\n$/, `${checksum(body)}\n`);
  return new Uint8Array(Buffer.concat([Buffer.from(line), body]));
}

/** Refused by an error of its kind, or read as what was written. */
function judged(read, written, Refusal) {
  try {
    return agrees(read(), written) ? null : 'was read as something else';
  } catch (error) {
    return error instanceof Refusal && error.message ? null : `threw ${error}`;
  }
}

/** Whether what was read is what was written, but for fields that nobody asked for. */
function agrees(read, written) {
  if (
    Object.getPrototypeOf(read ?? 0) !== Object.prototype ||
    typeof written !== 'object' ||
    written === null
  ) {
    return isDeepStrictEqual(read, written);
  }
  return Object.entries(read).every(([key, value]) => agrees(value, written[key]));
}
