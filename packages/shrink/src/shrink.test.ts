import { sparsify } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { shrink } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const { layers } = tf;

/** The largest difference of the two models' predictions of random inputs. */
function difference(before: tf.LayersModel, after: tf.LayersModel): number {
  return tf.tidy(() => {
    const x = before.inputs.map(({ shape }, i) =>
      tf.randomNormal([4, ...shape.slice(1).map((length) => length ?? 5)], 0, 1, 'float32', 7 + i),
    );
    const [own, others] = [before, after].map((model) => [model.predict(x)].flat());
    return Math.max(...own!.map((y, i) => y.sub(others![i]!).abs().max().dataSync()[0]!));
  });
}

/** Sets these rows of the last axis but one, or columns of the last, of a layer's weight to zero. */
function clear(layer: tf.layers.Layer, { rows = [], columns = [], weight = 0 }: Cleared): void {
  tf.tidy(() => {
    const values = layer.getWeights();
    const { shape } = values[weight]!;
    const [n, m] = shape.slice(-2) as [number, number];
    const keep = tf.buffer([n, m], 'float32', new Float32Array(n * m).fill(1));
    for (const i of rows) for (let j = 0; j < m; j++) keep.set(0, i, j);
    for (const j of columns) for (let i = 0; i < n; i++) keep.set(0, i, j);
    values[weight] = values[weight]!.mul(keep.toTensor());
    layer.setWeights(values);
  });
}

interface Cleared {
  readonly rows?: readonly number[];
  readonly columns?: readonly number[];
  /** Which of the layer's weights; the first when absent. */
  readonly weight?: number;
}

/** Biases and statistics that are not what they start as. */
function shaken(model: tf.LayersModel): void {
  tf.tidy(() =>
    model.setWeights(
      model
        .getWeights()
        .map((w, i) => (w.shape.length === 1 ? tf.randomUniform(w.shape, 0.2, 1, 'float32', i) : w)),
    ),
  );
}

const units = (report: Awaited<ReturnType<typeof shrink>>['report']) =>
  report.layers.map(({ units: of }) => of && `${of.before} → ${of.after}`);

describe('a perceptron', () => {
  function perceptron(activation: 'relu' | 'sigmoid' = 'relu') {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 6, inputShape: [4], activation }),
        layers.dense({ units: 5, activation }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    shaken(model);
    return model;
  }

  it('loses units that have no weights, whose constants go to the biases behind', async () => {
    const model = perceptron('sigmoid');
    clear(model.layers[0]!, { columns: [1, 4] });
    const { model: small, report } = await shrink(model);
    expect(units(report)).toEqual(['6 → 4', '5 → 5', '3 → 3']);
    expect(report.parameters).toEqual({ before: 30 + 35 + 18, after: 20 + 25 + 18 });
    expect(report.multiplyAdds).toEqual({ before: 24 + 30 + 15, after: 16 + 20 + 15 });
    expect(report.stayed).toEqual([]);
    expect(difference(model, small)).toBeLessThan(1e-6);
    expect(small.layers.map((layer) => layer.getClassName())).toEqual(['Dense', 'Dense', 'Dense']);
  });

  it('loses units that nothing computes with, and those before that only they did', async () => {
    const model = perceptron();
    // The third layer ignores units 0 and 2 of the second; unit 5 of the first reaches these alone.
    clear(model.layers[2]!, { rows: [0, 2] });
    const second = model.layers[1]!;
    const [kernel, bias] = second.getWeights();
    const numbers = kernel!.arraySync() as number[][];
    [1, 3, 4].forEach((j) => (numbers[5]![j] = 0));
    second.setWeights([tf.tensor2d(numbers), bias!]);
    const { model: small, report } = await shrink(model);
    expect(units(report)).toEqual(['6 → 5', '5 → 3', '3 → 3']);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });

  it('becomes constant layer by layer: a unit whose inputs are all constant is so itself', async () => {
    const model = perceptron('sigmoid');
    clear(model.layers[0]!, { columns: [0, 1] });
    // Unit 3 of the second computes with those two alone.
    const second = model.layers[1]!;
    const [kernel, bias] = second.getWeights();
    const numbers = kernel!.arraySync() as number[][];
    [2, 3, 4, 5].forEach((c) => (numbers[c]![3] = 0));
    second.setWeights([tf.tensor2d(numbers), bias!]);
    const { model: small, report } = await shrink(model);
    expect(units(report)).toEqual(['6 → 4', '5 → 4', '3 → 3']);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });

  it('keeps its inputs and outputs, and says so', async () => {
    const model = perceptron();
    clear(model.layers[0]!, { rows: [1, 2] });
    clear(model.layers[2]!, { columns: [0] });
    const { model: small, report } = await shrink(model);
    const [first, , last] = model.layers.map(({ name }) => name);
    expect(report.stayed).toEqual([
      { name: `${first}/kernel`, of: 'inputs', count: 2, reason: 'it is an input of the model' },
      { name: `${last}/kernel`, of: 'outputs', count: 1, reason: 'it is an output of the model' },
    ]);
    expect(report.parameters.after).toBe(report.parameters.before);
    expect(difference(model, small)).toBe(0);
  });

  it('keeps a unit where all could go', async () => {
    const model = perceptron();
    clear(model.layers[0]!, { columns: [0, 1, 2, 3, 4, 5] });
    const { model: small, report } = await shrink(model);
    expect(units(report)).toEqual(['6 → 1', '5 → 1', '3 → 3']);
    expect(report.stayed.map(({ of, count, reason }) => [of, count, reason])).toEqual([
      ['inputs', 4, 'it is an input of the model'],
      ['outputs', 1, 'one is to be left'],
    ]);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });

  it('without biases gets one where a constant is to be added', async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 4, inputShape: [3], activation: 'sigmoid', useBias: false }),
        layers.dense({ units: 2, useBias: false }),
      ],
    });
    clear(model.layers[0]!, { columns: [2] }); // sigmoid(0) = ½
    const { model: small } = await shrink(model);
    expect(small.getWeights().map(({ shape }) => shape)).toEqual([[3, 3], [3, 2], [2]]);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });
});

