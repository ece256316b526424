/** Networks whose weights and outputs PyTorch computed (`fixtures/make.py`). */
import { magnitude } from '@espalier/magnitude';
import { sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import {
  loadSafetensors,
  readSafetensors,
  torchTensors,
  writeSafetensors,
  type LoadOptions,
  type SafeTensors,
  type TensorToWrite,
} from './index.js';
import { fixture, messageOf } from './test-support.js';

let tensors = 0;
beforeAll(() => tf.setBackend('cpu'));
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  tf.disposeVariables();
  expect(tf.memory().numTensors).toBeLessThanOrEqual(tensors);
});

const l = tf.layers;
const epsilon = 1e-5;
const lstm = { recurrentActivation: 'sigmoid', returnSequences: true } as const;
const inputsAndOutputs = (name: string) => name === 'x' || name === 'y';

/** As `make.py` has them, by name. */
const networks: Record<string, readonly [() => tf.LayersModel, LoadOptions?]> = {
  perceptron: [
    () =>
      tf.sequential({
        layers: [
          l.dense({ units: 8, inputShape: [6], name: 'fc1' }),
          l.batchNormalization({ epsilon, name: 'bn' }),
          l.reLU(),
          l.layerNormalization({ epsilon, name: 'ln' }),
          l.dense({ units: 3, useBias: false, name: 'fc2' }),
        ],
      }),
  ],
  images: [
    () =>
      tf.sequential({
        layers: [
          l.conv2d({ filters: 4, kernelSize: [3, 2], inputShape: [10, 9, 3], name: 'conv1' }),
          l.batchNormalization({ epsilon, name: 'bn1' }),
          l.activation({ activation: 'relu' }),
          l.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, name: 'depthwise' }),
          l.maxPooling2d({ poolSize: 2 }),
          l.conv2dTranspose({ filters: 5, kernelSize: [2, 3], name: 'up' }),
          l.flatten(),
          l.batchNormalization({ epsilon, name: 'bn2' }),
          l.dropout({ rate: 0.5 }),
          l.dense({ units: 3, name: 'fc' }),
        ],
      }),
  ],
  volumes: [
    () =>
      tf.sequential({
        layers: [
          l.conv3d({ filters: 3, kernelSize: [2, 1, 3], inputShape: [3, 4, 4, 2], name: 'conv' }),
          l.flatten(),
          l.dense({ units: 2, name: 'fc' }),
        ],
      }),
  ],
  signals: [
    () =>
      tf.sequential({
        layers: [
          l.conv1d({ filters: 3, kernelSize: 4, inputShape: [9, 2], name: 'conv' }),
          l.flatten(),
          l.dense({ units: 2, name: 'fc' }),
        ],
      }),
  ],
  sequences: [
    () =>
      tf.sequential({
        layers: [
          l.simpleRNN({ units: 5, inputShape: [7, 4], returnSequences: true, name: 'rnn' }),
          l.lstm({ units: 6, ...lstm, name: 'lstm_1' }),
          l.lstm({ units: 6, ...lstm, name: 'lstm_2' }),
          l.bidirectional({
            layer: l.lstm({ units: 3, ...lstm }) as tf.RNN,
            mergeMode: 'concat',
            name: 'both',
          }),
          l.flatten(),
          l.dense({ units: 2, name: 'fc' }),
        ],
      }),
    {
      names: {
        rnn: 'rnn.layer',
        lstm_1: 'lstm.layer',
        lstm_2: 'lstm.layer.*_l1',
        both: 'both.layer',
      },
    },
  ],
  words: [
    () =>
      tf.sequential({
        layers: [
          l.embedding({ inputDim: 11, outputDim: 4, inputLength: 5, name: 'embedding' }),
          l.flatten(),
          l.dense({ units: 2, name: 'fc' }),
        ],
      }),
  ],
  pruned: [
    () =>
      tf.sequential({
        layers: [l.dense({ units: 16, inputShape: [16], name: 'fc1' }), l.dense({ units: 2, name: 'fc2' })],
      }),
  ],
};

