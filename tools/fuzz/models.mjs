/**
 * Compressed models as files, damaged: loaded, and asked for a prediction. A file is refused, or predicts the same bits, or
 * was changed where nothing vouches for it: without `checked()`, that is the graph and the layers that are not block-sparse.
 * A third of them is loaded without checksums, as what a program has written, and may predict anything. On wasm, with guards
 * beside the tensors.
 */
import { TextDecoder, TextEncoder } from 'node:util';

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { checked, compress, withoutChecksums } from '@espalier/block-sparse';

import { badError, bitsOf as bitsOfTensor, guardsOf } from './judge.mjs';
import { mutated, mutatedBytes, randomOf } from './mutate.mjs';

const LONG_MS = 10_000;
const MOST_UNITS = 1e4;
/** Of a few kilobytes of file no model may ask the backend for more than this. */
const MOST_WASM_BYTES = 512 * 2 ** 20;

await tf.setBackend('wasm');

/**
 * @param {{ cases: number, seed: number, onCase: (seed: number) => void }} options
 * @returns {Promise<string[]>}
 */
export async function fuzz({ cases, seed, onCase }) {
  const files = await Promise.all(Object.entries(models).map(([name, make]) => fileOf(name, make)));
  const wrong = [];
  for (let i = 0; i < cases; i++) {
    onCase(seed + i);
    const random = randomOf(seed + i);
    const file = files[Math.floor(random() * files.length)];
    const why = await oneCase(file, random);
    if (why) wrong.push(`${file.name}, seed ${seed + i}: ${why}`);
  }
  return wrong;
}

const {
  dense,
  conv1d,
  conv2d,
  embedding,
  flatten,
  gru,
  gruCell,
  lstm,
  lstmCell,
  rnn,
  simpleRNNCell,
  timeDistributed,
} = tf.layers;
const sequence = (...layers) => tf.sequential({ layers });

const models = {
  'a perceptron': () =>
    sequence(
      dense({ units: 16, inputShape: [12], activation: 'relu' }),
      dense({ units: 8, activation: 'softmax' }),
    ),
  'a perceptron with a layer that is dense': () =>
    sequence(dense({ units: 16, inputShape: [12], activation: 'tanh' }), dense({ units: 2 })),
  'a convolutional network': () =>
    sequence(
      conv2d({ filters: 8, kernelSize: 3, inputShape: [6, 5, 4], activation: 'relu', padding: 'same' }),
      conv2d({ filters: 8, kernelSize: 2, strides: 2 }),
      flatten(),
      dense({ units: 4 }),
    ),
  'a recurrent network': () =>
    sequence(lstm({ units: 8, inputShape: [5, 8], returnSequences: true }), gru({ units: 4 })),
  'a network of cells': () =>
    sequence(rnn({ cell: [lstmCell({ units: 8 }), gruCell({ units: 4 })], inputShape: [5, 8] })),
  'a network of a cell': () => sequence(rnn({ cell: simpleRNNCell({ units: 8 }), inputShape: [5, 8] })),
  'a network over sequences': () =>
    sequence(
      conv1d({ filters: 8, kernelSize: 3, inputShape: [9, 4] }),
      timeDistributed({ layer: dense({ units: 8 }) }),
    ),
  'an embedding': () =>
    sequence(embedding({ inputDim: 12, outputDim: 8, inputLength: 6 }), flatten(), dense({ units: 4 })),
  'a graph of layers': () => {
    const input = tf.input({ shape: [12] });
    const shared = dense({ units: 12, activation: 'relu' });
    const twice = shared.apply(shared.apply(input));
    return tf.model({ inputs: input, outputs: tf.layers.add().apply([twice, input]) });
  },
  'a model in a model': () => sequence(sequence(dense({ units: 8, inputShape: [12] })), dense({ units: 8 })),
};

/** How kernels are rounded in the file of one of them. */
const quantized = { 'a perceptron': 'uint8-block', 'a recurrent network': 'float16' };

/** A compressed model as what its file holds, its inputs, and what it predicts. */
async function fileOf(name, make) {
  const model = make();
  tf.tidy(() =>
    model.setWeights(
      model.getWeights().map((weight, i) => {
        const values = tf.randomNormal(weight.shape, 0, 1, 'float32', i + 1);
        // Every other block of four rows is zero.
        const rows = tf
          .range(0, weight.size)
          .div(weight.shape.at(-1) * 4)
          .floor()
          .mod(2)
          .equal(0);
        return weight.rank < 2 ? values : values.mul(rows.reshape(weight.shape).cast('float32'));
      }),
    ),
  );
  const small = await compress(model, { blockShape: [4, 4] });
  const isPlain = small.layers.some(
    (layer) => layer.weights.length > 0 && !layer.getClassName().startsWith('BlockSparse'),
  );
  let artifacts = null;
  const keep = async (saved) => {
    const { weightData, ...rest } = saved;
    artifacts = {
      ...JSON.parse(JSON.stringify(rest)),
      weightData: new Uint8Array(weightData).slice().buffer,
    };
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  };
  const quantize = quantized[name];
  await small.save(checked(tf.io.withSaveHandler(keep)), quantize && { quantize });
  const read = await tf.loadLayersModel(checked({ load: async () => structuredClone(artifacts) }));
  const shape = [3, ...small.inputs[0].shape.slice(1)];
  const floats = tf.randomNormal(shape, 0, 1, 'float32', 99);
  const x = name === 'an embedding' ? floats.abs().mul(4).floor() : floats;
  const expected = bitsOf(tf.tidy(() => read.predict(x)));
  const layers = Object.fromEntries(blockSparseIn(read).map((layer) => [layer.name, layerText(layer)]));
  // tfjs itself goes round for ever in a graph in which layers wait for one another.
  const isGraph = artifacts.modelTopology.class_name !== 'Sequential';
  for (const each of [model, small, read]) each.dispose();
  return { name, artifacts, x, expected, layers, isPlain, isGraph };
}

