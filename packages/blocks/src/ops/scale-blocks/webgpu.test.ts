/** ScaleBlocks and BlockDot in WGSL against the definitions, on whatever adapter there is. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BackendError, softwareAdapter, startBackend } from '../index.js';

Object.assign(process.env, softwareAdapter() ?? {});
const webgpu = await startBackend('webgpu').catch((error: unknown) => {
  if (error instanceof BackendError) return error;
  throw error;
});
const absent = webgpu instanceof BackendError;

const shapes = fc.record({
  matrix: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
  block: fc.constantFrom([1, 1], [4, 4], [3, 7], [8, 4], [16, 16], [40, 40]),
  seed: fc.integer({ min: 1, max: 1e6 }),
});

interface Case {
  readonly matrix: readonly [number, number];
  readonly block: readonly number[];
  readonly seed: number;
}

function randomNumbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from(
    { length: count },
    () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1,
  );
}

/** `[R, C]`, and of each weight of the matrix its block. */
function grid({ matrix: [n, m], block }: Case) {
  const [rows, columns] = block as [number, number];
  const across = Math.ceil(m / columns);
  const blockOf = (at: number) =>
    Math.floor(Math.floor(at / m) / rows) * across + Math.floor((at % m) / columns);
  return { shape: [Math.ceil(n / rows), across] as [number, number], blockOf };
}

async function run(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  { block }: Case,
): Promise<Float32Array> {
  const out = tf.engine().runKernel(kernel, inputs, { blockShape: [...block] }) as tf.Tensor;
  const values = (await out.data()) as Float32Array;
  tf.dispose([out, Object.values(inputs)]);
  return values;
}

describe.skipIf(absent)(`on ${absent ? `no adapter, skipped: ${webgpu.message}` : webgpu.device}`, () => {
  it('ScaleBlocks multiplies each block by its factor, and a factor of zero gives zeros of NaN too', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const [n, m] = shape.matrix;
        const { shape: gridShape, blockOf } = grid(shape);
        const matrix = randomNumbers(n * m, shape.seed);
        const scale = randomNumbers(gridShape[0] * gridShape[1], shape.seed + 1);
        scale[0] = 0;
        matrix[0] = NaN;
        const expected = matrix.map((x, at) => (scale[blockOf(at)] === 0 ? 0 : x * scale[blockOf(at)]!));
        const inputs = { matrix: tf.tensor2d(matrix, [n, m]), scale: tf.tensor2d(scale, gridShape) };
        expect(await run('ScaleBlocks', inputs, shape)).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('BlockDot sums a product over each block', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const [n, m] = shape.matrix;
        const { shape: gridShape, blockOf } = grid(shape);
        const [a, b] = [randomNumbers(n * m, shape.seed), randomNumbers(n * m, shape.seed + 1)];
        const expected = new Float64Array(gridShape[0] * gridShape[1]);
        const magnitude = new Float64Array(expected.length);
        a.forEach((x, at) => {
          expected[blockOf(at)]! += x * b[at]!;
          magnitude[blockOf(at)]! += Math.abs(x * b[at]!);
        });
        const inputs = { a: tf.tensor2d(a, [n, m]), b: tf.tensor2d(b, [n, m]) };
        const sums = await run('BlockDot', inputs, shape);
        expected.forEach((sum, at) => {
          expect(Math.abs(sums[at]! - sum)).toBeLessThanOrEqual(1e-5 * magnitude[at]! + 1e-7);
        });
      }),
      { numRuns: 25 },
    );
  });

  it('leave no tensor behind', () => expect(tf.memory().numTensors).toBe(0));
});
