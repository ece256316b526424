/**
 * Steps under a mask on wasm and on native TensorFlow: they go through the kept blocks alone, and the rest catches up when it
 * is read. Nobody can tell, whoever reads, whenever.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import {
  attendBlocks,
  blockGrid,
  gatherBlocks,
  keepBlocks,
  type Shape2D,
  TrainingMask,
} from '@espalier/blocks';
import '@espalier/blocks/tensorflow';
import '@espalier/blocks/wasm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startTensorflow } from '../../blocks/src/test-tensorflow.js';
import './backends/tensorflow.js';
import './backends/wasm.js';
import { adam, sgd, type SlotOptimizer } from './index.js';
import { expectClose, randomTensor, randomValues } from './test-support.js';

const optimizers: Record<string, () => SlotOptimizer & { learningRate: number }> = {
  sgd: () => sgd({ learningRate: 0.1 }),
  'sgd with decay': () => sgd({ learningRate: 0.1, weightDecay: 0.02 }),
  momentum: () => sgd({ learningRate: 0.1, momentum: 0.9 }),
  'momentum with decay': () => sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.02 }),
  'Nesterov’s momentum': () => sgd({ learningRate: 0.1, momentum: 0.8, weightDecay: 0.1, nesterov: true }),
  adam: () => adam({ learningRate: 0.05 }),
  'adam with decay': () => adam({ learningRate: 0.05, weightDecay: 0.02 }),
};
const each = Object.entries(optimizers);

/** The shape of a weight, that of its matrix, its blocks, and a share of them that is kept. */
const shapes: [number[], Shape2D, Shape2D, number][] = [
  [[64, 64], [64, 64], [16, 16], 0.2],
  [[37, 53], [37, 53], [8, 12], 0.4],
  [[9, 70], [9, 70], [4, 8], 0.4],
  [[3, 3, 4, 22], [36, 22], [6, 8], 0.3],
];

interface Backend {
  readonly name: string;
  readonly absent?: boolean;
  readonly where?: string;
  /** Of the steps under a mask, the first that puts something off. */
  readonly begins: number;
  /** The backend's entry of a tensor, and the field of it that is an accessor while its blocks lie apart. */
  entryOf(dataId: object): object;
  readonly place: string;
  /** How many of the pieces of memory that are taken from now on are held, once what is counted is over. */
  counted(): () => number;
  /** Pieces that go with a mask, some time after it is disposed. */
  readonly ofMask: number;
}

const wasm: Backend = {
  name: 'wasm',
  begins: 1,
  ofMask: 0,
  entryOf: (dataId) =>
    (tf.backend() as unknown as { dataIdMap: { get(id: object): object } }).dataIdMap.get(dataId),
  place: 'memoryOffset',
  counted: () => {
    const { wasm: heap } = tf.backend() as unknown as {
      wasm: { _malloc(bytes: number): number; _free(at: number): void };
    };
    let held = 0;
    const { _malloc, _free } = heap;
    heap._malloc = (bytes) => {
      held += 1;
      return _malloc(bytes);
    };
    heap._free = (at) => {
      if (at !== 0) held -= 1;
      _free(at);
    };
    return () => {
      Object.assign(heap, { _malloc, _free });
      return held;
    };
  },
};

/** The addon of tfjs' native backend: tensors are numbers. */
interface Binding {
  readonly TF_FLOAT: number;
  createTensor(shape: number[], dtype: number, values: unknown): number;
  executeOp(...call: unknown[]): { id: number; dtype: number }[];
  deleteTensor(id: number): void;
}

