import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { layerKernels, sparsify } from '../index.js';
import type { Importance, Pruner } from '../pruner.js';
import { identity } from '../parameterisations.js';
import { densePhase, sparsePhase } from '../search/phases.js';
import { inputNormsOf } from './input-norms.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const { layers } = tf;

/** What the norms were when blocks were chosen, by kernel. */
type Seen = Record<string, { shape: number[]; values: number[] }>;

function lookingAt(seen: Seen): Pruner {
  const importance: Importance = {
    name: 'what is seen of inputs',
    usesInputs: true,
    score: (kernel) => {
      const norms = kernel.inputNorms();
      seen[kernel.name] = { shape: norms.shape, values: Array.from(norms.dataSync()) };
      return tf.ones([...kernel.grid.gridShape]);
    },
  };
  return {
    ...{ name: 'looking', description: 'Looks at inputs', source: 'this test', settings: {} },
    ...{ parameterisation: identity, importance },
    search: { name: 'at the end', phases: [densePhase(0.5), sparsePhase(0.5)], prunedWeights: 'masked' },
  };
}

const target = { sparsity: 0.5, blockShape: [1, 1], minimumBlocks: 1, totalSteps: 2 } as const;

/** The norms of a model's kernels over some inputs. */
async function normsOf(model: tf.LayersModel, calibration: tf.Tensor | tf.Tensor[]): Promise<Seen> {
  const seen: Seen = {};
  const pruning = await sparsify(model, lookingAt(seen), { ...target, calibration, optimizer: null });
  const before = tf.memory().numTensors;
  await pruning.step();
  expect(Object.keys(seen)).toHaveLength(pruning.kernels.length);
  // A mask for each kernel, and nothing else.
  const masks = pruning.kernels.reduce((sum, { maskTensors }) => sum + maskTensors, 0);
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(masks);
  pruning.abandon();
  return seen;
}

function close(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
}

/**
 * What each tap and channel of a 2-D convolution meets, place by place: the inputs at `place · stride + tap · dilation −
 * padding`, where there are any.
 */
function patches(
  x: number[][][][],
  { size, stride, dilation, padding }: { size: number; stride: number; dilation: number; padding: string },
): number[] {
  const [height, width, channels] = [x[0]!.length, x[0]![0]!.length, x[0]![0]![0]!.length];
  const reach = (size - 1) * dilation + 1;
  const placesOf = (length: number) =>
    padding === 'same' ? Math.ceil(length / stride) : Math.floor((length - reach) / stride) + 1;
  const before = (length: number) =>
    padding === 'same' ? Math.floor(Math.max((placesOf(length) - 1) * stride + reach - length, 0) / 2) : 0;
  const norms: number[] = [];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (const image of x) {
          for (let p = 0; p < placesOf(height); p++) {
            for (let q = 0; q < placesOf(width); q++) {
              const row = p * stride + i * dilation - before(height);
              const column = q * stride + j * dilation - before(width);
              sum += (image[row]?.[column]?.[c] ?? 0) ** 2;
            }
          }
        }
        norms.push(Math.sqrt(sum));
      }
    }
  }
  return norms;
}

