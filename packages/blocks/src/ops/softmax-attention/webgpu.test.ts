/** Softmax attention in WGSL at sizes that take several workgroups, on whatever adapter there is. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { randomValues } from '../../test-support.js';
import { startWebgpu } from '../../test-webgpu.js';
import { plainAttention } from './cases.js';
import { attentionWeights } from './index.js';

const webgpu = await startWebgpu();

/** One workgroup, several, and more shares than a workgroup has threads. */
const sizes = [1, 2, 7, 255, 256, 2049, 5000, 140_000];
const attributes = { normalised: true, temperature: 0.5, minimum: 0.3, maximum: 2.5 };

async function valuesOf(compute: () => tf.Tensor): Promise<ArrayLike<number>> {
  const tensor = tf.tidy(compute);
  const values = await tensor.data();
  tensor.dispose();
  return values;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const wanted = Array.from(expected);
  const scale = wanted.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  // Written so that NaN fails too.
  const far = wanted.findIndex((x, i) => !(Math.abs(actual[i]! - x) <= 1e-4 * scale));
  if (far >= 0) expect.fail(`element ${far} is ${actual[far]}, expected ${wanted[far]}`);
}

describe.skipIf(webgpu.absent)(`on webgpu (${webgpu.where})`, () => {
  beforeAll(async () => {
    await tf.setBackend('webgpu');
  });
  afterEach(webgpu.finished);

  it.each(sizes)('it is the softmax of %s logits, at mean 1, clipped', async (size) => {
    const logits = randomValues(size, size).map((logit) => 2 * logit);
    const expected = plainAttention(Float64Array.from(logits), attributes);
    expectClose(
      await valuesOf(() => attentionWeights(tf.tensor1d(logits), attributes)),
      expected.map((weight) => Math.min(Math.max(weight, 0.3), 2.5)),
    );
  });

  it.each(sizes)('it is exactly 1 for %s equal logits', async (size) => {
    const weights = await valuesOf(() => attentionWeights(tf.fill([size], 0.3), { temperature: 0.7 }));
    expect(new Set(Array.from(weights))).toEqual(new Set([1]));
  });

  it.each(sizes)('its gradient is that of the definition, for %s logits', async (size) => {
    const logits = randomValues(size, size + 1);
    const dy = randomValues(size, size + 2);
    const weights = plainAttention(Float64Array.from(logits), attributes);
    // Away from the bounds: on which side of one a weight falls may be a matter of rounding.
    weights.forEach((weight, i) => {
      if (Math.min(Math.abs(weight - 0.3), Math.abs(weight - 2.5)) < 1e-3) dy[i] = 0;
    });
    const g = weights.map((weight, i) => (weight < 0.3 || weight > 2.5 ? 0 : dy[i]!));
    const mean = weights.reduce((sum, weight, i) => sum + weight * g[i]!, 0) / size;
    const expected = weights.map((weight, i) => (weight * (g[i]! - mean)) / attributes.temperature);
    const gradient = tf.grad((logits) => attentionWeights(logits, attributes));
    expectClose(await valuesOf(() => gradient(tf.tensor1d(logits), tf.tensor1d(dy))), expected);
  });

  it('an exponential that overflows is clipped, and passes no gradient', async () => {
    const unnormalised = { normalised: false, maximum: 10 };
    const logits = [0, 1000];
    const weights = await valuesOf(() => attentionWeights(tf.tensor1d(logits), unnormalised));
    expectClose(weights, [1, 10]);
    const gradient = tf.grad((logits) => attentionWeights(logits, unnormalised));
    expectClose(await valuesOf(() => gradient(tf.tensor1d(logits))), [1, 0]);
  });

  it('no tensor is left behind', () => expect(tf.memory().numTensors).toBe(0));
});
