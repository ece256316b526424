/** Random networks with random zeros: what is left predicts the same, and shrinks no further. `ESPALIER_LONG=1` for thousands. */
import { deriveSeed, randomNumbers } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';

import { shrink } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const CASES = process.env['ESPALIER_LONG'] ? 3000 : 120;

/** Draws of one case. */
class Draws {
  #count = 0;
  constructor(readonly seed: number) {}
  /** From 0 and under 1. */
  share(): number {
    return randomNumbers(1, deriveSeed(this.seed, this.#count++))[0]!;
  }
  below(n: number): number {
    return Math.floor(this.share() * n);
  }
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const { layers } = tf;
type Open = tf.SymbolicTensor;

const elementwise = ['linear', 'relu', 'sigmoid', 'tanh', 'elu', 'softplus', 'relu6', 'selu'] as const;

/** One of all channels is as likely as three of each. */
const activations = [...elementwise, 'softmax', 'softmax'] as const;

/** A layer that takes an image to one. */
function onImage(draws: Draws, side: number, channels: number): tf.layers.Layer {
  const padding = draws.of(['valid', 'same'] as const);
  const activation = draws.of(activations);
  const kernelSize = draws.of(side > 2 ? [1, 2, 3] : [1]);
  const useBias = draws.share() < 0.7;
  const common = { kernelSize, padding, activation, useBias };
  const filters = 1 + draws.below(6);
  const makers = [
    () => layers.conv2d({ ...common, filters, strides: draws.of([1, 2]) }),
    () => layers.conv2d({ ...common, filters, dilationRate: draws.of([1, 2]), padding: 'same' }),
    () => layers.depthwiseConv2d({ ...common, depthMultiplier: draws.of([1, 2]) }),
    () => layers.separableConv2d({ ...common, filters }),
    () => layers.conv2dTranspose({ ...common, filters }),
    () => layers.batchNormalization({ scale: draws.share() < 0.8, center: draws.share() < 0.8 }),
    () => layers.activation({ activation: draws.of(activations) }),
    () => layers.leakyReLU({ alpha: 0.1 }),
    () => layers.dropout({ rate: 0.3 }),
    () => layers.dense({ units: filters, activation, useBias }),
    () => layers.zeroPadding2d({ padding: draws.of([0, 1]) }),
    () => layers.upSampling2d({ size: [1, 2] }),
    ...(side > 2
      ? [
          () => layers.maxPooling2d({ poolSize: 2, strides: 1, padding }),
          () => layers.averagePooling2d({ poolSize: 2, strides: 1, padding }),
        ]
      : []),
    ...(channels > 0 && draws.share() < 0.2 ? [() => layers.layerNormalization({})] : []),
  ];
  return draws.of(makers)();
}

function onVector(draws: Draws): tf.layers.Layer {
  const units = 1 + draws.below(7);
  const activation = draws.of(activations);
  return draws.of([
    () => layers.dense({ units, activation, useBias: draws.share() < 0.7 }),
    () => layers.dense({ units, activation, useBias: draws.share() < 0.7 }),
    () => layers.batchNormalization({}),
    () => layers.activation({ activation }),
    () => layers.elu({}),
  ])();
}

/** Layers without weights, which are used again on any number of inputs of any width. */
interface Reused {
  readonly flatten: tf.layers.Layer;
  readonly merge: tf.layers.Layer;
  readonly join: tf.layers.Layer;
}

function reused(draws: Draws): Reused {
  const merge = draws.of([layers.add, layers.multiply, layers.average, layers.maximum, layers.minimum]);
  return { flatten: layers.flatten(), merge: merge(), join: layers.concatenate() };
}

/** Some steps from a tensor on, with branches that are added, joined or multiplied, and layers that are used again. */
function grown(draws: Draws, input: Open, steps: number, old: Reused): Open {
  let at = input;
  let again: tf.layers.Layer | null = null;
  for (let step = 0; step < steps; step++) {
    const isImage = at.shape.length === 4;
    const next = () =>
      (isImage
        ? onImage(draws, Math.min(at.shape[1]!, at.shape[2]!), at.shape[3]!)
        : onVector(draws)) as tf.layers.Layer;
    const kind = draws.share();
    if (kind < 0.6) {
      const layer = next();
      const made = layer.apply(at) as Open;
      if (made.shape.join() === at.shape.join()) again = layer;
      at = made;
    } else if (
      kind < 0.7 &&
      again &&
      again.inboundNodes[0]!.inputShapes[0]!.toString() === at.shape.toString()
    ) {
      at = again.apply(at) as Open;
    } else if (kind < 0.9) {
      const branches = [next().apply(at) as Open, next().apply(at) as Open, at].slice(draws.below(2));
      const alike = branches.filter(({ shape }) => shape.join() === branches[0]!.shape.join());
      const places = branches.filter(
        ({ shape }) => shape.slice(1, -1).join() === at.shape.slice(1, -1).join(),
      );
      const { merge, join } = draws.share() < 0.6 ? old : reused(draws);
      if (alike.length > 1 && draws.share() < 0.7) at = merge.apply(alike) as Open;
      else if (places.length > 1) at = join.apply(places) as Open;
      else at = branches[0]!;
    } else if (isImage && step > 1) {
      const flat = draws.of([
        () => old.flatten,
        () => layers.globalAveragePooling2d({}),
        () => layers.globalMaxPooling2d({}),
      ]);
      at = flat().apply(at) as Open;
    }
  }
  return at;
}

function network(draws: Draws): tf.LayersModel {
  const shape = draws.share() < 0.6 ? [4 + draws.below(3), 4, 1 + draws.below(3)] : [3 + draws.below(4)];
  const input = tf.input({ shape });
  const old = reused(draws);
  let at = grown(draws, input, 2 + draws.below(4), old);
  if (draws.share() < 0.4) {
    const inner = tf.input({ shape: at.shape.slice(1) as number[] });
    const model = tf.model({
      inputs: inner,
      outputs: grown(draws, inner, 1 + draws.below(3), reused(draws)),
    });
    at = model.apply(at) as Open;
  }
  if (draws.share() < 0.3) {
    // A second way from the input on, by layers that the first one goes by.
    const ways = [at, grown(draws, input, 1 + draws.below(3), old)].map((way) =>
      way.shape.length === 4 ? (old.flatten.apply(way) as Open) : way,
    );
    at = old.join.apply(ways) as Open;
  }
  if (at.shape.length === 4) at = old.flatten.apply(at) as Open;
  const last = layers.dense({ units: 2 }).apply(at) as Open;
  return tf.model({ inputs: input, outputs: draws.share() < 0.2 ? [last, at] : last });
}

/** Random weights; of kernels, whole rows or columns of the last two axes and of all taps are zero, and so are some scales. */
function fill(model: tf.LayersModel, draws: Draws): void {
  tf.tidy(() => {
    model.setWeights(
      model.weights.map((weight, i) => {
        const { shape } = weight as { shape: number[] };
        const seed = deriveSeed(draws.seed, 1e6 + i);
        if (weight.name.includes('variance')) return tf.randomUniform(shape, 0.5, 2, 'float32', seed);
        const values = tf.randomUniform(shape, -1, 1, 'float32', seed);
        const axes = shape.length === 1 ? [0] : [shape.length - 2, shape.length - 1];
        const share = draws.of([0, 0.2, 0.5, 0.8]);
        return axes.reduce<tf.Tensor>((kept, axis) => {
          const bits = Array.from({ length: shape[axis]! }, () => (draws.share() < share ? 0 : 1));
          return kept.mul(
            tf.tensor(
              bits,
              shape.map((length, j) => (j === axis ? length : 1)),
            ),
          );
        }, values);
      }),
    );
  });
}

it(`${CASES} random networks predict the same when they are shrunk, and shrink no further`, async () => {
  let [smaller, mixedUp] = [0, 0];
  for (let seed = 1; seed <= CASES; seed++) {
    const draws = new Draws(seed);
    const model = network(draws);
    fill(model, draws);
    const tensors = tf.memory().numTensors;
    const shrunk = await shrink(model).catch((error: RangeError) => error);
    if (shrunk instanceof Error) {
      // tfjs' own copy of it is another model.
      expect(shrunk.message, `of case ${seed}`).toMatch(/mixes up calls/);
      expect(tf.memory().numTensors).toBe(tensors);
      mixedUp += 1;
      model.dispose();
      continue;
    }
    const { model: small, report } = shrunk;
    expect(tf.memory().numTensors).toBe(tensors + small.weights.length);
    if (report.parameters.after < report.parameters.before) smaller += 1;
    tf.tidy(() => {
      const x = tf.randomNormal([3, ...(model.inputs[0]!.shape.slice(1) as number[])], 0, 1, 'float32', seed);
      const [own, others] = [model, small].map((each) => [each.predict(x)].flat());
      own!.forEach((y, i) => {
        const scale = Math.max(1, y.abs().max().dataSync()[0]!);
        const change = y.sub(others![i]!).abs().max().dataSync()[0]!;
        expect(change / scale, `of case ${seed}`).toBeLessThan(1e-5);
      });
    });
    const again = await shrink(small);
    expect(again.report.parameters.after, `of case ${seed}`).toBe(report.parameters.after);
    again.model.dispose();
    small.dispose();
    model.dispose();
  }
  expect(smaller).toBeGreaterThan(CASES / 3);
  expect(mixedUp).toBeLessThan(CASES / 20);
}, 600_000);