describe('the norms of what comes to a kernel', () => {
  it('of dense layers are those of each feature, over examples and places, of the second as the first makes it', async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 2, inputShape: [2], useBias: false, activation: 'relu', name: 'one' }),
        layers.dense({ units: 1, name: 'two' }),
      ],
    });
    model.layers[0]!.setWeights([
      tf.tensor2d([
        [1, -1],
        [2, 0],
      ]),
    ]);
    const seen = await normsOf(
      model,
      tf.tensor2d([
        [3, 0],
        [4, 1],
        [0, -2],
      ]),
    );
    // Features 3, 4, 0 and 0, 1, −2; then relu(x₁ + 2 x₂) = 3, 6, 0 and relu(−x₁) = 0.
    close(seen['one/kernel']!.values, [5, Math.sqrt(5)]);
    close(seen['two/kernel']!.values, [Math.sqrt(45), 0]);
    expect(seen['one/kernel']!.shape).toEqual([2, 1]);
  });

  it('go over more examples than a batch', async () => {
    const model = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [1], name: 'one' })] });
    const seen = await normsOf(model, tf.ones([169, 1]));
    close(seen['one/kernel']!.values, [13]);
  });

  it('go over other numbers of examples than those that a model was built for', async () => {
    const rnn = layers.simpleRNN({ units: 2, batchInputShape: [2, 3, 1], name: 'rnn' });
    const seen = await normsOf(tf.sequential({ layers: [rnn] }), tf.ones([5, 3, 1]));
    close(seen['rnn/kernel']!.values, [Math.sqrt(15)]);
  });

  it.each([
    { size: 3, stride: 1, dilation: 1, padding: 'valid' },
    { size: 3, stride: 1, dilation: 1, padding: 'same' },
    { size: 3, stride: 2, dilation: 1, padding: 'same' },
    { size: 2, stride: 2, dilation: 1, padding: 'valid' },
    { size: 2, stride: 1, dilation: 2, padding: 'same' },
    { size: 1, stride: 2, dilation: 1, padding: 'same' },
  ] as const)('of convolutions are those of the patches: $size, stride $stride, $padding', async (how) => {
    const { size, stride, dilation, padding } = how;
    const fields = {
      kernelSize: size,
      strides: stride,
      dilationRate: dilation,
      padding,
      inputShape: [5, 6, 2],
    };
    const x = tf.randomNormal<tf.Rank.R4>([3, 5, 6, 2], 0, 1, 'float32', 1);
    const expected = patches(x.arraySync(), how);
    const conv = tf.sequential({ layers: [layers.conv2d({ ...fields, filters: 3, name: 'conv' })] });
    const seen = await normsOf(conv, x);
    expect(seen['conv/kernel']!.shape).toEqual([size * size * 2, 1]);
    close(seen['conv/kernel']!.values, expected);
    // Each channel's own filters, two a channel: a column each.
    const depthwise = tf.sequential({
      layers: [layers.depthwiseConv2d({ ...fields, depthMultiplier: 2, name: 'deep' })],
    });
    const deep = (await normsOf(depthwise, x))['deep/depthwiseKernel']!;
    expect(deep.shape).toEqual([size * size, 4]);
    // tfjs computes it without dilation.
    const undilated = patches(x.arraySync(), { ...how, dilation: 1 });
    close(
      deep.values,
      undilated.flatMap((norm) => [norm, norm]),
    );
  });

  it('of a depthwise convolution are without the dilation that tfjs leaves out, as its outputs are', async () => {
    const fields = { kernelSize: [1, 2] as [number, number], dilationRate: 2, inputShape: [1, 4, 1] };
    const model = tf.sequential({
      layers: [layers.depthwiseConv2d({ ...fields, useBias: false, name: 'deep' })],
    });
    model.setWeights([tf.tensor4d([0, 1], [1, 2, 1, 1])]);
    const x = tf.tensor4d([1, 10, 100, 1000], [1, 1, 4, 1]);
    expect([...(model.predict(x) as tf.Tensor).dataSync()]).toEqual([10, 100, 1000]);
    const { values } = (await normsOf(model, x))['deep/depthwiseKernel']!;
    close([values[0]! / 100, values[1]! / 1000], [Math.sqrt(10101) / 100, Math.sqrt(1010100) / 1000]);
  });

  it("of a convolutional recurrent layer's states are without its dilation, as tfjs has it", async () => {
    const model = tf.sequential({
      layers: [
        layers.convLstm2d({
          ...{ filters: 1, kernelSize: 3, dilationRate: 2, inputShape: [2, 5, 5, 1], name: 'film' },
          ...{ padding: 'same', returnSequences: true, useBias: false },
        }),
      ],
    });
    const x = tf.randomNormal<tf.Rank.R5>([1, 2, 5, 5, 1], 0, 1, 'float32', 1);
    // The state before the first step is zero, before the second the output of the first.
    const states = (model.predict(x) as tf.Tensor5D).slice([0, 0], [1, 1]).reshape<tf.Tensor4D>([1, 5, 5, 1]);
    const seen = await normsOf(model, x);
    const how = { size: 3, stride: 1, dilation: 1, padding: 'same' };
    close(seen['film/recurrentKernel']!.values, patches(states.arraySync(), how));
  });

  it('of a GRU are, in the last third of its recurrent kernel, those of states times the reset gate', async () => {
    const model = tf.sequential({
      layers: [layers.gru({ units: 2, inputShape: [3, 1], recurrentActivation: 'sigmoid', name: 'gru' })],
    });
    // Weights of [1, 6], [2, 6], [6].
    const u = [1, -1, 2, 0.5, -1, 1];
    const v = [
      [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
      [-0.6, 0.5, -0.4, 0.3, -0.2, 0.1],
    ];
    const b = [0.1, 0, -0.5, 0.5, 0.2, 0];
    model.setWeights([tf.tensor2d([u]), tf.tensor2d(v), tf.tensor1d(b)]);
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const [plain, gated] = [
      [0, 0],
      [0, 0],
    ];
    let h = [0, 0];
    for (const input of [1, -2, 3]) {
      const at = (column: number, of: number[]) =>
        input * u[column]! + b[column]! + of[0]! * v[0]![column]! + of[1]! * v[1]![column]!;
      const z = [0, 1].map((i) => sigmoid(at(i, h)));
      const rh = [0, 1].map((i) => sigmoid(at(2 + i, h)) * h[i]!);
      for (const i of [0, 1]) {
        plain[i]! += h[i]! ** 2;
        gated[i]! += rh[i]! ** 2;
      }
      h = [0, 1].map((i) => z[i]! * h[i]! + (1 - z[i]!) * Math.tanh(at(4 + i, rh)));
    }
    const x = tf.tensor3d([1, -2, 3], [1, 3, 1]);
    close([...(model.predict(x) as tf.Tensor).dataSync()], h);
    const seen = await normsOf(model, x);
    expect(seen['gru/recurrentKernel']!.shape).toEqual([2, 6]);
    close(
      seen['gru/recurrentKernel']!.values,
      [0, 1].flatMap((i) => [...Array<number>(4).fill(plain[i]!), gated[i]!, gated[i]!]).map(Math.sqrt),
    );
  });

  it('of a convolution with channels first are the same', async () => {
    const x = tf.randomNormal<tf.Rank.R4>([2, 4, 4, 2], 0, 1, 'float32', 1);
    const how = { size: 2, stride: 1, dilation: 1, padding: 'valid' };
    const model = tf.sequential({
      layers: [
        layers.conv2d({
          ...{ filters: 1, kernelSize: 2, inputShape: [2, 4, 4], dataFormat: 'channelsFirst', name: 'conv' },
        }),
      ],
    });
    close(
      (await normsOf(model, x.transpose([0, 3, 1, 2])))['conv/kernel']!.values,
      patches(x.arraySync(), how),
    );
  });

  it('of a separable convolution are, at the pointwise kernel, those of what the depthwise one makes', async () => {
    const model = tf.sequential({
      layers: [layers.separableConv2d({ filters: 2, kernelSize: 1, inputShape: [1, 1, 2], name: 'apart' })],
    });
    const [depthwise, ...others] = model.layers[0]!.getWeights();
    model.layers[0]!.setWeights([tf.tensor([2, -3], depthwise!.shape), ...others]);
    const seen = await normsOf(model, tf.tensor4d([3, 1, 4, 1], [2, 1, 1, 2]));
    close(seen['apart/depthwiseKernel']!.values, [5, Math.SQRT2]);
    close(seen['apart/pointwiseKernel']!.values, [10, 3 * Math.SQRT2]);
  });

  it('of transposed convolutions are those of the channels, a column each', async () => {
    const model = tf.sequential({
      layers: [layers.conv2dTranspose({ filters: 3, kernelSize: 2, inputShape: [2, 1, 2], name: 'up' })],
    });
    const seen = await normsOf(model, tf.tensor4d([3, 1, 4, 1], [1, 2, 1, 2]));
    expect(seen['up/kernel']!.shape).toEqual([1, 2]);
    close(seen['up/kernel']!.values, [5, Math.SQRT2]);
  });

  it('of an embedding are the roots of how often each row is looked up', async () => {
    const model = tf.sequential({
      layers: [layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 3, name: 'words' })],
    });
    const seen = await normsOf(
      model,
      tf.tensor2d([
        [0, 2, 2],
        [2, 2, 3],
      ]),
    );
    close(seen['words/embeddings']!.values, [1, 0, 2, 1]);
  });

  it('go over positions that are masked too', async () => {
    const model = tf.sequential({
      layers: [
        layers.embedding({
          ...{ inputDim: 3, outputDim: 1, inputLength: 10, maskZero: true, name: 'words' },
          embeddingsInitializer: 'ones',
        }),
        layers.lstm({ units: 2, name: 'lstm' }),
      ],
    });
    const seen = await normsOf(model, tf.tensor2d([[1, 2, 0, 0, 0, 0, 0, 0, 0, 0]]));
    close(seen['words/embeddings']!.values, [Math.sqrt(8), 1, 1]);
    close(seen['lstm/kernel']!.values, [Math.sqrt(10)]);
  });

  it('of recurrent layers are those of inputs and of states, at each time, in both directions', async () => {
    const rnn = layers.simpleRNN({
      ...{
        units: 2,
        useBias: false,
        activation: 'linear',
        kernelInitializer: 'ones',
        recurrentInitializer: 'ones',
      },
    });
    const model = tf.sequential({
      layers: [
        layers.bidirectional({ layer: rnn as tf.RNN, mergeMode: 'sum', inputShape: [3, 1], name: 'both' }),
      ],
    });
    // Inputs 1, 2, 3; of both units, which add up both, states before each: 0, 1, 4 forwards, 0, 3, 8 backwards.
    const seen = await normsOf(model, tf.tensor3d([1, 2, 3], [1, 3, 1]));
    const of = (part: string) => Object.entries(seen).filter(([name]) => name.endsWith(part));
    for (const [, { values }] of of('/kernel')) close(values, [Math.sqrt(14)]);
    close(
      of('/recurrentKernel').flatMap(([, { values }]) => values),
      [17, 17, 73, 73].map(Math.sqrt),
    );
  });

  it('of a layer that is used twice, and of one at each time, are of all uses together', async () => {
    const input = tf.input({ shape: [2, 2] });
    const dense = layers.dense({ units: 2, useBias: false, kernelInitializer: 'ones', name: 'shared' });
    const timed = layers.timeDistributed({ layer: dense }).apply(input) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: dense.apply(timed) as tf.SymbolicTensor });
    const seen = await normsOf(model, tf.tensor3d([3, 0, 4, 0], [1, 2, 2]));
    // (3, 0) and (4, 0), then (3, 3) and (4, 4).
    close(Object.values(seen)[0]!.values, [Math.sqrt(50), 5]);
  });

  it('of variables are those of the rows that the caller computes, with the weights of the moment', async () => {
    const seen: Seen = {};
    const [w, v] = [tf.variable(tf.tensor2d([[2], [0]])), tf.variable(tf.ones([1, 2]))];
    const x = tf.tensor2d([
      [3, 1],
      [4, 1],
    ]);
    const pruning = await sparsify({ w, v }, lookingAt(seen), {
      ...target,
      optimizer: null,
      calibration: (weight) => ({ w: x, v: x.matMul(weight('w')) }),
    });
    await pruning.step();
    close(seen['w']!.values, [5, Math.SQRT2]);
    close(seen['v']!.values, [10]);
    pruning.abandon();
  });
});

