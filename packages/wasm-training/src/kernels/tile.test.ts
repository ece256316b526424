import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import '../index.js';
import { expectSameAsCpu, randomTensor } from '../test-support.js';
import { tileLayout } from './tile.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

it('tiles as the cpu backend does', async () => {
  const axis = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 4 }));
  await fc.assert(
    fc.asyncProperty(fc.array(axis, { minLength: 1, maxLength: 4 }), async (axes) => {
      const [shape, reps] = [axes.map(([size]) => size), axes.map(([, times]) => times)];
      await expectSameAsCpu(() => tf.tile(randomTensor(shape, 1), reps), 0);
    }),
    { numRuns: 150 },
  );
});

it('broadcasts a row and a column', () => {
  const rows = tf.tidy(() => tf.broadcastTo(tf.tensor1d([1, 2]), [2, 2]).dataSync());
  const columns = tf.tidy(() => tf.broadcastTo(tf.tensor2d([[1], [2]]), [2, 3]).dataSync());
  expect([...rows]).toEqual([1, 2, 1, 2]);
  expect([...columns]).toEqual([1, 1, 1, 2, 2, 2]);
});

it('finds the run that is repeated', () => {
  expect(tileLayout([1, 1, 1, 16], [64, 32, 32, 1])).toEqual([1, 65536, 16]);
  expect(tileLayout([5, 1], [1, 7])).toEqual([5, 7, 1]);
  expect(tileLayout([2, 3, 4], [1, 1, 1])).toEqual([1, 1, 24]);
  expect(tileLayout([2, 3], [2, 2])).toBeNull();
});
