/**
 * Where several elements are the largest there is no one gradient, but each that is right keeps under a convex function, and
 * above a concave one: f(y) ≥ f(x) + g · (y − x) for every y. The points are whole numbers, so that ties abound.
 */
import { startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { Random, seedOf } from './random.js';

interface Kinked {
  readonly op: (...inputs: tf.Tensor[]) => tf.Tensor;
  readonly shapes: readonly number[][];
  readonly concave?: boolean;
}

const image = [2, 4, 5, 2];
const volume = [1, 3, 4, 3, 2];

const kinked: Readonly<Record<string, Kinked>> = {
  abs: { op: (x) => tf.abs(x!), shapes: [[4, 5]] },
  relu: { op: (x) => tf.relu(x!), shapes: [[4, 5]] },
  leakyRelu: { op: (x) => tf.leakyRelu(x!, 0.25), shapes: [[4, 5]] },
  'max over an axis': { op: (x) => tf.max(x!, 1), shapes: [[4, 5]] },
  'max over all': { op: (x) => tf.max(x!), shapes: [[2, 3, 4]] },
  'min over an axis': { op: (x) => tf.min(x!, -1, true), shapes: [[4, 5]], concave: true },
  maximum: {
    op: (a, b) => tf.maximum(a!, b!),
    shapes: [
      [3, 4],
      [1, 4],
    ],
  },
  minimum: { op: (a, b) => tf.minimum(a!, b!), shapes: [[3, 4], [4]], concave: true },
  maxPool: { op: (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same'), shapes: [image] },
  maxPool3d: { op: (x) => tf.maxPool3d(x as tf.Tensor5D, [2, 3, 2], 1, 'same'), shapes: [volume] },
  dilation2d: {
    op: (x, filter) => tf.dilation2d(x as tf.Tensor4D, filter as tf.Tensor3D, 1, 'same'),
    shapes: [image, [2, 3, 2]],
  },
};

describe.each(['cpu', 'wasm'] as const)('at ties, the gradient on %s is a subgradient', (backend) => {
  beforeAll(async () => {
    await startBackend(backend);
  });

  it.each(Object.entries(kinked))('of %s', (name, { op, shapes, concave = false }) => {
    const random = new Random(seedOf(name));
    const point = () =>
      shapes.map((shape) =>
        tf.tensor(
          Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.integer(-1, 1)),
          shape,
          'float32',
        ),
      );
    const f = (...inputs: tf.Tensor[]) => tf.sum(op(...inputs)) as tf.Scalar;
    tf.tidy(() => {
      const x = point();
      const [here] = f(...x).dataSync() as Float32Array;
      const gradients = tf.grads(f as never)(x);
      for (let i = 0; i < 60; i++) {
        const y = point();
        const [there] = f(...y).dataSync() as Float32Array;
        const slopes = gradients.map(
          (g, which) => tf.sum(tf.mul(g, tf.sub(y[which]!, x[which]!))).dataSync()[0]!,
        );
        const straight = here! + slopes.reduce((sum, slope) => sum + slope, 0);
        const under = concave ? straight - there! : there! - straight;
        expect(under).toBeGreaterThan(-1e-4);
      }
    });
  });
});