function tensorOf({ shape, data }: { shape: readonly number[]; data: unknown }): tf.Tensor {
  return tf.tensor(Array.from(data as Float32Array, Number), [...shape]);
}

function distance(model: tf.LayersModel, file: SafeTensors): number {
  return tf.tidy(() => {
    const y = model.predict(tensorOf(file.tensors.get('x')!)) as tf.Tensor;
    expect(y.shape).toEqual(file.tensors.get('y')!.shape);
    return y
      .sub(tensorOf(file.tensors.get('y')!))
      .abs()
      .max()
      .dataSync()[0]!;
  });
}

describe.each(Object.entries(networks))('the network %s', (name, [make, options = {}]) => {
  const file = readSafetensors(fixture(`${name}.safetensors`));

  it('computes what PyTorch computed', () => {
    const model = make();
    expect(distance(model, file)).toBeGreaterThan(1e-2);
    const { loaded, toCheck } = loadSafetensors(model, file, { ...options, ignore: inputsAndOutputs });
    expect(loaded.length).toBe(model.weights.length);
    expect(toCheck).toEqual([]);
    expect(distance(model, file)).toBeLessThan(2e-6);
    model.dispose();
  });

  it('goes back as it came', async () => {
    const model = make();
    loadSafetensors(model, file, { ...options, ignore: inputsAndOutputs });
    const back = await torchTensors(model, options);
    const { tensors: again } = readSafetensors(writeSafetensors(back));
    for (const [own, { shape, data }] of file.tensors) {
      if (/^[xy]$|num_batches_tracked|_orig$|_mask$|bias_[ih]h/.test(own)) continue;
      expect(again.get(own)).toMatchObject({ dtype: 'F32', shape, data });
    }
    const copy = make();
    loadSafetensors(copy, { tensors: again, metadata: {} }, options);
    expect(distance(copy, file)).toBeLessThan(2e-6);
    model.dispose();
    copy.dispose();
  });
});

it('a module that PyTorch pruned comes with its zeros, and says of what it was made', () => {
  const model = networks['pruned']![0]();
  const file = readSafetensors(fixture('pruned.safetensors'));
  const { loaded } = loadSafetensors(model, file, { ignore: inputsAndOutputs });
  expect(loaded[0]).toEqual({ weight: 'fc1/kernel', tensors: ['fc1.weight_orig', 'fc1.weight_mask'] });
  const kernel = model.getWeights()[0]!.arraySync() as number[][];
  const mask = file.tensors.get('fc1.weight_mask')!.data;
  kernel.forEach((row, i) => row.forEach((value, j) => expect(value === 0).toBe(mask[j * 16 + i] === 0)));
  model.dispose();
});

