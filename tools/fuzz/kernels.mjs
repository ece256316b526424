/**
 * Calls of every kernel that Espalier has for wasm, with sizes, attributes and tensors that are wrong: each is refused, or
 * computes within its own tensors. Between the tensors lie others, the guards, whose bits must stay as they are; so must
 * those of the inputs. Each call is made twice, with other numbers in the guards: the results must be the same bits, or the
 * kernel has read what is not its own.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

import { badError, bitsOf, guardsOf, isUntouched } from './judge.mjs';
import { mutated, randomOf } from './mutate.mjs';

/** Thrown in the place of what tfjs' own kernels would do: what they make of wrong sizes is not ours to mend. */
class LeftToTfjs extends Error {}

let recording = true;
await tf.setBackend('wasm');
const stock = new Map();
for (const kernel of tf.getKernelsForBackend('wasm')) {
  const kernelFunc = (call) => {
    if (recording) return kernel.kernelFunc(call);
    throw new LeftToTfjs('left to tfjs');
  };
  replaceKernel(kernel, kernelFunc);
  stock.set(kernel.kernelName, kernelFunc);
}
await import('@espalier/wasm-training');
const { BlockPattern } = await import('@espalier/blocks');
const { programs } = await import('./programs.mjs');

/** A kernel that takes longer than this on a few numbers hangs. */
const LONG_MS = 5_000;
const MOST_FLOATS = 1e6;

/**
 * @param {{ cases: number, seed?: number, onCase?: (seed: number) => void }} options
 * @returns {Promise<string[]>} what went wrong, with the seed of each case
 */
export async function fuzz({ cases, seed = 1, onCase = () => {} }) {
  const calls = recordedCalls();
  const missed = ownKernels().filter((name) => !calls.some((call) => call.name === name));
  const wrong = missed.map((name) => `${name} is called by none of the programs`);
  const before = tf.memory().numTensors;
  for (let i = 0; i < cases; i++) {
    onCase(seed + i);
    const random = randomOf(seed + i);
    const call = calls[Math.floor(random() * calls.length)];
    const why = oneCase(call, random);
    if (why) wrong.push(`${call.name}, seed ${seed + i}: ${why}`);
  }
  if (tf.memory().numTensors !== before) wrong.push(`${tf.memory().numTensors - before} tensors were left`);
  return wrong;
}

/** The names of the kernels that Espalier adds, and of those that it replaces. */
function ownKernels() {
  const own = tf
    .getKernelsForBackend('wasm')
    .filter((kernel) => stock.get(kernel.kernelName) !== kernel.kernelFunc);
  return own.map(({ kernelName }) => kernelName);
}

/** Each call of a kernel of ours that the programs make: its name, inputs and attributes, as plain values. */
function recordedCalls() {
  const calls = [];
  recording = true;
  const own = ownKernels().map((name) => tf.getKernel(name, 'wasm'));
  for (const kernel of own) {
    replaceKernel(kernel, (call) => {
      const inputs = Object.entries(call.inputs).filter(([, tensor]) => tensor);
      calls.push({
        name: kernel.kernelName,
        inputs: Object.fromEntries(
          inputs.map(([name, { shape, dtype }]) => [name, { shape: [...shape], dtype }]),
        ),
        attributes: plain(call.attrs ?? {}),
      });
      return kernel.kernelFunc(call);
    });
  }
  try {
    for (const program of programs) tf.tidy(() => void program());
  } finally {
    for (const kernel of own) replaceKernel(kernel, kernel.kernelFunc);
    recording = false;
  }
  return calls;
}

function replaceKernel(kernel, kernelFunc) {
  tf.unregisterKernel(kernel.kernelName, 'wasm');
  tf.registerKernel({ ...kernel, kernelFunc });
}