describe('a convolutional network', () => {
  function network(padding: 'valid' | 'same') {
    const model = tf.sequential({
      layers: [
        layers.conv2d({ inputShape: [8, 8, 2], filters: 6, kernelSize: 3, padding, useBias: false }),
        layers.batchNormalization(),
        layers.activation({ activation: 'relu' }),
        layers.depthwiseConv2d({ kernelSize: 3, padding, depthMultiplier: 2 }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.separableConv2d({ filters: 4, kernelSize: 2, padding, activation: 'tanh' }),
        layers.dropout({ rate: 0.5 }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ],
    });
    shaken(model);
    return model;
  }

  it('loses filters, through normalisation, depthwise and separable convolutions and flattening', async () => {
    const model = network('valid');
    clear(model.layers[0]!, { columns: [0, 3] });
    clear(model.layers[5]!, { columns: [1], weight: 1 });
    const { model: small, report } = await shrink(model);
    expect(units(report)).toEqual(['6 → 4', '6 → 4', '12 → 8', '4 → 3', '3 → 3']);
    expect(report.stayed).toEqual([]);
    expect(difference(model, small)).toBeLessThan(1e-5);
  });

  it('keeps a constant that padding with zeros would show at the border, and says so', async () => {
    const model = network('same');
    clear(model.layers[0]!, { columns: [0, 3] });
    // The first is zero behind its activation, and its depthwise kernels have no bias to add: it goes.
    const [gamma, beta, mean, variance] = model.layers[1]!.getWeights().map((w) => w.arraySync() as number[]);
    beta![0] = -5;
    model.layers[1]!.setWeights([gamma, beta, mean, variance].map((w) => tf.tensor1d(w!)));
    const [kernel] = model.layers[3]!.getWeights();
    model.layers[3]!.setWeights([kernel!, tf.zeros([12])]);
    const { model: small, report } = await shrink(model);
    expect(units(report)).toEqual(['6 → 5', '6 → 5', '12 → 10', '4 → 4', '3 → 3']);
    expect(report.stayed).toEqual([
      {
        ...{ name: `${model.layers[0]!.name}/kernel`, of: 'outputs', count: 1 },
        reason: `${model.layers[5]!.name} computes with it`,
      },
    ]);
    expect(difference(model, small)).toBeLessThan(1e-5);
  });
});

describe('branches', () => {
  function residual(read: readonly number[]) {
    const input = tf.input({ shape: [5] });
    const dense = (more: object) => layers.dense({ units: 6, activation: 'sigmoid', ...more });
    const [one, two] = [dense({ name: 'one' }), dense({ name: 'two' })];
    const sum = layers
      .add({ name: 'sum' })
      .apply([one.apply(input), two.apply(input)] as tf.SymbolicTensor[]);
    const last = layers.dense({ units: 2, name: 'last' });
    const model = tf.model({ inputs: input, outputs: last.apply(sum) as tf.SymbolicTensor });
    shaken(model);
    clear(last, { rows: [0, 1, 2, 3, 4, 5].filter((c) => !read.includes(c)) });
    return { model, one, two };
  }

  it('that are added lose a channel that is constant in all of them, or that nothing computes with', async () => {
    const { model, one, two } = residual([0, 1, 2, 3]);
    clear(one, { columns: [0, 1] });
    clear(two, { columns: [1, 2] });
    const { model: small, report } = await shrink(model);
    // 4 and 5 are not computed with, 1 is constant on both sides.
    expect(units(report)).toEqual(['6 → 3', '6 → 3', '2 → 2']);
    expect(report.stayed).toEqual([
      { name: 'one/kernel', of: 'outputs', count: 1, reason: 'last computes with it' },
      { name: 'two/kernel', of: 'outputs', count: 1, reason: 'last computes with it' },
    ]);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });

  it('that are joined side by side lose channels of their own', async () => {
    const input = tf.input({ shape: [4, 4, 2] });
    const conv = (filters: number) => layers.conv2d({ filters, kernelSize: 1, activation: 'tanh' });
    const [one, two, last] = [conv(3), conv(4), conv(2)];
    const joined = layers.concatenate().apply([one.apply(input), two.apply(input)] as tf.SymbolicTensor[]);
    const pooled = layers.globalAveragePooling2d({}).apply(last.apply(joined));
    const model = tf.model({ inputs: input, outputs: pooled as tf.SymbolicTensor });
    shaken(model);
    clear(one, { columns: [0] });
    clear(last, { rows: [3 + 2] });
    const { model: small, report } = await shrink(model);
    expect(units(report)).toEqual(['3 → 2', '4 → 3', '2 → 2']);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });
});

describe('layers that are used more than once', () => {
  it('lose what no use of them needs', async () => {
    const input = tf.input({ shape: [4] });
    const shared = layers.dense({ units: 4, activation: 'relu' });
    const [last, other] = [layers.dense({ units: 1 }), layers.dense({ units: 4, activation: 'sigmoid' })];
    const once = shared.apply(other.apply(input));
    const twice = shared.apply(once);
    const model = tf.model({ inputs: input, outputs: last.apply(twice) as tf.SymbolicTensor });
    shaken(model);
    // Unit 2 of both: zero rows in the shared kernel let the other's go; its own column is read by nobody.
    clear(shared, { rows: [2], columns: [3] });
    clear(last, { rows: [2] });
    const { model: small, report } = await shrink(model);
    expect(units(report)).toEqual(['4 → 3', '4 → 3', '1 → 1']);
    expect(report.stayed).toHaveLength(1);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });

  it('lie in models inside the model, whose inputs shrink with them', async () => {
    const encoder = tf.sequential({
      name: 'encoder',
      layers: [
        layers.dense({ units: 6, inputShape: [5], activation: 'sigmoid' }),
        layers.dense({ units: 3, activation: 'relu' }),
      ],
    });
    const input = tf.input({ shape: [4] });
    const first = layers.dense({ units: 5, activation: 'sigmoid', name: 'first' });
    const last = layers.dense({ units: 2, name: 'last' });
    const model = tf.model({
      inputs: input,
      outputs: last.apply(encoder.apply(first.apply(input))) as tf.SymbolicTensor,
    });
    shaken(model);
    clear(first, { columns: [1] });
    clear(encoder.layers[0]!, { rows: [0], columns: [2] });
    clear(last, { rows: [1] });
    const { model: small, report } = await shrink(model);
    expect(report.layers.map(({ name, units: of }) => [name.split('/')[0], of!.after])).toEqual([
      ['first', 3],
      ['encoder', 5],
      ['encoder', 2],
      ['last', 2],
    ]);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });
});

describe('a layer without weights', () => {
  const input = () => tf.input({ shape: [3] });
  const dense = (count: number) => layers.dense({ units: count, activation: 'tanh' });

  it.each([
    ['add', 2, 3],
    ['add', 3, 2],
    ['concatenate', 2, 3],
    ['concatenate', 3, 2],
  ] as const)('%s takes %d inputs, and %d another time', async (kind, first, second) => {
    const x = input();
    const layer = layers[kind]();
    const used = (count: number) =>
      layer.apply(Array.from({ length: count }, () => dense(4).apply(x) as tf.SymbolicTensor));
    const ends = [layers.dense({ units: 1, name: 'one' }), layers.dense({ units: 1, name: 'two' })];
    const made = ends.map((end, i) => end.apply(used(i === 0 ? first : second)) as tf.SymbolicTensor);
    const model = tf.model({ inputs: x, outputs: made });
    shaken(model);
    clear(ends[0]!, { rows: [1] });
    clear(ends[1]!, { rows: [2] });
    const { model: small, report } = await shrink(model);
    expect(report.parameters.after).toBeLessThan(report.parameters.before);
    expect(difference(model, small)).toBeLessThan(1e-6);
  });

  it.each([
    [2, 3],
    [3, 2],
  ])('flattens %d channels, and %d another time', async (first, second) => {
    const x = tf.input({ shape: [2, 2, 1] });
    const flatten = layers.flatten();
    const convs = [first, second].map((filters) => layers.conv2d({ filters, kernelSize: 1 }));
    const made = convs.map(
      (conv) => layers.dense({ units: 1 }).apply(flatten.apply(conv.apply(x))) as tf.SymbolicTensor,
    );
    const model = tf.model({ inputs: x, outputs: made });
    shaken(model);
    clear(convs[0]!, { columns: [0] });
    clear(convs[1]!, { columns: [1] });
    const { model: small, report } = await shrink(model);
    expect(units(report)).toContain('3 → 2');
    expect(difference(model, small)).toBeLessThan(1e-6);
  });
});

it('a model inside that is given other lengths than it was built for is refused', async () => {
  const inner = tf.sequential({ name: 'inner', layers: [layers.flatten({ inputShape: [4, 2] })] });
  const x = tf.input({ shape: [3, 2] });
  const outputs = layers.dense({ units: 1 }).apply(inner.apply(x)) as tf.SymbolicTensor;
  await expect(shrink(tf.model({ inputs: x, outputs }))).rejects.toThrow(
    'inner is built for inputs of shape [,4,2], and used on [,3,2]',
  );
});

describe('what nothing is taken out of', () => {
  it('is a depthwise convolution whose activation is one of all channels, and noise of a shape of its own', async () => {
    const model = tf.sequential({
      layers: [
        layers.conv2d({ inputShape: [4, 4, 2], filters: 3, kernelSize: 1 }),
        layers.depthwiseConv2d({ kernelSize: 1, activation: 'softmax' }),
        layers.conv2d({ filters: 2, kernelSize: 1 }),
        layers.dropout({ rate: 0.5, noiseShape: [4, 4, 4, 2] }),
        layers.conv2d({ filters: 2, kernelSize: 1 }),
      ],
    });
    shaken(model);
    clear(model.layers[2]!, { rows: [0] });
    clear(model.layers[4]!, { rows: [1] });
    const { model: small, report } = await shrink(model);
    expect(report.parameters.after).toBe(report.parameters.before);
    expect(report.stayed.map(({ reason }) => reason.replace(/^\S+ /, ''))).toEqual([
      'makes it: its activation, softmax, is one of all of its channels together',
      'makes it: its noise has a shape of its own',
    ]);
    expect(difference(model, small)).toBe(0);
  });

  it('keeps what it is given and what it makes, and is named', async () => {
    const model = tf.sequential({
      layers: [
        layers.embedding({ inputDim: 9, outputDim: 4, inputLength: 5 }),
        layers.lstm({ units: 3, name: 'memory' }),
        layers.dense({ units: 4, activation: 'relu' }),
        layers.layerNormalization({ name: 'normal' }),
        layers.dense({ units: 2 }),
      ],
    });
    shaken(model);
    clear(model.layers[0]!, { columns: [1] });
    clear(model.layers[1]!, { rows: [1] });
    clear(model.layers[2]!, { columns: [0], rows: [2] });
    const { report } = await shrink(model);
    expect(report.parameters.after).toBe(report.parameters.before);
    const why = (className: string) => `channels of a ${className} layer do not come and go one by one`;
    expect(report.stayed.map(({ of, count, reason }) => [of, count, reason])).toEqual([
      ['outputs', 1, `memory takes it: ${why('LSTM')}`],
      ['inputs', 1, `memory makes it: ${why('LSTM')}`],
      ['outputs', 1, `normal takes it: ${why('LayerNormalization')}`],
      ['rows', 1, why('LSTM')],
    ]);
  });

  it('is a layer whose activation is one of all units, but for its inputs', async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 4, inputShape: [3], activation: 'softmax', name: 'shares' }),
        layers.dense({ units: 2 }),
      ],
    });
    clear(model.layers[0]!, { columns: [0] });
    const { model: small, report } = await shrink(model);
    expect(report.stayed).toEqual([
      {
        ...{ name: 'shares/kernel', of: 'outputs', count: 1 },
        reason: 'shares makes it: its activation, softmax, is one of all of its units together',
      },
    ]);
    expect(difference(model, small)).toBe(0);
  });
});