it('masks are those of the report, in PyTorch’s layout, and are read past by the loader', async () => {
  const model = tf.sequential({
    layers: [
      l.conv2d({ filters: 8, kernelSize: 2, inputShape: [4, 4, 4], useBias: false, name: 'conv' }),
      l.flatten(),
      l.dense({ units: 8, name: 'fc' }),
      l.dense({ units: 2, name: 'last' }),
    ],
  });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const run = await sparsify(model, magnitude(), {
    sparsity: 0.5,
    blockShape: [4, 4],
    totalSteps: 10,
    minimumBlocks: 8,
  });
  expect(await torchTensors(model).catch(String)).toContain('is under pruning: finalize() the run first');
  const report = await run.finalize();
  const out = await torchTensors(model, { report });
  expect([...out.keys()]).toEqual([
    'conv.weight',
    'conv.weight_mask',
    'fc.weight',
    'fc.weight_mask',
    'fc.bias',
    'last.weight',
    'last.bias',
  ]);
  for (const name of ['conv', 'fc']) {
    const [weight, mask] = [out.get(`${name}.weight`)!, out.get(`${name}.weight_mask`)!];
    expect(mask).toMatchObject({ dtype: 'BOOL', shape: weight.shape });
    // No weight is zero by chance.
    expect([...mask.data].map(Number)).toEqual(
      [...(weight.data as Float32Array)].map((value) => Number(value !== 0)),
    );
    const { blocks, keptBlocks } = report.pruned.find((kernel) => kernel.name === `${name}/kernel`)!;
    const ones = [...(mask.data as Uint8Array)].reduce((sum, bit) => sum + bit, 0);
    expect(ones).toBe((keptBlocks / blocks) * mask.data.length);
  }
  const before = model.getWeights().map((weight) => weight.dataSync());
  loadSafetensors(model, readSafetensors(writeSafetensors(out)));
  expect(model.getWeights().map((weight) => weight.dataSync())).toEqual(before);
  const other = { ...report, pruned: [{ ...report.pruned[0]!, name: 'other/kernel' }] };
  expect(await torchTensors(model, { report: other }).catch(String)).toContain(
    'this one has no other/kernel',
  );
  model.dispose();
});

/** A checkpoint of random numbers. */
function checkpoint(shapes: Record<string, number[]>): SafeTensors {
  const tensors = Object.entries(shapes).map(([name, shape]): [string, TensorToWrite] => {
    const size = shape.reduce((product, length) => product * length, 1);
    return [name, { shape, data: Float32Array.from({ length: size }, (_, i) => i + 1) }];
  });
  return readSafetensors(writeSafetensors(new Map(tensors)));
}

const small = () =>
  tf.sequential({
    layers: [l.dense({ units: 2, inputShape: [3], name: 'a' }), l.dense({ units: 2, name: 'b' })],
  });
const shapes = { 'a.weight': [2, 3], 'a.bias': [2], 'b.weight': [2, 2], 'b.bias': [2] };

