import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startTensorflow, withoutNativeKernels } from '../../blocks/src/test-tensorflow.js';
import './backends/tensorflow.js';
import './backends/wasm.js';
import { adam, sgd, SlotOptimizer, type AdamOptimizer, type SgdOptimizer } from './index.js';
import { expectClose, randomTensor, randomValues } from './test-support.js';

const tensorflow = await startTensorflow();

beforeAll(async () => {
  await tf.setBackend('wasm');
});

/** torch.optim.SGD's algorithm (dampening 0) on one number, from PyTorch's documentation. */
function torchSgd(lr: number, momentum: number, decay: number, nesterov: boolean) {
  let velocity: number | undefined;
  return (w: number, gradient: number): number => {
    let g = gradient + decay * w;
    if (momentum !== 0) {
      velocity = velocity === undefined ? g : momentum * velocity + g;
      g = nesterov ? g + momentum * velocity : velocity;
    }
    return w - lr * g;
  };
}

/** torch.optim.Adam's algorithm (no amsgrad) on one number, from PyTorch's documentation. */
function torchAdam(lr: number, beta1: number, beta2: number, epsilon: number, decay: number) {
  let [m, v, t] = [0, 0, 0];
  return (w: number, gradient: number): number => {
    t++;
    const g = gradient + decay * w;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    return w - (lr * (m / (1 - beta1 ** t))) / (Math.sqrt(v / (1 - beta2 ** t)) + epsilon);
  };
}

/** Minimises sum(c · w² / 2), whose gradient is c · w, and returns w after `steps`. */
function descend(optimizer: tf.Optimizer, weight: tf.Variable, curvature: tf.Tensor, steps: number): void {
  for (let i = 0; i < steps; i++) {
    optimizer.minimize(() => tf.sum(tf.mul(tf.square(weight), tf.mul(curvature, 0.5))), false, [weight]);
  }
}

const settings: [string, () => SgdOptimizer | AdamOptimizer, () => (w: number, g: number) => number][] = [
  ['plain sgd', () => sgd({ learningRate: 0.1 }), () => torchSgd(0.1, 0, 0, false)],
  ['sgd with decay', () => sgd({ learningRate: 0.1, weightDecay: 0.2 }), () => torchSgd(0.1, 0, 0.2, false)],
  [
    'sgd with momentum and decay',
    () => sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 }),
    () => torchSgd(0.1, 0.9, 0.01, false),
  ],
  [
    'sgd with Nesterov momentum',
    () => sgd({ learningRate: 0.1, momentum: 0.8, weightDecay: 0.1, nesterov: true }),
    () => torchSgd(0.1, 0.8, 0.1, true),
  ],
  ['adam', () => adam({ learningRate: 0.05 }), () => torchAdam(0.05, 0.9, 0.999, 1e-8, 0)],
  [
    'adam with decay',
    () => adam({ learningRate: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.3 }),
    () => torchAdam(0.05, 0.8, 0.95, 1e-3, 0.3),
  ],
];

