import { KernelState, softmaxAttention } from '@espalier/core';
import { startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

/** Effective weight and gradients of a kernel under softmax attention, some of it clipped, half of it masked or none. */
async function attended(backend: 'cpu' | 'wasm', masked: boolean): Promise<number[][]> {
  await startBackend(backend);
  const variable = tf.variable(tf.randomNormal([11, 22], 0, 1, 'float32', 1));
  const state = new KernelState({ name: 'w', variable, kind: 'other' }, [4, 5], 0.3, softmaxAttention(), {
    prunedWeights: 'masked',
  });
  const logits = state.trainables['logits'] as tf.Variable;
  logits.assign(tf.randomNormal(logits.shape, 0, 1.5, 'float32', 2));
  const target = tf.randomNormal([11, 22], 0, 1, 'float32', 3);
  if (masked) state.choose(Uint8Array.from({ length: 15 }, (_, i) => i % 2));
  const { value, grads } = tf.variableGrads(
    () => state.effective().sub(target).square().sum() as tf.Scalar,
    [variable, logits],
  );
  const effective = tf.tidy(() => state.effective().clone());
  const results = [value, effective, grads[variable.name], grads[logits.name]] as tf.Tensor[];
  const values = results.map((x) => Array.from(x.dataSync()));
  tf.dispose([results, target]);
  state.finalize();
  variable.dispose();
  return values;
}

describe('softmax attention by the kernels of the wasm backend', () => {
  it.each([false, true])('is what tfjs composes on the cpu backend (masked: %s)', async (masked) => {
    const expected = await attended('cpu', masked);
    const actual = await attended('wasm', masked);
    for (const name of ['SoftmaxAttention', 'SoftmaxAttentionGrad', 'ScaleBlocks', 'ScaleBlocksGrad']) {
      expect(tf.getKernel(name, 'wasm'), name).toBeDefined();
    }
    actual.forEach((values, i) => {
      const largest = Math.max(...expected[i]!.map(Math.abs));
      values.forEach((v, j) => expect(Math.abs(v - expected[i]![j]!)).toBeLessThan(1e-5 * largest));
    });
    expect(Math.max(...expected[3]!.map(Math.abs))).toBeGreaterThan(0.1);
  });
});