describe('what does not fit', () => {
  it('is listed in one error, and nothing is loaded', () => {
    const model = small();
    const before = model.getWeights().map((weight) => weight.dataSync());
    const file = checkpoint({ 'a.weight': [3, 2], 'b.weight': [2, 2], 'c.weight': [1], 'd.bias': [1] });
    expect(messageOf(() => loadSafetensors(model, file))).toBe(
      "RangeError: loadSafetensors(): the checkpoint is not the model's: a.weight is [3, 2], and a/kernel takes [2, 3]; " +
        'a/bias finds no a.bias; b/bias finds no b.bias; no weight takes c.weight, d.bias',
    );
    expect(model.getWeights().map((weight) => weight.dataSync())).toEqual(before);
    model.dispose();
  });

  it('is named, left out or ignored by the caller', () => {
    const model = small();
    const renamed = checkpoint({ 'net.0.weight': [2, 3], 'net.0.bias': [2], 'head.weight': [7, 2] });
    const { loaded } = loadSafetensors(model, renamed, {
      names: { a: 'net.0', b: null },
      ignore: (name) => name.startsWith('head.'),
    });
    expect(loaded.map(({ tensors: [name] }) => name)).toEqual(['net.0.weight', 'net.0.bias']);
    const { loaded: byFunction } = loadSafetensors(model, renamed, {
      names: (layer) => (layer === 'a' ? 'net.0' : null),
      ignore: (name) => name.startsWith('head.'),
    });
    expect(byFunction).toEqual(loaded);
    const names = (given: unknown) =>
      messageOf(() => loadSafetensors(model, renamed, { names: given as never }));
    expect(names({ c: 'net.0' })).toContain("names tells of 'c' (a string), and the model's layers are a, b");
    expect(names({ a: '' })).toContain('that of a is');
    expect(names(['a'])).toContain('takes as names an object by layers');
    model.dispose();
  });

  it('is not float, or not finite', () => {
    const model = small();
    const file = checkpoint(shapes);
    const with_ = (name: string, data: Float32Array | Int8Array) => ({
      ...file,
      tensors: new Map([...file.tensors, [name, { ...file.tensors.get(name)!, data }]]),
    });
    const said = (of: SafeTensors) => messageOf(() => loadSafetensors(model, of));
    expect(said(with_('b.bias', Float32Array.of(1, NaN)))).toContain('b.bias holds NaN at place 1');
    expect(said(with_('b.bias', Float32Array.of(-Infinity, 1)))).toContain(
      'b.bias holds -Infinity at place 0',
    );
    expect(said(with_('b.bias', Int8Array.of(1, 2)))).toContain(
      'b.bias is a Int8Array, and b/bias takes floats',
    );
    model.dispose();
  });

  it.each<[string, tf.layers.Layer, string]>([
    [
      'a GRU',
      l.gru({ units: 2, inputShape: [3, 4], name: 'g' }),
      'g is a GRU, which computes otherwise than PyTorch',
    ],
    [
      'an LSTM as tfjs makes it',
      l.lstm({ units: 2, inputShape: [3, 4], name: 'g' }),
      "g has the activations tanh and hardSigmoid, and PyTorch's LSTM has tanh and sigmoid: make it with recurrentActivation: 'sigmoid'",
    ],
    [
      'a separable convolution',
      l.separableConv2d({ filters: 2, kernelSize: 2, inputShape: [4, 4, 2], name: 'g' }),
      'g is two modules in PyTorch',
    ],
    [
      'a PReLU',
      l.prelu({ inputShape: [4], name: 'g' }),
      'g is a PReLU, and no counterpart of it in PyTorch is known',
    ],
  ])('is %s, with the reason and the way out', async (_, layer, message) => {
    const model = tf.sequential({ layers: [layer] });
    const said = messageOf(() => loadSafetensors(model, checkpoint({})));
    expect(said).toContain(message);
    expect(await torchTensors(model).catch(String)).toContain(message);
    expect(loadSafetensors(model, checkpoint({}), { names: { g: null } }).loaded).toEqual([]);
    model.dispose();
  });

  it('is no model, no file, or an option that there is not', () => {
    const model = small();
    const file = checkpoint(shapes);
    const said = (...args: unknown[]) => messageOf(() => loadSafetensors(...(args as [never, never])));
    expect(said({}, file)).toContain('TypeError: loadSafetensors() takes a tf.LayersModel as its model');
    expect(said(model, new Uint8Array())).toContain(
      'TypeError: loadSafetensors() takes what readSafetensors() gives',
    );
    expect(said(model, file, { name: {} })).toContain("has no option 'name': did you mean names?");
    expect(said(model, file, { flattened: { a: [2, 2] } })).toContain(
      'a has 3 inputs, and the shape [2, 2] of what was flattened is one of 4',
    );
    model.dispose();
  });
});