/** @param large sizes beyond those of every backend */
const itTakesSteps = (backend: string, ...large: readonly number[]): void => {
  beforeEach(async () => {
    await tf.setBackend(backend);
  });
  afterEach(async () => {
    await tf.setBackend('wasm');
  });

  it.each(settings)('%s takes the steps that PyTorch takes', (_, make, reference) => {
    for (const shape of [[1], [3], [4], [5, 7], [0], ...large.map((size) => [size])]) {
      const size = tf.util.sizeFromShape(shape);
      const start = randomValues(size, 1);
      const curvature = randomValues(size, 2).map((c) => c + 1.5);
      const weight = tf.variable(tf.tensor(start, shape));
      const optimizer = make();
      const c = tf.tensor(curvature, shape);
      descend(optimizer, weight, c, 7);
      const expected = Array.from(start, (w, i) => {
        const step = reference();
        for (let k = 0; k < 7; k++) w = step(w, curvature[i]! * w);
        return w;
      });
      expectClose(weight.dataSync(), expected, 1e-5);
      optimizer.dispose();
      tf.dispose([weight, c]);
    }
  });

  it('sgd gives the numbers of two steps done by hand', () => {
    // d = .5 + .1 · 1 = .6, v = .6, w = .94; then d = .5 + .094 = .594, v = .54 + .594 = 1.134, w = .8266.
    const weight = tf.variable(tf.tensor1d([1]));
    const optimizer = sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 });
    const gradient = tf.tensor1d([0.5]);
    const seen = [0, 1].map(() => {
      optimizer.applyGradients([{ name: weight.name, tensor: gradient }]);
      return weight.dataSync()[0]!;
    });
    expectClose(seen, [0.94, 0.8266], 1e-6);
    optimizer.dispose();
    tf.dispose([weight, gradient]);
  });

  it.each(settings)('%s tells how far its steps go under a gradient that stays', (_, make) => {
    const slope = [1, -2, 0.5, 3];
    const weight = tf.variable(tf.tensor1d([0.3, -0.1, 2, 1]));
    const optimizer = make();
    expect(optimizer.stepSize(weight)).toBeTypeOf('number');
    for (let step = 0; step < 6; step++) {
      if (step === 3) optimizer.resetState();
      const before = weight.dataSync().slice();
      // What the decay adds is taken off before.
      const gradient = tf.tidy(() => tf.sub(slope, weight.mul(optimizer.weightDecay)));
      optimizer.applyGradients([{ name: weight.name, tensor: gradient }]);
      const size = optimizer.stepSize(weight);
      const told = typeof size === 'number' ? slope.map(() => size) : size.dataSync();
      expectClose(
        told,
        slope.map((g, i) => (before[i]! - weight.dataSync()[i]!) / g),
        1e-4,
      );
      tf.dispose([gradient, size]);
    }
    const other = tf.variable(tf.tensor1d([1]));
    const size = optimizer.stepSize(other);
    if (optimizer.getConfig()['beta1'] !== undefined) expect(size).toBe(0);
    optimizer.dispose();
    tf.dispose([weight, other]);
  });

  it('uses a learning rate set between steps at once, without scaling the velocity', () => {
    const weight = tf.variable(tf.tensor1d([0]));
    const optimizer = sgd({ learningRate: 1, momentum: 0.5 });
    const gradient = tf.tensor1d([1]);
    const apply = () => optimizer.applyGradients({ [weight.name]: gradient });
    apply(); // v = 1, w = -1
    optimizer.learningRate = 0.1;
    apply(); // v = 1.5, w = -1.15
    expectClose(weight.dataSync(), [-1.15], 1e-6);
    optimizer.learningRate = 0;
    apply();
    expectClose(weight.dataSync(), [-1.15], 1e-6);
    optimizer.dispose();
    tf.dispose([weight, gradient]);
  });

  it.each(settings)('%s, reset, continues as a new one would', (_, make) => {
    const curvature = randomTensor([6], 3);
    const [a, b] = [tf.variable(randomTensor([6], 4)), tf.variable(tf.zeros([6]))];
    const [used, fresh] = [make(), make()];
    descend(used, a, curvature, 3);
    b.assign(tf.clone(a) as never);
    used.resetState();
    descend(used, a, curvature, 3);
    descend(fresh, b, curvature, 3);
    expect(a.dataSync()).toEqual(b.dataSync());
    expect(used.iterations).toBe(6);
  });

  it.each(settings)('%s restores its whole state, also after a reset', async (_, make) => {
    const curvature = randomTensor([6], 5);
    const [a, b] = [tf.variable(randomTensor([6], 6)), tf.variable(tf.zeros([6]))];
    const [used, restored] = [make(), make()];
    descend(used, a, curvature, 2);
    used.resetState();
    descend(used, a, curvature, 3);
    b.assign(tf.clone(a) as never);
    const state = await used.getWeights();
    await restored.setWeights(state);
    descend(used, a, curvature, 2);
    descend(restored, b, curvature, 2);
    expect(b.dataSync()).toEqual(a.dataSync());
    expect(restored.iterations).toBe(7);
    const names = (await restored.getWeights()).map(({ name }) => name.split('/').at(-1));
    expect(names).toEqual(state.map(({ name }) => name.split('/').at(-1)));
  });

  it.each(settings)('%s changes no tensor that shares data with a variable', (_, make) => {
    const source = randomTensor([10], 7);
    const weight = tf.variable(source);
    const twin = tf.variable(weight);
    const before = source.dataSync().slice();
    const one = tf.ones([10]);
    const optimizer = make();
    descend(optimizer, weight, one, 1);
    const alias = tf.clone(weight);
    const between = alias.dataSync().slice();
    descend(optimizer, weight, one, 2);
    expect([source.dataSync(), twin.dataSync(), alias.dataSync()]).toEqual([before, before, between]);
    expect(weight.dataSync()).not.toEqual(between);
    optimizer.dispose();
    tf.dispose([source, weight, twin, one, alias]);
  });

  it.each(settings)('%s leaks no tensor', (_, make) => {
    const start = tf.memory().numTensors;
    const weight = tf.variable(randomTensor([4, 4], 8).flatten());
    const initial = tf.memory().numTensors - start; // the variable and the tensor it was made from, still alive
    const curvature = tf.ones([16]);
    const optimizer = make();
    descend(optimizer, weight, curvature, 1);
    const afterFirst = tf.memory().numTensors;
    descend(optimizer, weight, curvature, 20);
    tf.dispose([optimizer.stepSize(weight)]);
    expect(tf.memory().numTensors).toBe(afterFirst);
    optimizer.dispose();
    tf.dispose([weight, curvature]);
    expect(tf.memory().numTensors).toBe(start + initial - 1);
  });
};

