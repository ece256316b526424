// What lies between convolutions, by oneDNN: batch normalisation in training, and what is done number by number. Also by a oneDNN
// of another version than the system's, where the tests are told of one.

import { memoryOf, type WasmBackend } from '@espalier/blocks';
import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';

import { normaliseInTraining } from '../../kernels/batch-norm-training.js';
import { expectClose, randomTensor, randomValues } from '../../test-support.js';
import { acceleratorsOf, attachAccelerators } from '../accelerator.js';
import { describeAccelerator, findAccelerators, inspectAccelerators, useAccelerators } from '../index.js';

await tf.setBackend('wasm');
const backend = () => tf.findBackend('wasm') as unknown as WasmBackend;
const found = (await inspectAccelerators()).find(({ name }) => name === 'onednn')!;
const other = process.env['ESPALIER_ONEDNN'];
const names = [...(found.library ? ['onednn'] : []), ...(other ? [`onednn:${other}`] : [])];
if (names.length === 0) console.warn(`Passes by oneDNN are not tested: ${describeAccelerator(found)}`);

let calls = 0;

/** Attaches what is no product and no convolution, counting what it takes. */
async function attachCounted(name: string, threads: number): Promise<void> {
  await useAccelerators([name], { threads });
  const [library] = acceleratorsOf(backend()) as [NonNullable<ReturnType<typeof acceleratorsOf>[0]>];
  const counted =
    <Work extends unknown[]>(compute: ((...work: Work) => boolean) | undefined) =>
    (...work: Work) => {
      const taken = compute?.(...work) ?? false;
      if (taken) calls += 1;
      return taken;
    };
  attachAccelerators(backend(), [
    {
      normalise: counted(library.normalise),
      normalisationGradient: counted(library.normalisationGradient),
      elementwise: counted(library.elementwise),
      ...(library.stop && { stop: library.stop }),
    },
  ]);
  calls = 0;
}

afterAll(() => useAccelerators('off').then(() => {}));

/** From here on passes are taken. */
const LARGE = 2 ** 17;
const EPSILON = 1e-3;

