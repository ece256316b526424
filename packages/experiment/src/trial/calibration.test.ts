import { identity, sparsePhase, type Importance, type Pruner } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { batchesOf } from './batches.js';
import { calibrationOf } from './calibration.js';

beforeAll(() => tf.setBackend('cpu'));

function scoringBy(parts: Partial<Importance>): Pruner {
  const importance: Importance = { name: 'a score', score: ({ raw }) => raw, ...parts };
  return {
    ...{ name: 'one', description: '', source: '', settings: {}, parameterisation: identity, importance },
    search: { name: 'at once', phases: [sparsePhase(1)], prunedWeights: 'masked' },
  };
}

/** Examples whose inputs are their number; who asks for something random, or for labels, is told of. */
function examples(count: number) {
  const asked: unknown[] = [];
  return {
    ...{ count, asked, inputs: [{ shape: [1], type: 'float32' as const }] },
    target: { shape: [], type: 'int32' as const },
    gather(indices: ArrayLike<number>, draw?: unknown) {
      if (draw !== undefined) asked.push(draw);
      return { inputs: [Float32Array.from(indices)], targets: new Int32Array(indices.length) };
    },
  };
}

const usesInputs = scoringBy({ usesInputs: true });

describe('calibration inputs', () => {
  it('are the first 256 that the trial trains on, in its order, with nothing random', async () => {
    const train = examples(1000);
    const batches = batchesOf({ seed: 3, epochs: 2 }, 1000, 48);
    const before = tf.memory().numTensors;
    const [x, ...others] = await calibrationOf(usesInputs, { train }, batches);
    expect(others).toEqual([]);
    expect(x!.shape).toEqual([256, 1]);
    const order = [0, 1, 2, 3, 4, 5].flatMap((step) => [...batches.at(step)]);
    expect([...x!.dataSync()]).toEqual(order.slice(0, 256));
    expect(train.asked).toEqual([]);
    x!.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are all of a smaller training split', async () => {
    const [x] = await calibrationOf(
      usesInputs,
      { train: examples(30) },
      batchesOf({ seed: 0, epochs: 4 }, 30, 10),
    );
    expect([...x!.dataSync()].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    x!.dispose();
  });

  it('are gathered for strategies alone that score by them', async () => {
    const given = [{ train: examples(30) }, batchesOf({ seed: 0, epochs: 1 }, 30, 10)] as const;
    expect(await calibrationOf(scoringBy({}), ...given)).toEqual([]);
    const grown = { ...scoringBy({}), growth: usesInputs.importance };
    tf.dispose(
      await calibrationOf(grown, ...given).then((inputs) => (expect(inputs).toHaveLength(1), inputs)),
    );
  });
});