/** Null, or what went wrong. */
async function oneCase({ artifacts, x, expected, layers, isPlain, isGraph }, random) {
  const damaged = damagedBy(artifacts, random);
  if (damaged === null) return null;
  const by = pickHandler(damaged, isPlain, isGraph, random);
  const guards = guardsOf(tf, random);
  for (let i = 0; i < 4; i++) guards.add();
  const started = performance.now();
  const { model, error } = await loaded(damaged, by);
  guards.add();
  let why = error && badError(error);
  if (model) {
    const result = predicted(model, x);
    if (result.error)
      why =
        badError(result.error) ?? (by === checked ? `was loaded, and fails: ${result.error.message}` : null);
    else if (!sameBits(result.bits, expected) && by !== withoutChecksums) {
      const changed =
        by === checked
          ? ['the file']
          : blockSparseIn(model).filter((layer) => layers[layer.name] !== layerText(layer));
      if (changed.length > 0)
        why = `predicts otherwise: ${changed.map((part) => part.name ?? part).join()} was changed`;
    }
  }
  const took = performance.now() - started;
  if (took > LONG_MS) why = `took ${Math.round(took)} ms`;
  const { byteLength } = tf.backend().wasm.HEAPU8.buffer;
  if (byteLength > MOST_WASM_BYTES) why = `made the backend's memory ${byteLength} bytes`;
  if (!guards.untouched()) why = 'wrote over its neighbours';
  guards.dispose();
  tf.disposeVariables();
  return why;
}

/** Half of the files in the fields of their JSON, half in the bytes; null where no handler would read those as JSON. */
function damagedBy({ weightData, ...json }, random) {
  if (random() < 0.5) return { ...mutated(json, random), weightData };
  if (random() < 0.7)
    return { ...structuredClone(json), weightData: mutatedBytes(new Uint8Array(weightData), random).buffer };
  const bytes = mutatedBytes(new TextEncoder().encode(JSON.stringify(json)), random);
  try {
    return { ...JSON.parse(new TextDecoder().decode(bytes)), weightData };
  } catch {
    return null;
  }
}

const plainly = (handler) => handler;

/** How the file is loaded. */
function pickHandler(damaged, isPlain, isGraph, random) {
  // What tfjs makes of the sizes of a plain layer is its own: mended by checking the file before it is asked.
  const by = isPlain
    ? checked
    : [checked, isGraph ? checked : plainly, withoutChecksums][Math.floor(random() * 3)];
  // A program that writes a layer of a thousand million units is given them.
  return by === withoutChecksums && largestIn(damaged.modelTopology) > MOST_UNITS ? checked : by;
}

/** The largest number, but for those of patterns, which make nothing. */
function largestIn(value) {
  if (typeof value === 'number') return Math.abs(value);
  if (typeof value !== 'object' || value === null) return 0;
  const entries = Object.entries(value).filter(([key]) => key !== 'block_sparse');
  return entries.reduce((largest, [, entry]) => Math.max(largest, largestIn(entry)), 0);
}

async function loaded(artifacts, by) {
  const handler = { load: async () => artifacts };
  try {
    return { model: await tf.loadLayersModel(by(handler)) };
  } catch (error) {
    return { error };
  }
}

function predicted(model, x) {
  try {
    return { bits: bitsOf(tf.tidy(() => model.predict(x))) };
  } catch (error) {
    return { error };
  }
}

function blockSparseIn(container) {
  const { layers, layer, cell } = container;
  const inside = layers ?? (cell ? (cell.cells ?? [cell]) : [layer].filter(Boolean));
  return inside.flatMap((each) =>
    each.getClassName().startsWith('BlockSparse') && each.getClassName() !== 'BlockSparseRNN'
      ? [each]
      : blockSparseIn(each),
  );
}

/** A layer's configuration and weights, as the checksum has them. */
function layerText(layer) {
  return `${layer.getClassName()} ${layer.getConfig().checksum}`;
}

function bitsOf(result) {
  const tensors = [result].flat();
  const bits = tensors.map((tensor) => [...bitsOfTensor(tensor)]);
  tf.dispose(tensors);
  return bits.flat();
}

function sameBits(a, b) {
  return a.length === b.length && a.every((bits, i) => bits === b[i]);
}
