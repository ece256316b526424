import '@tensorflow/tfjs-backend-wasm';

import { blockGrid } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { attention } from './importances.js';
import { KernelState } from './run/kernel-state.js';
import { softmaxAttention, type AttentionParameters } from './parameterisations.js';
import {
  blockOf,
  expectClose,
  finiteDifferences,
  randomTensor,
  randomValues,
  values,
} from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A kernel under softmax attention, at density 0.5 unless said. */
function attended(
  shape: [number, number],
  block: [number, number],
  { density = 0.5, ...parameters }: AttentionParameters & { density?: number } = {},
) {
  const variable = tf.variable(randomTensor(shape));
  const source = { name: 'w', variable, kind: 'other' } as const;
  const state = new KernelState(source, block, density, softmaxAttention(parameters), {
    prunedWeights: 'masked',
  });
  return { variable, state, logits: state.trainables['logits'] as tf.Variable };
}

/** What softmax attention multiplies a row of blocks of one weight by. */
function attentionOf(logits: readonly number[], parameters: AttentionParameters = {}): number[] {
  const { state, logits: trained } = attended([1, logits.length], [1, 1], { clip: 'off', ...parameters });
  trained.assign(tf.tensor2d([...logits], [1, logits.length]));
  return tf.tidy(() => values(state.factors().blockScale as tf.Tensor2D));
}

describe('the attention A = G · softmax(L / τ)', () => {
  it('is that of the reference for G = 4, L = [0, 1, 2, 3]', () => {
    expectClose(attentionOf([0, 1, 2, 3]), [0.128234, 0.348577, 0.947531, 2.575657], 1e-6);
  });

  it('at τ = 1/4 is that of logits four times as far apart', () => {
    // Σ e^(4i), i = 0 … 3: 1 + 54.598150 + 2980.957987 + 162754.791419 = 165791.347556.
    const total = 165791.347556;
    expectClose(
      attentionOf([0, 1, 2, 3], { temperature: 0.25 }),
      [1, 54.59815, 2980.957987, 162754.791419].map((e) => (4 * e) / total),
      1e-5,
    );
  });

  it('unnormalised is e^(L / τ)', () => {
    expectClose(attentionOf([0, 1, 2, 3], { normalised: false }), [1, 2.718282, 7.389056, 20.085537], 1e-5);
    expectClose(attentionOf([0, 1], { normalised: false, temperature: 0.5 }), [1, 7.389056], 1e-5);
  });

  it.each(['cpu', 'wasm'])(
    'starts at exactly 1 for any number of blocks on the %s backend',
    async (backend) => {
      await tf.setBackend(backend);
      // 49, 98, 103, 107, 161 and 1568 are among those for which G · (1 / G) is not 1 in single precision.
      for (const blocks of [1, 2, 3, 49, 98, 100, 103, 107, 161, 400, 1568]) {
        expect(new Set(attentionOf(new Array(blocks).fill(0)))).toEqual(new Set([1]));
      }
      await tf.setBackend('cpu');
    },
  );

  it('has mean 1 and stays finite for logits that are far apart', () => {
    expectClose(attentionOf([1000, -1000, 0, 1000]), [2, 0, 0, 2], 1e-6);
  });
});