describe.each(['wasm', 'cpu'])('on %s', (backend) => itTakesSteps(backend));

// So large that it is written past the caches, and shared out over threads.
const LARGE = 700_001;

describe.skipIf(tensorflow.absent)(`on tensorflow (${tensorflow.where})`, () =>
  itTakesSteps('tensorflow', LARGE),
);

describe.skipIf(tensorflow.absent)(`on tensorflow (${tensorflow.where}) without kernels of ours`, () => {
  let undo: () => void;
  beforeAll(async () => {
    await tf.setBackend('tensorflow');
    undo = withoutNativeKernels();
  });
  afterAll(() => undo());
  itTakesSteps('tensorflow');
});

it('an optimiser of one’s own tells how far its step goes, or that it does not', () => {
  class Plain extends SlotOptimizer {
    static readonly className: string = 'Plain';
    protected readonly slotNames = [];
    protected update(weight: tf.Variable, gradient: tf.Tensor) {
      return [weight.sub(gradient.mul(this.learningRate))];
    }
    getConfig() {
      return {};
    }
  }
  class Telling extends Plain {
    static override readonly className = 'Telling';
    protected override distance() {
      return this.learningRate;
    }
  }
  const weight = tf.variable(tf.tensor1d([1]));
  expect(new Telling(0.5).stepSize(weight)).toBe(0.5);
  expect(() => new Plain(0.5).stepSize(weight)).toThrow(
    'Plain does not tell how far its step goes: give it a method distance()',
  );
});

it('finds restored slots by position when the model was rebuilt', async () => {
  const curvature = tf.ones([2, 3]);
  const a = tf.variable(randomTensor([2, 3], 1));
  const used = sgd({ learningRate: 0.1, momentum: 0.9 });
  descend(used, a, curvature, 3);
  const b = tf.variable(tf.clone(a));
  const restored = sgd({ learningRate: 0.1, momentum: 0.9 });
  await restored.setWeights(await used.getWeights());
  descend(used, a, curvature, 1);
  descend(restored, b, curvature, 1);
  expect(b.dataSync()).toEqual(a.dataSync());
});

