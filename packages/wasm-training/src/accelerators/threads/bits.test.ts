// Work on several threads, also what is too small to be worth it, against the same on one.

import { memoryOf, type WasmBackend } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { randomTensor, randomValues } from '../../test-support.js';
import { kernelsOf } from '../../wasm/link.js';
import { useAccelerators } from '../index.js';
import { multiplyOn } from './products.js';
import { Team } from './team.js';

vi.mock(import('./division.js'), async (original) => ({ ...(await original()), pays: () => true }));

const backend = () => tf.findBackend('wasm') as unknown as WasmBackend;
const teams: Team[] = [];

beforeAll(async () => {
  await tf.setBackend('wasm');
  const { moduleFor } = kernelsOf(backend());
  teams.push(await Team.start(2, moduleFor), await Team.start(3, moduleFor));
});

afterAll(async () => {
  await useAccelerators('off');
  await Promise.all(teams.map((team) => team.stop()));
});

it('products are those of one thread, to the last bit', () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1, 12, 96, 130));
  // A panel of assembly/gemm.ts is 400 deep.
  const depth = fc.oneof(size, fc.constantFrom(399, 401, 810));
  const shape = fc.tuple(fc.boolean(), fc.boolean(), size, size, depth);
  fc.assert(
    fc.property(shape, fc.boolean(), fc.constantFrom(0, 1), fc.integer(), (product, accumulate, t, seed) => {
      const [, , m, n, k] = product;
      const { exports, scratch, workspace } = kernelsOf(backend());
      const a = workspace(4 * (m * k + k * n + m * n));
      const [b, c] = [a + 4 * m * k, a + 4 * (m * k + k * n)];
      const values = randomValues(m * k + k * n + m * n, seed);
      const result = (multiply: () => void) => {
        const { buffer } = memoryOf(backend());
        new Float32Array(buffer, a, values.length).set(values);
        multiply();
        return new Float32Array(buffer, a, values.length).slice();
      };
      const expected = result(() => exports.gemm(...product, a, b, c, accumulate, 0, 0, 0, 0, scratch));
      const actual = result(() => {
        expect(multiplyOn(teams[t]!, backend(), [...product, a, b, c, accumulate])).toBe(true);
      });
      expect(actual).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});

it.each([2, 3, 5])(
  'convolutions and their gradients on %i threads are those of one, to the last bit',
  async (threads) => {
    const small = (max: number) => fc.integer({ min: 1, max });
    const cases = fc.record({
      batch: small(5),
      height: fc.integer({ min: 5, max: 9 }),
      width: fc.integer({ min: 5, max: 9 }),
      channels: fc.oneof(small(5), fc.constantFrom(8, 16)),
      outChannels: fc.oneof(small(9), fc.constantFrom(8, 24)),
      filterHeight: small(5),
      filterWidth: small(3),
      strides: small(2),
      dilations: small(2),
      pad: fc.constantFrom('same' as const, 'valid' as const, 0, 1),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async (c) => {
        fc.pre(c.pad === 'same' || (c.filterHeight - 1) * c.dilations < c.height);
        // tfjs takes explicit pads for undilated filters alone.
        fc.pre(typeof c.pad === 'string' || c.dilations === 1);
        const values = () =>
          tf.tidy(() => {
            const x = randomTensor([c.batch, c.height, c.width, c.channels], c.seed) as tf.Tensor4D;
            const shape = [c.filterHeight, c.filterWidth, c.channels, c.outChannels];
            const filter = randomTensor(shape, c.seed + 1) as tf.Tensor4D;
            const strides = c.dilations > 1 ? 1 : c.strides;
            const convolve = (input: tf.Tensor4D, weight: tf.Tensor4D) =>
              tf.conv2d(input, weight, strides, c.pad, 'NHWC', c.dilations);
            const y = convolve(x, filter);
            const dy = randomTensor(y.shape, c.seed + 2);
            const gradients = tf.grads((a, b) => convolve(a as tf.Tensor4D, b as tf.Tensor4D))(
              [x, filter],
              dy,
            );
            return [y, ...gradients].map((tensor) => tensor.dataSync().slice());
          });
        await useAccelerators('off');
        const alone = values();
        await useAccelerators(['threads'], { threads });
        expect(values()).toEqual(alone);
      }),
      { numRuns: 25 },
    );
  },
);

it.each([2, 3])(
  "Winograd's convolutions on %i threads are those of one, to the last bit",
  async (threads) => {
    const multiples = fc.constantFrom(8, 16, 24, 40);
    const sides = fc.integer({ min: 7, max: 13 });
    const cases = fc.record({ height: sides, width: sides, channels: multiples, outChannels: multiples });
    await fc.assert(
      fc.asyncProperty(cases, fc.constantFrom('same', 'valid'), async (c, pad) => {
        const values = () =>
          tf.tidy(() => {
            const x = randomTensor([12, c.height, c.width, c.channels], 1) as tf.Tensor4D;
            const filter = randomTensor([3, 3, c.channels, c.outChannels], 2) as tf.Tensor4D;
            const convolve = (input: tf.Tensor, weight: tf.Tensor) =>
              tf.conv2d(input as tf.Tensor4D, weight as tf.Tensor4D, 1, pad as 'same' | 'valid');
            const y = convolve(x, filter);
            const gradients = tf.grads(convolve)([x, filter], randomTensor(y.shape, 3));
            return [y, ...gradients].map((tensor) => tensor.dataSync().slice());
          });
        await useAccelerators('off');
        const alone = values();
        expect(values()).toEqual(alone);
        await useAccelerators(['threads'], { threads });
        expect(values()).toEqual(alone);
      }),
      { numRuns: 5 },
    );
  },
);

it('a fused convolution on threads has its bias and its activation', async () => {
  const x = randomTensor([4, 6, 6, 3], 1) as tf.Tensor4D;
  const filter = randomTensor([3, 3, 3, 5], 2) as tf.Tensor4D;
  const bias = randomTensor([5], 3);
  const fused = () =>
    tf.tidy(() =>
      tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', bias, activation: 'relu' }).dataSync().slice(),
    );
  await useAccelerators('off');
  const alone = fused();
  await useAccelerators(['threads'], { threads: 2 });
  const run = vi.spyOn(Team.prototype, 'run');
  expect(fused()).toEqual(alone);
  expect(run).toHaveBeenCalledOnce();
  run.mockRestore();
  expect(alone).toContain(0);
  expect(Math.max(...alone)).toBeGreaterThan(0);
  tf.dispose([x, filter, bias]);
});

it('products are left to one thread where the shared memory is full', () => {
  const full = { size: 2, reserve: () => null } as unknown as Team;
  expect(multiplyOn(full, backend(), [false, false, 24, 16, 8, 0, 0, 0, false])).toBe(false);
});
