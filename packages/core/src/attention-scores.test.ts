/** Of many nearly equal logits, as blocks of 1 × 1 have them, attention scores keep the order. */
import '@espalier/blocks/cpu';
import '@espalier/blocks/wasm';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, it } from 'vitest';

import { attention } from './importances.js';
import type { ScoredKernel } from './pruner.js';
import { randomValues } from './test-support.js';

const [ROWS, COLUMNS] = [1000, 400];

/** Normal numbers of standard deviation 1e-4, by Box and Muller; of 400,000 some hundred are equal to another. */
function manyLogits(): Float32Array {
  const [radii, angles] = [randomValues(ROWS * COLUMNS, 1), randomValues(ROWS * COLUMNS, 2)];
  return radii.map((radius, i) => {
    const uniform = Math.max((radius + 1) / 2, 1e-9);
    return 1e-4 * Math.sqrt(-2 * Math.log(uniform)) * Math.cos(Math.PI * angles[i]!);
  });
}

const logits = manyLogits();
const increasing = Uint32Array.from(logits, (_, i) => i).sort((a, b) => logits[a]! - logits[b]!);

/** Of neighbours in the order of the logits how many scores are equal, and how many in the other order. */
function compared(scores: ArrayLike<number>) {
  let [equal, reversed] = [0, 0];
  for (let i = 1; i < increasing.length; i++) {
    const difference = scores[increasing[i]!]! - scores[increasing[i - 1]!]!;
    if (difference === 0) equal += 1;
    // Written so that NaN counts too.
    else if (!(difference > 0)) reversed += 1;
  }
  return { equal, reversed };
}

describe.each(['cpu', 'wasm'])('on %s, of 400,000 logits of standard deviation 1e-4', (backend) => {
  it.each([
    ['attention', true],
    ['unnormalised attention', false],
  ])(
    '%s has as many distinct scores, in their order',
    async (_, normalised) => {
      await tf.setBackend(backend);
      const scores = tf.tidy(() => {
        const trainables = { logits: tf.tensor2d(logits, [ROWS, COLUMNS]) };
        const kernel = { name: 'w', trainables } as unknown as ScoredKernel;
        return attention({ normalised }).score(kernel).dataSync();
      });
      expect(compared(scores)).toEqual({ ...compared(logits), reversed: 0 });
    },
    60_000,
  );
});
