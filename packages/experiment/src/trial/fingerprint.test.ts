import {
  frobenius,
  identity,
  sparsePhase,
  sparsify,
  type Parameterisation,
  type Pruner,
} from '@espalier/core';
import { multilayerPerceptron } from '@espalier/models';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { initFingerprint } from './fingerprint.js';

beforeAll(() => tf.setBackend('cpu'));

/** Prunes at once, before the first step. */
function sparseFromTheStart(parameterisation: Parameterisation): Pruner {
  return {
    name: 'sparse-from-the-start',
    description: '',
    source: '',
    settings: {},
    parameterisation,
    importance: frobenius,
    search: { name: 'at once', phases: [sparsePhase(1)], prunedWeights: 'erased' },
  };
}

async function fingerprintUnder(pruner: Pruner | null, seed = 0): Promise<string> {
  const model = multilayerPerceptron({ inputs: 40, hidden: [], outputs: 40, seed });
  const weights = model.weights.map((weight) => weight.read() as tf.Variable);
  const plain = weights.map((weight) => weight.clone());
  const target = { sparsity: 0.5, blockShape: [4, 4] as const, totalSteps: 1000, optimizer: null };
  const pruning = pruner && (await sparsify(model, pruner, target));
  if (pruning?.pruner.search.name === 'at once') expect(pruning.sparsity).toBeCloseTo(0.5, 12);
  const before = tf.memory().numTensors;
  const fingerprint = await initFingerprint(plain, weights, pruning?.kernels ?? []);
  expect(tf.memory().numTensors).toBe(before);
  return fingerprint;
}

describe('initFingerprint', () => {
  it('is that of the plain weights where a parameterisation reaches them', async () => {
    expect(await fingerprintUnder(sequentialAttentionPlusPlus())).toBe(await fingerprintUnder(null));
  });

  it('is that of the plain weights where a search starts sparse and keeps some of them', async () => {
    expect(await fingerprintUnder(sparseFromTheStart(identity))).toBe(await fingerprintUnder(null));
  });

  it('is another for other weights, drawn from another seed or made so by a parameterisation', async () => {
    expect(await fingerprintUnder(null, 1)).not.toBe(await fingerprintUnder(null));
    const doubled: Parameterisation = { name: 'doubled', elementwise: (raw) => raw.mul(2) };
    expect(await fingerprintUnder(sparseFromTheStart(doubled))).not.toBe(await fingerprintUnder(null));
  });
});