it('tells its slots by the variable, also after they were restored for another, and none of one it has not seen', async () => {
  const [a, b, unseen] = [3, 2, 4].map((size) => tf.variable(randomTensor([size], size)));
  const used = adam();
  used.minimize(() => tf.add(tf.sum(tf.square(a!)), tf.sum(tf.square(b!))), false, [a!, b!]);
  const told = used.slots([b!.name, unseen!.name, a!.name]);
  expect(told.map((slots) => slots.map(({ shape }) => shape))).toEqual([[[2], [2]], [], [[3], [3]]]);
  // After one step from zero the first moment is (1 − β₁) g, the second (1 − β₂) g².
  const gradient = a!.dataSync().map((_, i) => 2 * randomTensor([3], 3).dataSync()[i]!);
  expectClose(
    told[2]![0]!.dataSync(),
    gradient.map((g) => 0.1 * g),
    1e-6,
  );
  expectClose(
    told[2]![1]!.dataSync(),
    gradient.map((g) => 0.001 * g * g),
    1e-6,
  );

  const [c, d] = [tf.variable(tf.zeros([3])), tf.variable(tf.zeros([2]))];
  const restored = adam();
  await restored.setWeights(await used.getWeights());
  const [ofC, ofD] = restored.slots([c.name, d.name]);
  expect([...ofC!, ...ofD!].map((slot) => slot.dataSync())).toEqual(
    [...told[2]!, ...told[0]!].map((slot) => slot.dataSync()),
  );
});

it('refuses state that fits neither by name nor by position', async () => {
  const a = tf.variable(tf.ones([2, 3]));
  const used = sgd({ learningRate: 0.1, momentum: 0.9 });
  descend(used, a, tf.ones([2, 3]), 1);
  const restored = sgd({ learningRate: 0.1, momentum: 0.9 });
  await restored.setWeights(await used.getWeights());
  const other = tf.variable(tf.ones([3, 2]));
  expect(() => descend(restored, other, tf.ones([3, 2]), 1)).toThrow('fits the variables');
});

it('refuses the state of another kind of optimiser', async () => {
  const a = tf.variable(tf.ones([2]));
  const used = adam();
  descend(used, a, tf.ones([2]), 1);
  await expect(sgd({ learningRate: 1, momentum: 0.5 }).setWeights(await used.getWeights())).rejects.toThrow(
    'EspalierSgd: cannot restore the state [iter, stepsSinceReset,',
  );
});

it.each([undefined, [], [null], 'iter', {}])('refuses %j for a state', async (state) => {
  await expect(adam().setWeights(state as never)).rejects.toThrow('EspalierAdam: cannot restore the state');
});

const loose = { sgd: sgd as (settings?: unknown) => unknown, adam: adam as (settings?: unknown) => unknown };