describe('what was flattened', () => {
  const dense = l.dense;
  const image = { inputShape: [4, 4, 2] };
  const conv = () => l.conv2d({ filters: 2, kernelSize: 3, ...image, useBias: false, name: 'conv' });
  const file = checkpoint({ 'conv.weight': [2, 2, 3, 3], 'fc.weight': [1, 8] });
  const fc = () => dense({ units: 1, useBias: false, name: 'fc' });
  /** The kernel's rows, which are 1, 2, … in PyTorch. */
  const rows = (model: tf.LayersModel, from = file, options: LoadOptions = {}) => {
    loadSafetensors(model, from, { ignore: (name) => name.startsWith('conv'), ...options });
    const kernel = model.weights.at(-1)!.read().dataSync();
    model.dispose();
    return [...kernel];
  };
  // [c, h, w] = [2, 2, 2] is 1 … 8; [h, w, c] then 1, 5, 2, 6, ….
  const channelsLast = [1, 5, 2, 6, 3, 7, 4, 8];
  const oneOrder = [1, 2, 3, 4, 5, 6, 7, 8];

  it('goes channels last behind a convolution, through layers between and into models inside', () => {
    const inside = (...layers: tf.layers.Layer[]) => tf.sequential({ layers });
    expect(rows(tf.sequential({ layers: [conv(), l.leakyReLU(), l.flatten(), l.reLU(), fc()] }))).toEqual(
      channelsLast,
    );
    const nested = { names: (layer: string) => layer.split('/').at(-1)! };
    expect(rows(inside(inside(conv()), l.flatten(), fc()), file, nested)).toEqual(channelsLast);
    const head = inside(dense({ units: 1, useBias: false, name: 'fc', inputShape: [8] }));
    expect(rows(inside(conv(), l.flatten(), head), file, nested)).toEqual(channelsLast);
    const body = inside(conv(), l.flatten());
    expect(rows(inside(body, fc()), file, nested)).toEqual(channelsLast);
    const input = tf.input({ shape: [4, 4, 2] });
    const once = conv().apply(input) as tf.SymbolicTensor;
    const sum = l.add().apply([once, l.reLU().apply(once) as tf.SymbolicTensor]) as tf.SymbolicTensor;
    const outputs = fc().apply(l.flatten().apply(sum) as tf.SymbolicTensor) as tf.SymbolicTensor;
    expect(rows(tf.model({ inputs: input, outputs }))).toEqual(channelsLast);
  });

  it('stays where both flatten in one order', () => {
    const permuted = [conv(), l.permute({ dims: [3, 1, 2] }), l.flatten(), fc()];
    expect(rows(tf.sequential({ layers: permuted }))).toEqual(oneOrder);
    expect(rows(tf.sequential({ layers: [conv(), l.globalAveragePooling2d({}), fc()] }), checkpoint({ 'conv.weight': [2, 2, 3, 3], 'fc.weight': [1, 2] }))).toEqual([1, 2]); // prettier-ignore
    const first = l.conv2d({ filters: 2, kernelSize: 3, inputShape: [2, 4, 4], dataFormat: 'channelsFirst', useBias: false, name: 'conv' }); // prettier-ignore
    expect(rows(tf.sequential({ layers: [first, l.flatten(), fc()] }))).toEqual(oneOrder);
    expect(rows(tf.sequential({ layers: [l.flatten({ inputShape: [4, 2, 1] } as never), fc()] }))).toEqual(
      oneOrder,
    );
  });

  it('is asked for where the graph does not tell', () => {
    const input = () => tf.sequential({ layers: [l.flatten({ inputShape: [2, 2, 2] } as never), fc()] });
    const model = input();
    expect(messageOf(() => loadSafetensors(model, file))).toContain(
      'what fc takes was flattened from [2, 2, 2] of flatten_',
    );
    expect(messageOf(() => loadSafetensors(model, file))).toContain("flattened: { 'fc': [h, w, channels] }");
    model.dispose();
    expect(rows(input(), file, { flattened: { fc: [2, 2, 2] } })).toEqual(channelsLast);
    expect(rows(input(), file, { flattened: { fc: null } })).toEqual(oneOrder);
  });
});