describe('what cannot be scored by inputs is refused', () => {
  const model = () => {
    const made = tf.sequential({ layers: [layers.dense({ units: 3, inputShape: [2], name: 'one' })] });
    made.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return made;
  };

  it('without inputs', async () => {
    await expect(sparsify(model(), lookingAt({}), target)).rejects.toThrow(
      "looking: the importance 'what is seen of inputs' scores by what comes to the layers: give sparsify() some hundred",
    );
  });

  it.each([
    [3, TypeError, 'calibration is 3, and is to be a tensor of inputs of the model'],
    [[], TypeError, 'calibration is'],
    [() => ({}), TypeError, 'a tensor of inputs of the model'],
    [tf.zeros([0, 2]), RangeError, 'calibration has the shapes [0, 2], and is to have an example or more'],
    [tf.zeros([2, 5]), RangeError, "shapes [2, 5], and is to have those of the model's inputs, [?, 2]"],
    [tf.zeros([2]), RangeError, "shapes [2], and is to have those of the model's inputs, [?, 2]"],
    [[tf.zeros([2, 2]), tf.zeros([3, 2])], RangeError, 'shapes [2, 2] and [3, 2], and is to have those of'],
    [tf.tensor2d([[1, Number.NaN]]), RangeError, "number of calibration is finite, of its input 'one_input'"],
  ])('with %s for inputs', async (calibration, Refusal, message) => {
    const refused = sparsify(model(), lookingAt({}), { ...target, calibration: calibration as never });
    await expect(refused).rejects.toThrow(Refusal);
    await expect(refused).rejects.toThrow(message);
  });

  it('with as many examples of one input as not of another', async () => {
    const [a, b] = [tf.input({ shape: [2] }), tf.input({ shape: [2] })];
    const outputs = layers
      .dense({ units: 2 })
      .apply(layers.add().apply([a, b]) as tf.SymbolicTensor) as tf.SymbolicTensor;
    const calibration = [tf.zeros([2, 2]), tf.zeros([3, 2])];
    await expect(
      sparsify(tf.model({ inputs: [a, b], outputs }), lookingAt({}), { ...target, calibration }),
    ).rejects.toThrow(
      'the shapes [2, 2] and [3, 2], and is to have an example or more, the same number in each',
    );
  });

  it('with inputs that were disposed of when blocks are chosen; the run goes on to be ended', async () => {
    const calibration = tf.zeros([2, 2]);
    const pruning = await sparsify(model(), lookingAt({}), { ...target, optimizer: null, calibration });
    calibration.dispose();
    await expect(pruning.step()).rejects.toThrow('calibration was disposed of: keep its tensors until');
    pruning.abandon();
  });

  it('with rows that are not finite, or disposed of', async () => {
    const w = tf.variable(tf.ones([2, 2]));
    const gone = tf.ones([1, 2]);
    gone.dispose();
    for (const [rows, message] of [
      [tf.tensor2d([[1, Number.NaN]]), 'What of calibration comes to w has no finite norm'],
      [tf.tensor2d([[1, 1e30]]), 'What of calibration comes to w has no finite norm'],
      [gone, 'calibration has a disposed [1, 2] for w'],
    ] as const) {
      const calibration = () => ({ w: rows });
      const pruning = await sparsify({ w }, lookingAt({}), { ...target, optimizer: null, calibration });
      const before = tf.memory().numTensors;
      await expect(pruning.step()).rejects.toThrow(message);
      expect(tf.memory().numTensors).toBe(before);
      pruning.abandon();
    }
  });

  it('of a model with a state, also one inside, which is as it was then', async () => {
    const stateful = () => {
      const rnn = layers.simpleRNN({
        ...{ units: 2, stateful: true, batchInputShape: [2, 3, 1], name: 'rnn' },
        ...{ useBias: false, activation: 'linear', kernelInitializer: 'ones', recurrentInitializer: 'zeros' },
      });
      return tf.sequential({ layers: [rnn] });
    };
    const made = stateful();
    const outer = tf.sequential({ layers: [stateful()] });
    for (const each of [made, outer]) {
      const calibration = tf.ones([6, 3, 1]);
      await expect(
        sparsify(each, lookingAt({}), { ...target, optimizer: null, calibration }),
      ).rejects.toThrow(/looking scores by .* would change the state of .*: build it with `stateful: false`/);
    }
    const [state] = (made.layers[0] as tf.RNN).states as unknown as tf.Tensor[];
    expect([...state!.dataSync()]).toEqual([0, 0, 0, 0]);
  });

  it('where none of them comes to a kernel, without a tensor left', () => {
    const [one, other] = [model(), model()];
    const x = tf.ones([2, 2]);
    const before = tf.memory().numTensors;
    expect(() => inputNormsOf(one, [...layerKernels(one), ...layerKernels(other)], [x])).toThrow(
      'No calibration input comes to one/kernel, whose layer the model does not compute with',
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it('with rows of another length', async () => {
    const calibration = () => ({ w: tf.ones([4, 3]) });
    const w = tf.variable(tf.ones([2, 2]));
    const pruning = await sparsify({ w }, lookingAt({}), { ...target, optimizer: null, calibration });
    await expect(pruning.step()).rejects.toThrow(
      'calibration has [4, 3] for w, and is to have rows of 2 numbers',
    );
    pruning.abandon();
  });

  it('of a layer of a class of its own', async () => {
    class Own extends tf.layers.Layer {
      static readonly className = 'OwnOfInputNorms';
      own!: tf.LayerVariable;
      override build([, width]: number[]) {
        this.own = this.addWeight('own', [width!, 2], 'float32', tf.initializers.ones());
        this.built = true;
      }
      prunableFields() {
        return ['own'];
      }
      override computeOutputShape([batch]: number[]) {
        return [batch!, 2];
      }
      override call(inputs: tf.Tensor | tf.Tensor[]) {
        return [inputs].flat()[0]!.matMul(this.own.read());
      }
    }
    const made = tf.sequential({ layers: [new Own({ inputShape: [3], name: 'mine' })] });
    const given = { ...target, optimizer: null, calibration: tf.ones([2, 3]) };
    await expect(sparsify(made, lookingAt({}), given)).rejects.toThrow(
      'looking scores by what comes to the layers, and of mine/own it is not known',
    );
  });

  it('and an importance that does not say that it wants them has none', async () => {
    const { importance, ...pruner } = lookingAt({});
    const silent = { ...pruner, importance: { name: 'silent', score: importance.score } };
    const pruning = await sparsify(model(), silent, { ...target, optimizer: null });
    await expect(pruning.step()).rejects.toThrow('usesInputs: true');
    pruning.abandon();
  });
});