it.each([
  [() => sgd({ learningRate: -1 }), 'sgd(): learningRate = -1, and is to be a step size, a number in [0, ∞)'],
  [() => sgd({ learningRate: NaN }), 'sgd(): learningRate = NaN'],
  [() => sgd({ learningRate: Infinity }), 'sgd(): learningRate = Infinity'],
  [() => sgd({ learningRate: 1, momentum: 1 }), 'sgd(): momentum = 1, and is to be a number in [0, 1)'],
  [
    () => sgd({ learningRate: 1, weightDecay: -0.1 }),
    'sgd(): weightDecay = -0.1, and is to be a number in [0, ∞)',
  ],
  [() => sgd({ learningRate: 1, nesterov: true }), 'sgd(): nesterov = true takes a momentum in (0, 1)'],
  [
    () => loose.sgd(),
    'sgd() takes an object of options (learningRate, momentum, weightDecay, nesterov, groups), it is given undefined',
  ],
  [() => loose.sgd(0.1), 'it is given 0.1'],
  [() => loose.sgd({}), 'sgd(): learningRate = undefined, and is to be a step size'],
  [
    () => loose.sgd({ learningRate: '0.1' }),
    "sgd(): learningRate = '0.1' (a string), and is to be a step size",
  ],
  [() => loose.sgd({ learningRate: 1, nesterov: 1 }), 'sgd(): nesterov = 1, and is to be true or false'],
  [() => loose.sgd({ learningrate: 1 }), "sgd() has no option 'learningrate': did you mean learningRate?"],
  [() => adam({ beta1: 1 }), 'adam(): beta1 = 1, and is to be a number in [0, 1)'],
  [() => adam({ beta2: -1 }), 'adam(): beta2 = -1'],
  [() => adam({ epsilon: -1 }), 'adam(): epsilon = -1, and is to be a number in [0, ∞)'],
  [() => adam({ weightDecay: NaN }), 'adam(): weightDecay = NaN'],
  [
    () => loose.adam(0.001),
    'adam() takes an object of options (learningRate, beta1, beta2, epsilon, weightDecay, groups), it is given 0.001',
  ],
  [() => loose.adam(null), 'it is given null'],
  [() => loose.adam({ weightdecay: 0 }), "adam() has no option 'weightdecay': did you mean weightDecay?"],
  [() => loose.adam({ beta1: '0.9' }), "adam(): beta1 = '0.9' (a string), and is to be a number in [0, 1)"],
  [
    () => (adam().learningRate = '1' as unknown as number),
    "EspalierAdam: learningRate = '1' (a string), and is to be",
  ],
  [
    () => adam().applyGradients(undefined as never),
    'applyGradients(): variableGradients = undefined, and is to be gradients',
  ],
])('refuses a setting out of range: %#', (make, message) => {
  expect(make).toThrow(message);
});

it('trains a compiled model with fit, and leaves as many tensors as after the first epoch', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        units: 16,
        activation: 'tanh',
        inputShape: [2],
        kernelInitializer: tf.initializers.glorotNormal({ seed: 1 }),
      }),
      tf.layers.dense({
        units: 2,
        activation: 'softmax',
        kernelInitializer: tf.initializers.glorotNormal({ seed: 2 }),
      }),
    ],
  });
  model.compile({
    optimizer: sgd({ learningRate: 0.3, momentum: 0.9, weightDecay: 1e-4 }),
    loss: 'categoricalCrossentropy',
  });
  const points = randomTensor([256, 2], 3) as tf.Tensor2D;
  const inside = tf.tidy(() => tf.less(tf.sum(tf.square(points), 1), 0.6).toInt());
  const labels = tf.oneHot(inside, 2);
  const options = { epochs: 1, batchSize: 32, shuffle: false, verbose: 0 } as const;
  const first = await model.fit(points, labels, options);
  const tensors = tf.memory().numTensors;
  const last = await model.fit(points, labels, { ...options, epochs: 40 });
  expect(tf.memory().numTensors).toBe(tensors);
  const losses = last.history['loss'] as number[];
  expect(losses.at(-1)!).toBeLessThan(0.25 * (first.history['loss'] as number[])[0]!);
});

it('leaves tensors and memory alone over a thousand steps', () => {
  const backend = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 24, activation: 'relu', inputShape: [20] }),
      tf.layers.dense({ units: 3 }),
    ],
  });
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4 });
  const x = randomTensor([16, 20], 1);
  const y = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: 16 }, (_, i) => i % 3),
      'int32',
    ),
    3,
  );
  const step = () => {
    optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, model.apply(x) as tf.Tensor) as tf.Scalar);
  };
  step();
  step();
  const tensors = tf.memory().numTensors;
  const bytes = tf.memory().numBytes;
  const heap = backend.wasm.HEAPU8.byteLength;
  for (let i = 0; i < 1000; i++) step();
  expect(tf.memory().numTensors).toBe(tensors);
  expect(tf.memory().numBytes).toBe(bytes);
  expect(backend.wasm.HEAPU8.byteLength).toBe(heap);
});