const tensorflow: Backend = {
  name: 'tensorflow',
  ...(await startTensorflow()),
  begins: 2,
  ofMask: 1,
  entryOf: (dataId) =>
    (tf.backend() as unknown as { tensorMap: { get(id: object): object } }).tensorMap.get(dataId),
  place: 'id',
  counted: () => {
    const backend = tf.backend() as unknown as { binding: Binding };
    const { binding } = backend;
    // Lists of blocks, whole numbers, go with the masks that they are of: at some time.
    const held = new Set<number>();
    const counting: Omit<Binding, 'TF_FLOAT'> = {
      createTensor: (shape, dtype, values) => {
        const id = binding.createTensor(shape, dtype, values);
        if (dtype === binding.TF_FLOAT) held.add(id);
        return id;
      },
      executeOp: (...call) => {
        const made = binding.executeOp(...call);
        for (const { id, dtype } of made) if (dtype === binding.TF_FLOAT) held.add(id);
        return made;
      },
      deleteTensor: (id) => {
        binding.deleteTensor(id);
        held.delete(id);
      },
    };
    // The addon's own are not to be written over.
    const fields = Object.entries(counting).map(([key, value]) => [key, { value }] as const);
    backend.binding = Object.create(binding, Object.fromEntries(fields)) as Binding;
    return () => {
      backend.binding = binding;
      return held.size;
    };
  },
};

/** A variable that is a matrix is read as it is. */
function asMatrix(weight: tf.Tensor, { grid }: TrainingMask): tf.Tensor2D {
  return weight.rank === 2 ? (weight as tf.Tensor2D) : weight.reshape([...grid.matrixShape]);
}

/** The algorithms of torch.optim.SGD and Adam on one number, from PyTorch's documentation. */
function trained(w: number, gradients: number[], settings: Record<string, number | boolean>): number {
  const of = (name: string) => Number(settings[name] ?? 0);
  const [lr, decay] = [of('learningRate'), of('weightDecay')];
  let [m, v, t] = [0, 0, 0];
  for (const gradient of gradients) {
    t++;
    const g = gradient + decay * w;
    if ('beta1' in settings) {
      m = of('beta1') * m + (1 - of('beta1')) * g;
      v = of('beta2') * v + (1 - of('beta2')) * g * g;
      const corrected = Math.sqrt(v / (1 - of('beta2') ** t)) + of('epsilon');
      w -= (lr * (m / (1 - of('beta1') ** t))) / corrected;
    } else {
      m = of('momentum') * m + g;
      w -= lr * (settings['nesterov'] ? g + of('momentum') * m : m);
    }
  }
  return w;
}

describe(wasm.name, () => itTellsNobody(wasm));

describe.skipIf(tensorflow.absent)(`tensorflow (${tensorflow.where})`, () => itTellsNobody(tensorflow));

