/**
 * The attention over the candidates against the authors' program: `original/` has its inputs and results, and says where
 * they come from. Ours is as many times theirs as there are candidates: their mask sums to 1, ours has mean 1.
 */
import { readFileSync } from 'node:fs';

import { sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { sequentialAttention } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface State {
  candidates: number;
  selectedCount: number;
  logits: number[];
  selected: string;
  upstream: number[];
  mask: number[];
  gradLogits: number[];
}

const { states } = JSON.parse(
  readFileSync(new URL('original/sequential-attention.json', import.meta.url), 'utf8'),
) as { states: State[] };

describe('the mask and its gradient by the logits', () => {
  it.each(states.map((state, i) => [i, state.selectedCount, state.logits.length, state] as const))(
    'in state %d, %d of %d selected',
    async (_, _selected, size, { logits, selected, upstream, mask, gradLogits }) => {
      // Of weights of 1 the effective weight is the mask itself.
      const w = tf.variable(tf.ones([size, 1]));
      const target = { sparsity: 0.5, blockShape: [1, 1], totalSteps: 100, minimumBlocks: 1 } as const;
      const pruning = await sparsify({ w }, sequentialAttention(), { ...target, optimizer: null });
      const { trainables, buffers } = pruning.kernels[0]!;
      trainables['logits']!.assign(tf.tensor2d(logits, [size, 1]));
      buffers['selected']!.assign(tf.tensor2d(Array.from(selected, Number), [size, 1]));
      const isSelected = Array.from(selected, (bit) => bit === '1');
      const left = isSelected.filter((bit) => !bit).length;
      const attention = tf.tidy(() => pruning.weight('w').dataSync());
      mask.forEach((value, i) => {
        const scaled = isSelected[i] ? value : left * value;
        expect(Math.abs(attention[i]! - scaled)).toBeLessThan(1e-6 * left);
      });
      const { grads } = tf.variableGrads(
        () =>
          pruning
            .weight('w')
            .mul(tf.tensor2d(upstream, [size, 1]))
            .sum() as tf.Scalar,
        [trainables['logits']!],
      );
      const byLogits = Object.values(grads)[0]!.dataSync();
      gradLogits.forEach((value, i) =>
        expect(Math.abs(byLogits[i]! - left * value)).toBeLessThan(1e-6 * left),
      );
      await pruning.finalize();
    },
  );
});