it('what a checkpoint does not tell is said', () => {
  const model = tf.sequential({
    layers: [
      l.conv2d({ filters: 2, kernelSize: 3, strides: 2, padding: 'same', inputShape: [4, 4, 1], name: 'conv', useBias: false }), // prettier-ignore
      l.batchNormalization({ name: 'bn', center: false, scale: false }),
    ],
  });
  const file = checkpoint({ 'conv.weight': [2, 1, 3, 3], 'bn.running_mean': [2], 'bn.running_var': [2] });
  expect(loadSafetensors(model, file).toCheck).toEqual([
    expect.stringMatching(/^conv pads by 'same'/),
    expect.stringMatching(/^bn has the epsilon 0\.001, where PyTorch's modules have 1e-5/),
  ]);
  model.dispose();
});

describe('what is wrapped', () => {
  it('goes both ways: a layer of a model under TimeDistributed is named behind the wrapper', async () => {
    const inner = tf.sequential({
      name: 'steps',
      layers: [l.dense({ units: 2, inputShape: [3], name: 'inner' })],
    });
    const model = tf.sequential({
      layers: [
        l.timeDistributed({ layer: inner, name: 'td', inputShape: [4, 3] }),
        l.dense({ units: 1, name: 'out' }),
      ],
    });
    const names = ['td.inner.weight', 'td.inner.bias', 'out.weight', 'out.bias'];
    expect([...(await torchTensors(model)).keys()]).toEqual(names);
    const file = checkpoint(
      Object.fromEntries([[2, 3], [2], [1, 2], [1]].map((shape, i) => [names[i]!, shape])),
    );
    expect(loadSafetensors(model, file).loaded.map(({ tensors: [name] }) => name)).toEqual(names);
    // [out, in] = [[1, 2, 3], [4, 5, 6]].
    expect([...model.getWeights()[0]!.dataSync()]).toEqual([1, 4, 2, 5, 3, 6]);
    const renamed = await torchTensors(model, { names: { 'td/steps/inner': 'a', out: null } });
    expect([...renamed.keys()]).toEqual(['a.weight', 'a.bias']);
    model.dispose();
  });

  it('may be wrapped twice', async () => {
    const twice = l.timeDistributed({
      layer: l.timeDistributed({ layer: l.dense({ units: 2, name: 'inner' }), name: 'once' }),
      name: 'twice',
      inputShape: [4, 5, 3],
    });
    const model = tf.sequential({ layers: [twice] });
    const tensors = await torchTensors(model);
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ['twice.weight', [2, 3]],
      ['twice.bias', [2]],
    ]);
    model.dispose();
  });

  it('is a fault where a weight is in no layer that is known', async () => {
    const model = small();
    const hidden = l.dense({ units: 1, inputShape: [2], name: 'hidden' });
    hidden.build([null, 2]);
    // As of a container that keeps layers in a way of its own.
    Object.defineProperty(model, 'weights', { value: [...model.weights, ...hidden.weights] });
    const said = 'kernel of [2, 1] is in a layer that was not found in the model; bias of [1] is in';
    expect(messageOf(() => loadSafetensors(model, checkpoint(shapes)))).toContain(said);
    expect(await torchTensors(model).catch(String)).toContain(said);
    model.dispose();
  });
});

