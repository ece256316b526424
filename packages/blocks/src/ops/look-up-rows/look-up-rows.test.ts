import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, it } from 'vitest';

import '../../backends/cpu.js';
import '../../backends/wasm.js';
import { blockGrid } from '../../grid.js';
import { patternOf } from '../../pattern.js';
import { lookUpRows } from './index.js';

const pattern = patternOf(blockGrid([5, 3], [2, 2]), Uint8Array.of(0, 1, 1, 0, 0, 1));

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  it('refuses numbers that are no row’s, by value and in gradients, and leaves nothing behind', async () => {
    await tf.setBackend(backend);
    const values = tf.ones<tf.Rank.R1>([pattern.size]);
    for (const row of [-1, 5, 2 ** 31 - 1]) {
      const rows = tf.tensor1d([0, row], 'int32');
      const before = tf.memory();
      expect(() => lookUpRows(values, rows, pattern)).toThrow(
        `There is no row ${row} in a table of 5: rows are counted from 0 to 4`,
      );
      expect(tf.memory().numTensors).toBe(before.numTensors);
      rows.dispose();
    }
    values.dispose();
  });

  it('takes int32 alone', async () => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const values = tf.ones<tf.Rank.R1>([pattern.size]);
      expect(() => lookUpRows(values, tf.tensor1d([0, 1]), pattern)).toThrow(
        'rows is a list of whole numbers, an int32 tensor of one axis: it is float32 of shape [2]',
      );
      expect(() => lookUpRows(values, tf.tensor2d([[0]], [1, 1], 'int32') as never, pattern)).toThrow(
        'it is int32 of shape [1, 1]',
      );
    });
  });
});