describe('a pruned model', () => {
  async function pruned() {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 32, inputShape: [16], activation: 'relu' }),
        layers.dense({ units: 32, activation: 'relu' }),
        layers.dense({ units: 2 }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const pruning = await sparsify(model, magnitude(), {
      ...{ sparsity: 0.5, blockShape: [16, 1], minimumBlocks: 8, totalSteps: 4 },
    });
    const [x, y] = [tf.randomNormal([8, 16]), tf.randomNormal([8, 2])];
    for (let step = 0; step < 4; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
    }
    return { model, pruning, report: await pruning.finalize() };
  }

  it('in blocks as long as the kernel loses as many units as blocks', async () => {
    const { model, report } = await pruned();
    const { model: small, report: shrunk } = await shrink(model, report);
    expect(shrunk.layers[0]!.units).toEqual({ before: 32, after: 16 });
    expect(difference(model, small)).toBeLessThan(1e-5);
  });

  it('trains on, and is saved and loaded as any other', async () => {
    const { model, report } = await pruned();
    const { model: small } = await shrink(model, report);
    small.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    await small.trainOnBatch(tf.ones([4, 16]), tf.ones([4, 2]));
    let saved: tf.io.ModelArtifacts | null = null;
    await small.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      }),
    );
    expect(difference(small, await tf.loadLayersModel(tf.io.fromMemory(saved!)))).toBe(0);
  });

  it('that was trained since, or is another than the report is of, is refused', async () => {
    const { model, report } = await pruned();
    await model.trainOnBatch(tf.ones([4, 16]), tf.ones([4, 2]));
    await expect(shrink(model, report)).rejects.toThrow(/are not zero any more. The model was trained/);
    const other = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [2] })] });
    await expect(shrink(other, report)).rejects.toThrow(/report is of another model/);
  });

  it('whose report is of a kernel of another shape is refused', async () => {
    const { model, report } = await pruned();
    const turned = report.pruned.map((kernel) => ({ ...kernel, matrixShape: [32, 16] as [number, number] }));
    await expect(shrink(model, { ...report, pruned: turned })).rejects.toThrow(/is of another shape/);
  });

  it('that is kept at its zeros is refused until it is released', async () => {
    const model = tf.sequential({ layers: [layers.dense({ units: 20, inputShape: [20], name: 'kept' })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const target = { sparsity: 0.5, blockShape: [20, 1], minimumBlocks: 1, totalSteps: 4 } as const;
    const pruning = await sparsify(model, magnitude(), target);
    for (let step = 0; step < 4; step++) {
      await model.trainOnBatch(tf.ones([4, 20]), tf.ones([4, 20]));
      await pruning.step();
    }
    const report = await pruning.finalize({ keepZeros: true });
    await expect(shrink(model, report)).rejects.toThrow(/^kept is kept at its zeros.*release\(\) it first/);
    pruning.release();
    await shrink(model, report);
  });

  it('that is under pruning is refused', async () => {
    const model = tf.sequential({ layers: [layers.dense({ units: 20, inputShape: [20] })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: 4 } as const;
    const pruning = await sparsify(model, magnitude(), target);
    await expect(shrink(model)).rejects.toThrow(/is under pruning: finalize\(\) the run/);
    pruning.abandon();
  });
});

describe('what is no model, or none that can be shrunk', () => {
  it.each([undefined, null, 3, {}])('%j is refused', async (model) => {
    await expect(shrink(model as never)).rejects.toThrow(/shrink\(\) takes a tf.LayersModel/);
  });

  it.each([null, 3, {}, { pruned: 3 }, { pruned: [null] }])('%j is no report', async (report) => {
    const model = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [2] })] });
    await expect(shrink(model, report as never)).rejects.toThrow(/shrink\(\).*report of finalize\(\)/);
  });

  it('has a method of its own, or weights that are not finite', async () => {
    const model = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [2], name: 'odd' })] });
    model.setWeights([tf.tensor2d([1, NaN, 0, 0], [2, 2]), tf.zeros([2])]);
    await expect(shrink(model)).rejects.toThrow('odd/kernel has NaN among its weights');
    model.setWeights([tf.zeros([2, 2]), tf.zeros([2])]);
    model.layers[0]!.call = () => tf.zeros([1, 2]);
    await expect(shrink(model)).rejects.toThrow('odd has a call() of its own');
  });
});