describe('features that were flattened, before layers over sequences', () => {
  const image = { filters: 2, kernelSize: 3, useBias: false, name: 'conv' } as const;
  const conv = () => l.conv2d({ ...image, inputShape: [4, 4, 2] });
  const stepped = (layer: tf.layers.Layer, inputShape?: number[]) =>
    l.timeDistributed({ layer, ...(inputShape && { inputShape }) });
  const rnn = () => l.simpleRNN({ units: 1, useBias: false, name: 'rnn' });
  // [c, h, w] = [2, 2, 2] is 1 … 8; [h, w, c] then 1, 5, 2, 6, ….
  const channelsLast = [1, 5, 2, 6, 3, 7, 4, 8];
  /** The rows of the first kernel of the last layer, which are 1, 2, … in PyTorch; or why there are none. */
  const rows = (
    layers: tf.layers.Layer[],
    flattened: LoadOptions['flattened'] = {},
    parameters: Record<string, number[]> = { weight_ih: [1, 8], weight_hh: [1, 1] },
  ) => {
    const model = tf.sequential({ layers });
    const last = model.layers.at(-1)!;
    const file = checkpoint(
      Object.fromEntries(Object.entries(parameters).map(([name, shape]) => [`last.${name}`, shape])),
    );
    try {
      loadSafetensors(model, file, {
        names: (layer) => (layer === last.name ? 'last' : null),
        flattened,
      });
      return [...last.getWeights()[0]!.dataSync()];
    } catch (error) {
      return (error as Error).message;
    } finally {
      model.dispose();
    }
  };

  it.each<[string, () => tf.layers.Layer[]]>([
    ['one step, by a reshape', () => [conv(), l.flatten(), l.reshape({ targetShape: [1, 8] }), rnn()]],
    ['one step, by a reshape alone', () => [conv(), l.reshape({ targetShape: [1, 8] }), rnn()]],
    ['the same at each step', () => [conv(), l.flatten(), l.repeatVector({ n: 3 }), l.reLU(), rnn()]],
    [
      'each step by itself',
      () => [stepped(l.conv2d(image), [5, 4, 4, 2]), stepped(l.reLU()), stepped(l.flatten()), rnn()],
    ],
    [
      'each step by a model',
      () => [stepped(tf.sequential({ layers: [conv(), l.flatten()] }), [5, 4, 4, 2]), rnn()],
    ],
    [
      'each step by models one after another',
      () => [
        stepped(tf.sequential({ layers: [conv()] }), [5, 4, 4, 2]),
        stepped(tf.sequential({ layers: [l.flatten({ inputShape: [2, 2, 2] } as never)] })),
        rnn(),
      ],
    ],
    ['behind a pooling over steps', () => [stepped(l.conv2d(image), [6, 4, 4, 2]), stepped(l.flatten()), l.maxPooling1d({ poolSize: 2 }), rnn()]], // prettier-ignore
  ])('are put in order: %s', (_, layers) => {
    expect(rows(layers())).toEqual(channelsLast);
  });

  it('are put in order for an LSTM of one or two directions, and for a dense layer at each step', () => {
    const lstm8 = () => l.lstm({ units: 2, ...lstm, useBias: false, name: 'lstm' });
    // Of the 8 gates by 8 inputs that PyTorch has, 1 … 64, a row here is one input's: those of gate 0 are 1 … 8.
    const firstGate = (kernel: number[] | string) => (kernel as number[]).filter((_, at) => at % 8 === 0);
    const shapes = { weight_ih_l0: [8, 8], weight_hh_l0: [8, 2] };
    const [body, head] = [() => stepped(l.conv2d(image), [5, 4, 4, 2]), () => stepped(l.flatten())];
    expect(firstGate(rows([body(), head(), lstm8()], {}, shapes))).toEqual(channelsLast);
    const both = l.bidirectional({ layer: lstm8() as tf.RNN, mergeMode: 'concat', name: 'both' });
    const reverse = { weight_ih_l0_reverse: [8, 8], weight_hh_l0_reverse: [8, 2] };
    expect(firstGate(rows([body(), head(), both], {}, { ...shapes, ...reverse }))).toEqual(channelsLast);
    const dense = () => l.dense({ units: 1, useBias: false });
    expect(rows([body(), head(), stepped(dense())], {}, { weight: [1, 8] })).toEqual(channelsLast);
    expect(rows([body(), head(), dense()], {}, { weight: [1, 8] })).toEqual(channelsLast);
  });

  it('are refused where the order is not that of the last axis alone', () => {
    const unknown = /the order is not to be told: flattened: \{ '/;
    const [body, head] = [() => stepped(l.conv2d(image), [5, 4, 4, 2]), () => stepped(l.flatten())];
    const dense = () => l.dense({ units: 1, useBias: false, name: 'fc' });
    expect(rows([conv(), l.flatten(), l.reshape({ targetShape: [2, 4] }), rnn()])).toMatch(unknown);
    expect(rows([conv(), l.flatten(), l.reshape({ targetShape: [8, 1] }), rnn()])).toMatch(unknown);
    expect(rows([conv(), l.reshape({ targetShape: [2, 4] }), rnn()])).toMatch(unknown);
    expect(rows([body(), head(), l.flatten(), dense()])).toMatch(unknown);
    expect(rows([body(), l.flatten(), dense()])).toMatch(unknown);
    expect(rows([body(), head(), l.permute({ dims: [2, 1] }), rnn()])).toMatch(unknown);
    expect(rows([body(), head(), l.conv1d({ filters: 1, kernelSize: 2, name: 'c' })])).toContain(
      'c takes what was flattened from [2, 2, 2], which PyTorch has in another order',
    );
    // What the caller says is taken.
    const asked = () => [conv(), l.flatten(), l.reshape({ targetShape: [8, 1] }), l.permute({ dims: [2, 1] }), rnn()]; // prettier-ignore
    expect(rows(asked())).toMatch(unknown);
    expect(rows(asked(), { rnn: [2, 2, 2] })).toEqual(channelsLast);
    expect(rows(asked(), { rnn: null })).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('are let be where there was one order', () => {
    const same = [1, 2, 3, 4, 5, 6, 7, 8];
    const rows8 = (...layers: tf.layers.Layer[]) => rows([...layers, rnn()]);
    expect(rows8(l.reshape({ targetShape: [2, 8], inputShape: [16] } as never))).toEqual(same);
    expect(rows8(l.reshape({ targetShape: [3, 8], inputShape: [3, 8, 1] } as never))).toEqual(same);
    expect(rows8(l.conv2d({ ...image, filters: 8, inputShape: [4, 4, 2] }), l.reshape({ targetShape: [4, 8] }))).toEqual(same); // prettier-ignore
    expect(rows8(l.conv1d({ ...image, filters: 8, inputShape: [6, 2] }))).toEqual(same);
    expect(rows8(l.dense({ units: 8, inputShape: [3] }), l.repeatVector({ n: 2 }))).toEqual(same);
  });

  it('are found at once through very many ways', () => {
    const input = tf.input({ shape: [4, 4, 2] });
    let x = l.flatten().apply(conv().apply(input)) as tf.SymbolicTensor;
    for (let i = 0; i < 40; i++) x = l.add().apply([x, l.reLU().apply(x) as tf.SymbolicTensor]) as tf.SymbolicTensor; // prettier-ignore
    const outputs = l.dense({ units: 1, useBias: false, name: 'fc' }).apply(x) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs });
    loadSafetensors(model, checkpoint({ 'fc.weight': [1, 8] }), { names: { conv: null } });
    expect([...model.getLayer('fc').getWeights()[0]!.dataSync()]).toEqual(channelsLast);
    model.dispose();
  });
});

it('padding, slopes and activations that are not PyTorch’s are said', () => {
  const pool = { padding: 'same' } as const;
  const model = tf.sequential({
    layers: [
      l.maxPooling2d({ ...pool, poolSize: 2, inputShape: [9, 9, 1], name: 'even' }),
      l.maxPooling2d({ ...pool, poolSize: 3, strides: 1, name: 'odd' }),
      l.averagePooling2d({ ...pool, poolSize: 3, strides: 1, name: 'mean' }),
      l.maxPooling2d({ poolSize: 2, name: 'valid' }),
      l.leakyReLU({ name: 'steep' }),
      l.leakyReLU({ alpha: 0.01, name: 'flat' }),
      l.timeDistributed({ layer: l.leakyReLU({ name: 'inside' }), name: 'td' }),
    ],
  });
  expect(loadSafetensors(model, checkpoint({})).toCheck).toEqual([
    expect.stringMatching(/^even pads by 'same', with the odd pixel behind/),
    expect.stringMatching(/^mean pads by 'same'.*count_include_pad=False$/),
    expect.stringMatching(/^steep has the slope 0\.3, where PyTorch's nn\.LeakyReLU has 0\.01/),
    expect.stringMatching(/^td\/inside has the slope 0\.3/),
  ]);
  model.dispose();
});