/** Attributes as plain values: a pattern by its fields, under a name of its own. */
function plain(attributes) {
  const { pattern, ...rest } = attributes;
  if (!(pattern instanceof BlockPattern)) return structuredClone(attributes);
  const { matrixShape, blockShape, pointers, indices } = pattern;
  const fields = {
    matrixShape: [...matrixShape],
    blockShape: [...blockShape],
    pointers: [...pointers],
    indices: [...indices],
  };
  return { ...structuredClone(rest), fields };
}

/** The way back. Every fourth pattern is written into after it was made. */
function revived({ fields, ...rest }, random) {
  if (fields === undefined) return rest;
  const pattern = new BlockPattern(fields);
  if (random() < 0.25) {
    const arrays = [pattern.pointers, pattern.indices, pattern.offsets].filter(({ length }) => length > 0);
    const array = arrays[Math.floor(random() * arrays.length)];
    array[Math.floor(random() * array.length)] = Math.floor(
      (random() - 0.5) * 2 ** Math.floor(32 * random()),
    );
  }
  return { ...rest, pattern };
}

/** Null, or what went wrong. */
function oneCase(call, random) {
  const changed = mutated(call, random);
  const seed = Math.floor(random() * 2 ** 32);
  const [first, second] = [1, 2].map((guards) => attempt(call, changed, randomOf(seed), randomOf(guards)));
  const same = first.results.every((values, i) =>
    values.every((bits, at) => bits === second.results[i]?.[at]),
  );
  return (
    first.why ??
    second.why ??
    (same ? null : 'gave other numbers in another place: it has read what is not its own')
  );
}

/** A call of a kernel, and what went wrong; with the bits of its results. */
function attempt(call, { inputs, attributes }, random, randomGuard) {
  const guards = guardsOf(tf, random, randomGuard);
  const kept = [];
  guards.add();
  const given = {};
  for (const [name, wanted] of Object.entries(inputs ?? {})) {
    const tensor = inputTensor(wanted, call.inputs[name], random);
    if (!tensor) continue;
    given[name] = tensor.tensor;
    kept.push(tensor);
    guards.add();
  }
  for (let i = 0; i < 4; i++) guards.add();
  const started = performance.now();
  let outputs = [];
  let why = null;
  try {
    const attrs = revived(attributes ?? {}, random);
    outputs = [tf.engine().runKernel(call.name, given, attrs)].flat();
  } catch (error) {
    why = badError(error);
  }
  guards.add();
  const took = performance.now() - started;
  if (took > LONG_MS) why = `took ${Math.round(took)} ms`;
  if (!guards.untouched()) why = 'wrote over its neighbours';
  // The updates of the optimisers use their operands up.
  if (!/Update$/.test(call.name) && !kept.every(isUntouched)) why = 'wrote over its inputs';
  const results = outputs.map(bitsOf);
  tf.dispose([...outputs, ...kept.map(({ tensor }) => tensor)]);
  guards.dispose();
  return { why, results };
}

/**
 * A tensor of the shape and type that are wanted, where there can be one; or one of the shape that is right, which in some
 * cases claims to be of that which is wanted.
 */
function inputTensor(wanted, right, random) {
  const { shape, dtype } = wanted ?? {};
  const type = dtype === 'int32' ? 'int32' : 'float32';
  const sound = Array.isArray(shape) && shape.every((length) => Number.isInteger(length) && length >= 0);
  const small = sound && shape.reduce((a, b) => a * b, 1) <= MOST_FLOATS;
  const claims = sound && (!small || random() < 0.1);
  const own = small && !claims ? shape : right?.shape;
  if (!own) return null;
  const length = own.reduce((a, b) => a * b, 1);
  const number = type === 'int32' ? () => Math.floor(random() * 4) : () => random() - 0.5;
  const values = (type === 'int32' ? Int32Array : Float32Array).from({ length }, number);
  const tensor = tf.tensor(values, [...own], type);
  if (claims) Object.defineProperty(tensor, 'shape', { value: shape });
  return { tensor, values };
}