function itTellsNobody({ name, begins, entryOf, place, counted, ofMask }: Backend): void {
  let kept: ReturnType<typeof tf.memory>;
  beforeEach(async () => {
    await tf.setBackend(name);
    kept = tf.memory();
  });
  afterEach(() => {
    const { numTensors, numDataBuffers } = tf.memory();
    expect({ numTensors, numDataBuffers }).toEqual({
      numTensors: kept.numTensors,
      numDataBuffers: kept.numDataBuffers,
    });
  });

  function maskOf(matrixShape: Shape2D, blockShape: Shape2D, share: number, seed = 5): TrainingMask {
    const grid = blockGrid(matrixShape, blockShape);
    const bits = Uint8Array.from(randomValues(grid.blocks, seed), (value) => Number((value + 1) / 2 < share));
    bits[seed % grid.blocks] = 1;
    bits[(seed + 3) % grid.blocks] = 0;
    return new TrainingMask(grid, bits);
  }

  /** What ops make of a weight under a mask, by one or another of them. */
  function underMask(weight: tf.Tensor, logits: tf.Tensor, mask: TrainingMask, way: number): tf.Tensor {
    const matrix = asMatrix(weight, mask);
    const ways = [
      () => gatherBlocks(matrix, mask),
      () => keepBlocks(matrix, mask),
      () => attendBlocks(matrix, logits as tf.Tensor2D, mask),
    ];
    return ways[way % ways.length]!();
  }

  /**
   * The gradient of Σ f(kept) · flow, which is zero outside of the mask and known to be.
   *
   * @param f linear, where it is to be the same at any weight
   */
  function maskedGradient(
    weight: tf.Variable,
    mask: TrainingMask,
    seed: number,
    f = (kept: tf.Tensor): tf.Tensor => kept.sin(),
  ): tf.Tensor {
    return tf.tidy(() => {
      const logits = randomTensor([...mask.grid.gridShape], seed);
      const loss = () => {
        const made = f(underMask(weight, logits, mask, seed));
        return made.mul(randomTensor(made.shape, seed)).sum<tf.Scalar>();
      };
      const { value, grads } = tf.variableGrads(loss, [weight]);
      value.dispose();
      return grads[weight.name]!;
    });
  }

  /** One step, with a gradient that is known to be zero outside of the mask, or with the same numbers of which it is not. */
  function step(
    optimizer: SlotOptimizer,
    weight: tf.Variable,
    mask: TrainingMask,
    seed: number,
    whole: boolean,
    f?: (kept: tf.Tensor) => tf.Tensor,
  ) {
    tf.tidy(() => {
      const gradient = maskedGradient(weight, mask, seed, f);
      const given = whole ? tf.tensor(gradient.dataSync(), weight.shape) : gradient;
      optimizer.applyGradients({ [weight.name]: given });
    });
  }

  const isPutOff = ({ dataId }: tf.Tensor) =>
    Object.getOwnPropertyDescriptor(entryOf(dataId), place)!.get !== undefined;
  const bits = (tensor: tf.Tensor) => [...new Uint32Array(tensor.dataSync<'float32'>().slice().buffer)];
  const slotsOf = (optimizer: SlotOptimizer, weight: tf.Variable) => optimizer.slots([weight.name])[0]!;

  /** A weight, its mask and its optimiser twice: one takes steps of the kept blocks, the other of the whole. */
  function twice(make: () => SlotOptimizer & { learningRate: number }, [shape, ...cut] = shapes[0]!) {
    const mask = maskOf(...cut);
    const [ours, whole] = [false, true].map((isWhole) => {
      const weight = tf.tidy(() => tf.variable(randomTensor(shape, 1)));
      const optimizer = make();
      return {
        weight,
        optimizer,
        step: (seed: number, under = mask) => step(optimizer, weight, under, seed, isWhole),
        state: () => [weight, ...slotsOf(optimizer, weight)].map(bits),
      };
    }) as [Side, Side];
    return {
      mask,
      ours,
      whole,
      dispose: () => {
        for (const side of [ours, whole]) {
          side.optimizer.dispose();
          side.weight.dispose();
        }
        mask.dispose();
      },
    };
  }

  interface Side {
    readonly weight: tf.Variable;
    readonly optimizer: SlotOptimizer & { learningRate: number };
    step(seed: number, under?: TrainingMask): void;
    state(): number[][];
  }

  describe.each(each)('%s', (_, make) => {
    it.each(shapes)('of %j as %j in blocks of %j: the bits of the whole, read at any step', (...shape) => {
      const { ours, whole, dispose } = twice(make, shape);
      for (const [steps, rate] of [
        [1, 0.1],
        [2, 0.1],
        [15, 0.07],
        [16, 0.07],
        [17, 0],
        [40, 0.03],
      ] as const) {
        for (const side of [ours, whole]) {
          side.optimizer.learningRate = rate;
          for (let i = 0; i < steps; i++) side.step(i);
        }
        expect(ours.state()).toEqual(whole.state());
      }
      ours.step(0);
      // Of tensors that are no matrices TensorFlow makes new ones.
      expect(isPutOff(ours.weight)).toBe(place === 'memoryOffset' || shape[0]!.length === 2);
      dispose();
    });

    it('in double precision comes to the same', () => {
      const linear = (kept: tf.Tensor) => kept;
      const { mask, ours, dispose } = twice(make, shapes[1]);
      const start = ours.weight.dataSync().slice();
      const gradients = [0, 1, 2].map((seed) => {
        const gradient = maskedGradient(ours.weight, mask, seed, linear);
        const values = gradient.dataSync().slice();
        gradient.dispose();
        return values;
      });
      for (let i = 0; i < 60; i++) step(ours.optimizer, ours.weight, mask, i % 3, false, linear);
      const { getConfig } = ours.optimizer;
      const settings = getConfig.call(ours.optimizer) as Record<string, number | boolean>;
      const expected = Array.from(start, (w, at) =>
        trained(
          w,
          Array.from({ length: 60 }, (__, i) => gradients[i % 3]![at]!),
          settings,
        ),
      );
      expectClose(ours.weight.dataSync(), expected, 2e-5);
      dispose();
    });

    it('goes on under another mask, and with gradients of the whole', () => {
      const { ours, whole, dispose } = twice(make);
      const masks = [5, 6, 7].map((seed) => maskOf([64, 64], [16, 16], 0.3, seed));
      for (const side of [ours, whole]) {
        for (let i = 0; i < 30; i++) side.step(i, masks[Math.floor(i / 4) % 3]);
        for (let i = 0; i < 3; i++) step(side.optimizer, side.weight, masks[0]!, 50 + i, true);
        for (let i = 0; i < 5; i++) side.step(60 + i, masks[0]);
      }
      expect(ours.state()).toEqual(whole.state());
      for (const mask of masks) mask.dispose();
      dispose();
    });

    it('forgets in the midst of it', () => {
      const { ours, whole, dispose } = twice(make);
      for (const side of [ours, whole]) {
        for (let i = 0; i < 7; i++) side.step(i);
        side.optimizer.resetState();
        for (let i = 0; i < 7; i++) side.step(10 + i);
      }
      expect(ours.state()).toEqual(whole.state());
      for (const side of [ours, whole]) side.optimizer.resetState();
      expect(bits(ours.weight)).toEqual(bits(whole.weight));
      dispose();
    });

    it('is taken down and gone on from', async () => {
      const { ours, whole, dispose } = twice(make);
      const states: number[][][] = [];
      for (const { weight, optimizer, step: take, state } of [ours, whole]) {
        for (let i = 0; i < 9; i++) take(i);
        const stored = await optimizer.getWeights();
        const copies = stored.map(({ name, tensor }) => ({ name, tensor: tensor.clone() }));
        const before = weight.clone();
        tf.dispose(stored.slice(0, 2).map(({ tensor }) => tensor));
        for (let i = 0; i < 4; i++) take(20 + i);
        const onwards = state();
        weight.assign(before);
        await optimizer.setWeights(copies);
        for (let i = 0; i < 4; i++) take(20 + i);
        expect(state()).toEqual(onwards);
        states.push(onwards);
        tf.dispose([before, ...copies.map(({ tensor }) => tensor)]);
      }
      expect(states[0]).toEqual(states[1]);
      dispose();
    });
  });

  describe('whoever reads', () => {
    const make = optimizers['momentum with decay']!;

    it.each<[string, (weight: tf.Variable) => tf.Tensor]>([
      ['a kernel of tfjs', (weight) => weight.mul(1)],
      ['one that reads a part', (weight) => weight.slice([3, 0], [20, 64])],
      ['one through a tensor of another shape', (weight) => weight.reshape([4096]).neg()],
      ['a product', (weight) => tf.matMul(weight as unknown as tf.Tensor2D, tf.ones([64, 2]))],
      ['a reduction', (weight) => weight.sum(0)],
      ['a clone that is kept while it trains on', (weight) => weight.clone()],
    ])('%s sees no difference', (_, read) => {
      const { ours, whole, dispose } = twice(make);
      const seen = [ours, whole].map((side) => {
        for (let i = 0; i < 21; i++) side.step(i);
        const result = tf.tidy(() => read(side.weight));
        for (let i = 0; i < 3; i++) side.step(30 + i);
        return result;
      });
      expect(bits(seen[0]!)).toEqual(bits(seen[1]!));
      expect(ours.state()).toEqual(whole.state());
      tf.dispose(seen);
      dispose();
    });

    it('another backend sees none', async () => {
      const { ours, whole, dispose } = twice(make);
      for (const side of [ours, whole]) for (let i = 0; i < 5; i++) side.step(i);
      await tf.setBackend('cpu');
      const seen = [ours, whole].map(({ weight }) => tf.tidy(() => bits(weight.mul(1))));
      expect(seen[0]).toEqual(seen[1]);
      await tf.setBackend(name);
      for (const side of [ours, whole]) for (let i = 0; i < 5; i++) side.step(i);
      expect(ours.state()).toEqual(whole.state());
      dispose();
    });

    it.each([0, 1, 2])('an op under the same mask, of kind %i, sees none, nor does its gradient', (way) => {
      const { mask, ours, whole, dispose } = twice(make);
      const seen = [ours, whole].map((side) => {
        for (let i = 0; i < 9; i++) side.step(i);
        const before = isPutOff(side.weight);
        expect(before).toBe(side === ours);
        const made = tf.tidy(() => {
          const logits = randomTensor([...mask.grid.gridShape], 3);
          const loss = (weight: tf.Tensor, by: tf.Tensor) => {
            const result = underMask(weight, by, mask, way).sin();
            return result.mul(randomTensor(result.shape, 4)).sum();
          };
          // There is a gradient by the logits where they are attended to.
          const { value, grads } =
            way === 2
              ? tf.valueAndGrads(loss)([side.weight, logits])
              : tf.valueAndGrads((weight: tf.Tensor) => loss(weight, logits))([side.weight]);
          return [value, ...grads].map(bits);
        });
        // What is saved for a gradient is a clone, which tfjs' own kernel on wasm makes by a copy.
        if (name !== 'wasm' || way < 2) expect(isPutOff(side.weight)).toBe(before);
        return made;
      });
      expect(seen[0]).toEqual(seen[1]);
      expect(ours.state()).toEqual(whole.state());
      dispose();
    });

    it('nobody sees one where the gradient is a weight, or what is remembered of one', () => {
      const { ours, whole, dispose } = twice(make);
      const plain = optimizers['sgd']!();
      const others = [ours, whole].map(() => tf.tidy(() => tf.variable(randomTensor([64, 64], 2))));
      [ours, whole].forEach((side, at) => {
        const other = others[at]!;
        const applied = (of: tf.Variable, by: tf.Tensor) =>
          tf.tidy(() => {
            const given = side === whole ? tf.tensor(by.dataSync(), by.shape) : by;
            plain.applyGradients({ [of.name]: given });
          });
        for (let round = 0; round < 2; round++) {
          for (let i = 0; i < 5; i++) side.step(i);
          applied(other, side.weight);
          for (let i = 0; i < 5; i++) side.step(i);
          applied(side.weight, side.weight);
          for (let i = 0; i < 5; i++) side.step(i);
          applied(side.weight, slotsOf(side.optimizer, side.weight)[0]!);
        }
      });
      expect(ours.state()).toEqual(whole.state());
      expect(bits(others[0]!)).toEqual(bits(others[1]!));
      tf.dispose(others);
      plain.dispose();
      dispose();
    });

    it('nobody sees one where two weights have one gradient', () => {
      const { mask, ours, whole, dispose } = twice(make);
      const others = [ours, whole].map(() => tf.tidy(() => tf.variable(randomTensor([64, 64], 2))));
      [ours, whole].forEach((side, at) => {
        for (let i = 0; i < 7; i++) {
          tf.tidy(() => {
            const masked = maskedGradient(side.weight, mask, i);
            const given = side === whole ? tf.tensor(masked.dataSync(), masked.shape) : masked;
            side.optimizer.applyGradients({ [side.weight.name]: given, [others[at]!.name]: given });
          });
        }
      });
      expect(ours.state()).toEqual(whole.state());
      expect(bits(others[0]!)).toEqual(bits(others[1]!));
      tf.dispose(others);
      dispose();
    });

    it('nobody sees one in what is no number, or zero with a sign', () => {
      const { mask, ours, whole, dispose } = twice(make);
      for (const side of [ours, whole]) {
        tf.tidy(() => {
          const odd = tf.tensor2d(
            Float32Array.from({ length: 4096 }, (_, at) => [NaN, Infinity, -0, 1, -2][at % 5]!),
            [64, 64],
          );
          const kept = keepBlocks(tf.ones([64, 64]), mask);
          side.weight.assign(tf.where<tf.Tensor>(kept.cast('bool'), side.weight, odd));
        });
        for (let i = 0; i < 50; i++) side.step(i);
      }
      expect(ours.state()).toEqual(whole.state());
      dispose();
    });

    it('nobody sees one under a mask that keeps nothing', () => {
      const { ours, whole, dispose } = twice(make);
      const grid = blockGrid([64, 64], [16, 16]);
      const nothing = new TrainingMask(grid, new Uint8Array(grid.blocks));
      for (const side of [ours, whole]) {
        for (let i = 0; i < 6; i++) side.step(i);
        for (let i = 0; i < 6; i++) side.step(3 * i, nothing);
        for (let i = 0; i < 6; i++) side.step(3 * i + 1, nothing);
      }
      expect(ours.state()).toEqual(whole.state());
      nothing.dispose();
      dispose();
    });

    it('of weights enough for several threads, after a long time, sees none', () => {
      const { ours, whole, dispose } = twice(make, [[256, 256], [256, 256], [16, 16], 0.2]);
      for (const side of [ours, whole]) for (let i = 0; i < 120; i++) side.step(3 * i);
      expect(ours.state()).toEqual(whole.state());
      dispose();
    });

    it('a second optimiser over the same weight sees none', () => {
      const { mask, ours, whole, dispose } = twice(make);
      for (const side of [ours, whole]) {
        const second = optimizers['sgd with decay']!();
        for (let i = 0; i < 12; i++) {
          step(i % 5 < 3 ? side.optimizer : second, side.weight, mask, i, side === whole);
        }
        second.dispose();
      }
      expect(ours.state()).toEqual(whole.state());
      dispose();
    });

    it('of more settings than are put off, none is lost', () => {
      const { ours, whole, dispose } = twice(make, shapes[2]);
      for (const side of [ours, whole]) {
        for (let i = 0; i < 2100; i++) {
          side.optimizer.learningRate = 1e-3 / (i + 1);
          side.step(i % 4);
        }
      }
      expect(ours.state()).toEqual(whole.state());
      dispose();
    });
  });

  it('is put off, until somebody reads', () => {
    const { ours, dispose } = twice(optimizers['momentum with decay']!);
    for (let i = 0; i < begins; i++) ours.step(i);
    const [velocity] = slotsOf(ours.optimizer, ours.weight);
    expect([ours.weight, velocity!].map(isPutOff)).toEqual([true, true]);
    ours.step(2);
    expect([ours.weight, velocity!].map(isPutOff)).toEqual([true, true]);
    bits(velocity!);
    expect([ours.weight, velocity!].map(isPutOff)).toEqual([false, false]);
    ours.step(3);
    expect([ours.weight, velocity!].map(isPutOff)).toEqual([true, true]);
    dispose();
  });

  describe('what stands still', () => {
    it.each<[string, number]>([
      ['zero weights', 0],
      ['weights that momentum has died away under', 1],
    ])('%s: a long time is caught up with', (_, scale) => {
      const make = optimizers['momentum']!;
      const { ours, whole, dispose } = twice(make, shapes[2]);
      const everything = maskOf([9, 70], [1, 1], 0.9);
      for (const side of [ours, whole]) {
        tf.tidy(() => side.weight.assign(side.weight.mul(scale)));
        step(side.optimizer, side.weight, everything, 1, true);
        for (let i = 0; i < 1500; i++) side.step(i % 4);
      }
      expect(ours.state()).toEqual(whole.state());
      everything.dispose();
      dispose();
    });
  });

  describe.each(each)('%s, in any order of events', (_, make) => {
    it.each([1, 2])('of seed %i: no difference', (seed) => {
      const { ours, whole, dispose } = twice(make, shapes[seed % shapes.length]);
      const masks = [1, 2].map((own) => {
        const [, ...cut] = shapes[seed % shapes.length]!;
        return maskOf(...cut, 20 + own);
      });
      const held: tf.Tensor[][] = [];
      const events: ((side: Side, at: number) => void)[] = [
        ...Array.from(
          { length: 6 },
          (__, i) => (side: Side, at: number) => side.step(at, masks[Number(i > 3)]),
        ),
        (side, at) => step(side.optimizer, side.weight, masks[0]!, at, true),
        (side) => void bits(side.weight),
        (side) => slotsOf(side.optimizer, side.weight).forEach(bits),
        (side) => side.optimizer.resetState(),
        (side) => tf.tidy(() => side.weight.assign(side.weight.mul(0.5))),
        (side, at) => (held[at] ??= []).push(side.weight.clone()),
        (side, at) => {
          side.optimizer.learningRate = 0.01 * (1 + (at % 5));
        },
      ];
      randomValues(120, seed).forEach((value, at) => {
        const event = events[Math.floor(((value + 1) / 2) * events.length)]!;
        for (const side of [ours, whole]) event(side, at);
      });
      expect(ours.state()).toEqual(whole.state());
      for (const [mine, theirs] of held.filter(Boolean)) expect(bits(mine!)).toEqual(bits(theirs!));
      tf.dispose(held.filter(Boolean));
      for (const mask of masks) mask.dispose();
      dispose();
    });
  });

  describe('memory', () => {
    it.each(each)('is neither taken nor lost under %s, whatever is disposed first', (_, make) => {
      const round = (end: (side: Side, dispose: () => void) => void) => {
        const { ours, dispose } = twice(make);
        for (let i = 0; i < 20; i++) ours.step(i);
        end(ours, dispose);
      };
      const ends: ((side: Side, dispose: () => void) => void)[] = [
        (_side, dispose) => dispose(),
        (side, dispose) => {
          side.weight.dispose();
          slotsOf(side.optimizer, side.weight).forEach(bits);
          dispose();
        },
        (side, dispose) => {
          side.optimizer.resetState();
          bits(side.weight);
          dispose();
        },
        (side, dispose) => {
          side.optimizer.resetState();
          side.step(1);
          dispose();
        },
      ];
      // What is made once and stays.
      for (const end of ends) round(end);
      const held = counted();
      for (let i = 0; i < 5; i++) for (const end of ends) round(end);
      expect(held()).toBe(5 * ends.length * ofMask);
    });

    it('stays as it is over thousands of steps', () => {
      const make = optimizers['adam with decay']!;
      const train = ({ ours }: ReturnType<typeof twice>, steps: number) => {
        for (let i = 0; i < steps; i++) ours.step(i % 8);
      };
      // What is made once and stays.
      const before = twice(make, shapes[1]);
      train(before, 100);
      before.dispose();
      const held = counted();
      const sides = twice(make, shapes[1]);
      train(sides, 1000);
      const { numTensors, numDataBuffers, numBytes } = tf.memory();
      train(sides, 1000);
      expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
      sides.dispose();
      expect(held()).toBe(ofMask);
    });
  });
}
