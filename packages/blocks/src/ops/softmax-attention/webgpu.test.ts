/** Softmax attention in WGSL against the definition in double precision, on whatever adapter there is. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { BackendError, softwareAdapter, startBackend } from '../index.js';

Object.assign(process.env, softwareAdapter() ?? {});
const webgpu = await startBackend('webgpu').catch((error: unknown) => {
  if (error instanceof BackendError) return error;
  throw error;
});
const absent = webgpu instanceof BackendError;

interface Settings extends tf.NamedAttrMap {
  temperature: number;
  minimum: number;
  maximum: number;
}

function randomNumbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from(
    { length: count },
    () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1,
  );
}

async function run(
  kernel: string,
  inputs: Record<string, Float32Array>,
  settings: Settings,
): Promise<Float32Array> {
  const shape = (length: number): number[] => (length % 2 === 0 ? [2, length / 2] : [length, 1]);
  const tensors = Object.entries(inputs).map(
    ([name, values]) => [name, tf.tensor(values, shape(values.length))] as const,
  );
  const out = tf.engine().runKernel(kernel, Object.fromEntries(tensors), settings) as tf.Tensor;
  expect(out.shape).toEqual(tensors[0]![1].shape);
  const values = (await out.data()) as Float32Array;
  tf.dispose([out, tensors.map(([, tensor]) => tensor)]);
  return values;
}

/** G · softmax(logits / τ) */
function unclipped(logits: Float32Array, temperature: number): number[] {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(logits, (l) => Math.exp((l - largest) / temperature));
  const total = powers.reduce((sum, e) => sum + e, 0);
  return powers.map((e) => (e / total) * logits.length);
}

function expectClose(actual: Float32Array, expected: readonly number[], tolerance: number): void {
  const scale = expected.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  // Written so that NaN fails too.
  const far = expected.findIndex((x, i) => !(Math.abs(actual[i]! - x) <= tolerance * scale));
  if (far >= 0) expect.fail(`element ${far} is ${actual[far]}, expected ${expected[far]}`);
}

/** One workgroup, several, and more shares than a workgroup has threads. */
const sizes = [1, 2, 7, 255, 256, 2049, 5000, 140_000];

describe.skipIf(absent)(`on ${absent ? `no adapter, skipped: ${webgpu.message}` : webgpu.device}`, () => {
  it.each(sizes)('attention is the softmax of %s logits, at mean 1, clipped', async (size) => {
    for (const temperature of [0.25, 1]) {
      const logits = randomNumbers(size, size).map((l) => 2 * l);
      const expected = unclipped(logits, temperature).map((a) => Math.min(Math.max(a, 0.3), 2.5));
      expectClose(
        await run('SoftmaxAttention', { logits }, { temperature, minimum: 0.3, maximum: 2.5 }),
        expected,
        1e-4,
      );
    }
  });

  it.each(sizes)('is exactly 1 for %s equal logits', async (size) => {
    const settings = { temperature: 0.7, minimum: 0.1, maximum: 10 };
    const weights = await run('SoftmaxAttention', { logits: new Float32Array(size).fill(0.3) }, settings);
    expect(new Set(weights)).toEqual(new Set([1]));
  });

  it.each(sizes)('the gradient is that of the definition, for %s logits', async (size) => {
    const settings = { temperature: 0.5, minimum: 0.3, maximum: 2.5 };
    const logits = randomNumbers(size, size + 1);
    const dy = randomNumbers(size, size + 2);
    const weights = unclipped(logits, settings.temperature);
    // Away from the bounds: on which side of one a weight falls may be a matter of rounding.
    weights.forEach((weight, i) => {
      if (Math.min(Math.abs(weight - 0.3), Math.abs(weight - 2.5)) < 1e-3) dy[i] = 0;
    });
    const g = weights.map((weight, i) => (weight < 0.3 || weight > 2.5 ? 0 : dy[i]!));
    const mean = weights.reduce((sum, weight, i) => sum + weight * g[i]!, 0) / size;
    const expected = weights.map((weight, i) => (weight * (g[i]! - mean)) / settings.temperature);
    expectClose(await run('SoftmaxAttentionGrad', { dy, logits }, settings), expected, 1e-4);
  });

  it('leave no tensor behind', () => expect(tf.memory().numTensors).toBe(0));
});