describe.skipIf(names.length === 0).each(names)('passes by %s', (name) => {
  it.each([LARGE, LARGE + 5])('of two threads add, and make ReLU and its gradient: %i numbers', async (n) => {
    await attachCounted(name, 2);
    const [x, dy] = [randomValues(n, 1), randomValues(n, 2)];
    x.set([NaN, Infinity, -Infinity, 0], n - 4);
    const [sum, relu, slope] = tf.tidy(() => {
      const [a, b] = [tf.tensor1d(x), tf.tensor1d(dy)];
      const gradient = tf.grad((v: tf.Tensor) => tf.relu(v))(a, b);
      return [tf.add(a, b), tf.relu(a), gradient].map((tensor) => tensor.dataSync()) as never;
    }) as never as [Float32Array, Float32Array, Float32Array];
    // The gradient makes the result once more.
    expect(calls).toBe(4);
    const same = (actual: Float32Array, expected: Float32Array) => expectClose(actual, expected, 0);
    same(
      sum,
      x.map((value, i) => value + dy[i]!),
    );
    same(
      relu,
      x.map((value) => (value <= 0 ? 0 : value)),
    );
    // Of NaN it is one or the other.
    const choice = (value: number, i: number) => (Number.isNaN(value) ? slope[i]! : value > 0 ? dy[i]! : 0);
    same(slope, x.map(choice));
  });

  it('leaves small tensors, and of one thread all that is done number by number, to wasm', async () => {
    await attachCounted(name, 2);
    const run = (size: number) =>
      tf.tidy(() => void tf.grad((v: tf.Tensor) => tf.relu(tf.add(v, v)))(tf.ones([size])));
    run(LARGE - 1);
    await attachCounted(name, 1);
    run(LARGE);
    expect(calls).toBe(0);
  });

  describe.each([1, 2])('on so many threads: %i', (threads) => {
    it.each([[[32, 16, 16, 16]], [[18, 16, 16, 32]], [[1024, 128]], [[32, 16, 16, 24]]])(
      'normalise %j as the definition in double precision does',
      async (shape) => {
        await attachCounted(name, threads);
        const [c, n] = [shape.at(-1)!, tf.util.sizeFromShape(shape)];
        const x = randomValues(n, 1).map((value, i) => value * (1 + (i % c)) + (i % 3));
        const [dy, scale, offset] = [randomValues(n, 2), randomValues(c, 3), randomValues(c, 4)];
        const actual = tf.tidy(() => {
          const inputs = [tf.tensor(x, shape), tf.tensor1d(scale), tf.tensor1d(offset)] as const;
          const results = normaliseInTraining(...inputs, EPSILON);
          const y = (...args: tf.Tensor[]) =>
            normaliseInTraining(...(args as [tf.Tensor, tf.Tensor, tf.Tensor]), EPSILON)[0];
          const gradients = tf.grads(y)([...inputs], tf.tensor(dy, shape));
          return [...results, ...gradients].map((tensor) => tensor.dataSync());
        });
        const expected = inDoubles(x, dy, scale, offset);
        actual.forEach((values, i) => expectClose(values, expected[i]!));
        // Two forwards and a gradient.
        expect(calls).toBe(c % 16 === 0 && (await hasCode(name)) ? 3 : 0);
      },
    );

    it('keep the digits of what is far off the centre', async () => {
      await attachCounted(name, threads);
      const x = randomValues(LARGE, 1).map((value) => 1000 + value);
      const [, , variance] = tf.tidy(
        () =>
          normaliseInTraining(tf.tensor(x, [LARGE / 16, 16]), tf.ones([16]), tf.zeros([16]), EPSILON).map(
            (tensor) => tensor.dataSync(),
          ) as never,
      ) as never as Float32Array[];
      const channel = x.filter((_, i) => i % 16 === 3);
      const mean = channel.reduce((sum, value) => sum + value, 0) / channel.length;
      const exact = channel.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channel.length;
      expect(Math.abs(variance![3]! / exact - 1)).toBeLessThan(1e-5);
      expect(calls).toBe(0);
    });

    it('hide no NaN, and have a gradient by mean and variance too', async () => {
      const run = () =>
        tf.tidy(() => {
          const [x, weight] = [randomTensor([LARGE / 16, 16], 1), randomTensor([LARGE / 16, 16], 2)];
          const loss = (v: tf.Tensor) => {
            const [y, mean, variance] = normaliseInTraining(v, tf.ones([16]), tf.zeros([16]), EPSILON);
            const weighted = tf.sum(tf.mul(y, weight));
            return tf.add(weighted, tf.sum(tf.mul(mean, variance))) as tf.Scalar;
          };
          const withNaN = tf.concat([x, tf.fill([1, 16], NaN)]);
          const [y] = normaliseInTraining(withNaN, tf.ones([16]), tf.zeros([16]), EPSILON);
          return [tf.grad(loss)(x).dataSync(), tf.all(tf.isNaN(y)).dataSync()];
        }) as [Float32Array, Uint8Array];
      await useAccelerators('off');
      const expected = run();
      await attachCounted(name, threads);
      const actual = run();
      expectClose(actual[0], expected[0]);
      expect(actual[1][0]).toBe(1);
    });

    it('are the same bits in every run', async () => {
      await attachCounted(name, threads);
      const run = () =>
        tf.tidy(() => {
          const [x, dy] = [randomTensor([32, 16, 16, 16], 1), randomTensor([32, 16, 16, 16], 2)];
          const y = (v: tf.Tensor, scale: tf.Tensor) =>
            tf.relu(tf.add(normaliseInTraining(v, scale, tf.zeros([16]), EPSILON)[0], v));
          const gradients = tf.grads(y)([x, tf.ones([16])], dy);
          return [y(x, tf.ones([16])), ...gradients].map((tensor) => tensor.dataSync());
        });
      const first = run();
      for (let i = 0; i < 3; i++) {
        const equal = run().map((values, which) => Buffer.compare(bytesOf(values), bytesOf(first[which]!)));
        expect(equal).toEqual([0, 0, 0]);
      }
    });

    it('train a residual network to the losses of the wasm kernels, and leave tensors and memory alone', async () => {
      await useAccelerators('off');
      const expected = trainResidualNetwork();
      await attachCounted(name, threads);
      expectClose(trainResidualNetwork(), expected);
    });
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: tf.TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Whether this oneDNN is one whose normalisation is taken: version 3 with AVX-512. */
async function hasCode(name: string): Promise<boolean> {
  const [{ library }] = (await findAccelerators([name])) as [typeof found];
  const isa = Number(library!.build.match(/0x[\da-f]+$/)![0]);
  return library!.version!.startsWith('3.') && (isa & 0x27) === 0x27;
}

/** y, mean, variance, dx, dScale, dOffset. */
function inDoubles(
  x: Float32Array,
  dy: Float32Array,
  scale: Float32Array,
  offset: Float32Array,
): Float64Array[] {
  const c = scale.length;
  const rows = x.length / c;
  const [y, dx] = [new Float64Array(x.length), new Float64Array(x.length)];
  const [mean, variance, dScale, dOffset] = [1, 2, 3, 4].map(() => new Float64Array(c)) as [
    ...[Float64Array, Float64Array, Float64Array, Float64Array],
  ];
  x.forEach((value, i) => (mean[i % c]! += value / rows));
  x.forEach((value, i) => (variance[i % c]! += (value - mean[i % c]!) ** 2 / rows));
  const standard = (i: number) => (x[i]! - mean[i % c]!) / Math.sqrt(variance[i % c]! + EPSILON);
  dy.forEach((value, i) => {
    dOffset[i % c]! += value;
    dScale[i % c]! += value * standard(i);
  });
  x.forEach((_, i) => {
    const k = i % c;
    y[i] = standard(i) * scale[k]! + offset[k]!;
    const slope = dy[i]! - (dOffset[k]! + standard(i) * dScale[k]!) / rows;
    dx[i] = (slope * scale[k]!) / Math.sqrt(variance[k]! + EPSILON);
  });
  return [y, mean, variance, dx, dScale, dOffset];
}

/** Losses of some steps, then the moving averages. */
function trainResidualNetwork(): number[] {
  const init = (seed: number) => ({ kernelInitializer: tf.initializers.heNormal({ seed }) });
  const convolution = (x: tf.SymbolicTensor, seed: number) => {
    const settings = { filters: 16, kernelSize: 3, padding: 'same' as const, useBias: false };
    const y = tf.layers.conv2d({ ...settings, ...init(seed) }).apply(x);
    return tf.layers.batchNormalization().apply(y) as tf.SymbolicTensor;
  };
  const relu = (x: tf.SymbolicTensor) => tf.layers.reLU().apply(x) as tf.SymbolicTensor;
  const input = tf.input({ shape: [16, 16, 3] });
  const stem = relu(convolution(input, 1));
  const sum = tf.layers.add().apply([convolution(stem, 2), stem]) as tf.SymbolicTensor;
  const pooled = tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(relu(sum));
  const logits = tf.layers.dense({ units: 4, ...init(3) }).apply(pooled) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: logits });
  const x = randomTensor([32, 16, 16, 3], 4);
  const y = tf.tidy(() => tf.oneHot(tf.range(0, 32, 1, 'int32').mod(tf.scalar(4, 'int32')), 4).toFloat());
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
  const step = () => {
    const loss = optimizer.minimize(
      () => softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor) as tf.Scalar,
      true,
    )!;
    const [value] = loss.dataSync();
    loss.dispose();
    return value!;
  };
  const state = () => [tf.memory().numTensors, memoryOf(backend()).buffer.byteLength];
  const first = [step(), step()];
  const before = state();
  const rest = Array.from({ length: 6 }, step);
  expect(state()).toEqual(before);
  const averages = model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
  tf.dispose([x, y]);
  optimizer.dispose();
  model.dispose();
  return [...first, ...rest, ...averages];
}