describe('a copy', () => {
  it('is refused where tfjs makes another model of the serialisation', async () => {
    const x = tf.input({ shape: [3] });
    // The second call of the one is made late, and with it the first of the other.
    const [late, shared] = [layers.reLU(), layers.activation({ activation: 'tanh' })];
    const again = late.apply(layers.dense({ units: 3 }).apply(late.apply(x)));
    const first = shared.apply(again) as tf.SymbolicTensor;
    const second = shared.apply(x) as tf.SymbolicTensor;
    const joined = layers.concatenate({ name: 'joined' }).apply([first, second]);
    const model = tf.model({
      inputs: x,
      outputs: layers.dense({ units: 1 }).apply(joined) as tf.SymbolicTensor,
    });
    const tensors = tf.memory().numTensors;
    await expect(shrink(model)).rejects.toThrow(`${model.name} calls its layers otherwise than the copy`);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('is refused where a layer of your own does not tell its units', async () => {
    class Times extends layers.Layer {
      static readonly className = 'TimesOfShrink';
      readonly units: number;
      constructor({ units = 1, ...config }: { units?: number } = {}) {
        super(config as never);
        this.units = units;
      }
      override call(x: tf.Tensor | tf.Tensor[]) {
        return [x].flat()[0]!.mul(this.units);
      }
    }
    tf.serialization.registerClass(Times as never);
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 3, inputShape: [2] }),
        new Times({ units: 5 }),
        layers.dense({ units: 1 }),
      ],
    });
    await expect(shrink(model)).rejects.toThrow(/has 5 in its field units, a copy .* 1/);
  });

  it('makes no first weights, and has the initialisers of the model', async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 4, inputShape: [4], kernelInitializer: 'identity', activation: 'relu' }),
        layers.dense({ units: 3, kernelInitializer: 'orthogonal' }),
        layers.repeatVector({ n: 2 }),
        layers.bidirectional({ layer: layers.lstm({ units: 3 }) as never, mergeMode: 'sum' }),
      ],
    });
    clear(model.layers[0]!, { columns: [1] });
    const { model: small, report } = await shrink(model);
    expect(report.layers[0]!.units).toEqual({ before: 4, after: 3 });
    expect(difference(model, small)).toBeLessThan(1e-6);
    const initialisers = (each: tf.LayersModel) =>
      JSON.stringify(each.toJSON(null, false)).match(/"\w+_initializer":\{.*?\}\}/g) ?? [];
    expect(initialisers(small)).toEqual(initialisers(model));
    expect(initialisers(small).join()).toMatch(/Identity.*Orthogonal/);
  });

  it('is as frozen as the model, and as the models inside it', async () => {
    const inner = tf.sequential({ layers: [layers.dense({ units: 3, inputShape: [2] })] });
    const model = tf.sequential({
      layers: [layers.timeDistributed({ layer: inner, inputShape: [4, 2] }), layers.dense({ units: 1 })],
    });
    inner.trainable = false;
    const train = async () => (await shrink(model)).model.trainableWeights.length;
    expect(await train()).toBe(model.trainableWeights.length);
    model.trainable = false;
    expect(await train()).toBe(0);
  });

  it('is refused of two layers that have one path', async () => {
    const x = tf.input({ shape: [3] });
    const inner = tf.sequential({
      name: 'inner',
      layers: [layers.dense({ units: 3, inputShape: [3], name: 'd' })],
    });
    const outputs = layers.dense({ units: 3, name: 'inner/d' }).apply(inner.apply(x)) as tf.SymbolicTensor;
    await expect(shrink(tf.model({ inputs: x, outputs }))).rejects.toThrow('inner/d is two layers');
  });
});

it('leaves no tensor behind but those of the copy', async () => {
  const model = tf.sequential({
    layers: [
      layers.conv2d({ inputShape: [6, 6, 2], filters: 4, kernelSize: 3, activation: 'relu' }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
  });
  clear(model.layers[0]!, { columns: [0] });
  const before = tf.memory().numTensors;
  const { model: small } = await shrink(model);
  expect(tf.memory().numTensors).toBe(before + small.weights.length);
  small.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