describe('softmax attention', () => {
  it('leaves the effective weight at the start bit by bit the plain weight', () => {
    const plain = values(randomTensor([14, 21]));
    const { state } = attended([14, 21], [2, 3]); // G = 49
    expect(values(tf.tidy(() => state.effective()))).toEqual(plain);
  });

  it('multiplies each block by its attention', () => {
    const { state, logits, variable } = attended([4, 6], [2, 3], { density: 0.1 });
    logits.assign(tf.tensor2d([0, 1, 2, 3], [2, 2]));
    const A = [0.128234, 0.348577, 0.947531, 2.575657];
    const naive = values(variable).map((w, i) => w * (A[blockOf(i, [4, 6], [2, 3])] as number));
    expectClose(values(tf.tidy(() => state.effective())), naive, 1e-5);
  });

  it('clips the attention to [d, 1/d]', () => {
    const { state, logits, variable } = attended([1, 4], [1, 1], { density: 0.5 });
    logits.assign(tf.tensor2d([[0, 1, 2, 3]]));
    variable.assign(tf.ones([1, 4]));
    expectClose(values(tf.tidy(() => state.effective())), [0.5, 0.5, 0.947531, 2], 1e-6);
  });

  it.each([1, 0.25])(
    'its gradients by weights and logits are those of finite differences (τ = %s)',
    (temperature) => {
      const { state, logits, variable } = attended([5, 4], [2, 2], { density: 0.01, temperature });
      const target = randomTensor([5, 4], 7);
      const initial = {
        weights: Float32Array.from(values(variable)),
        logits: randomValues(6, 9).map((l) => l / 2),
      };
      logits.assign(tf.tensor2d(initial.logits, [3, 2]));
      const loss = () => state.effective().sub(target).square().sum() as tf.Scalar;
      const { grads } = tf.variableGrads(loss, [variable, logits]);
      const lossWith = (of: tf.Variable) => (v: Float32Array) => {
        of.assign(tf.tensor(v, of.shape));
        return tf.tidy(() => loss().dataSync()[0] as number);
      };
      const byWeights = finiteDifferences(lossWith(variable), initial.weights);
      variable.assign(tf.tensor2d(initial.weights, [5, 4]));
      const byLogits = finiteDifferences(lossWith(logits), initial.logits);
      expectClose(values(grads[variable.name] as tf.Tensor), byWeights, 5e-3);
      expectClose(values(grads[logits.name] as tf.Tensor), byLogits, 2e-2);
      expect(Math.max(...byLogits.map(Math.abs))).toBeGreaterThan(0.1);
    },
  );

  it('gives the weights of a masked block no gradient, and its logit one through the softmax alone', () => {
    const { state, logits, variable } = attended([2, 2], [1, 1], { density: 0.25 });
    variable.assign(tf.ones([2, 2]));
    state.choose(Uint8Array.of(1, 1, 0, 1));
    const { grads } = tf.variableGrads(() => state.effective().sum() as tf.Scalar, [variable, logits]);
    expect(values(grads[variable.name] as tf.Tensor)).toEqual([1, 1, 0, 1]);
    // Loss Σ m_b A_b at A = 1: ∂/∂L_b = A_b (m_b − Σ m A / G) = m_b − 3/4.
    expectClose(values(grads[logits.name] as tf.Tensor), [0.25, 0.25, -0.75, 0.25], 1e-6);
  });

  it.each([0, -1, Number.NaN, Infinity])('refuses the temperature %s by name and value', (temperature) => {
    expect(() => softmaxAttention({ temperature })).toThrow(
      `softmaxAttention(): temperature = ${temperature}, and is to be a softmax temperature τ, a number in (0, ∞)`,
    );
  });
});

describe('the attention score', () => {
  const score = (logits: tf.Tensor2D, temperature?: number) =>
    tf.tidy(() =>
      values(
        attention(temperature ? { temperature } : {}).score({
          name: 'w',
          seed: 1,
          grid: blockGrid([1, logits.size], [1, 1]),
          density: 0.1,
          raw: logits,
          trainables: { logits },
          buffers: {},
          effective: () => logits,
          gradient: () => logits,
          inputNorms: () => tf.zeros<tf.Rank.R2>([1, 1]),
        }),
      ),
    );

  it('is the logarithm of the attention weight', () => {
    const A = [0.128234, 0.348577, 0.947531, 2.575657];
    expectClose(score(tf.tensor2d([[0, 1, 2, 3]])), A.map(Math.log), 1e-5);
  });

  it('tells blocks apart whose attention underflows or is clipped', () => {
    const [a, b, c] = score(tf.tensor2d([[0, -200, -300]])) as [number, number, number];
    expect(a > b && b > c).toBe(true);
  });
});
