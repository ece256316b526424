/** The networks and the optimisers alone, without pruning, against those of tfjs. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { optimizerNames } from '../src/optimizers.js';
import { train } from '../src/train.js';
import { draws } from './draws.js';
import { kindNames, kinds } from './kinds.js';
import { batchesFor, startWeights } from './starts.js';
import { startModel, weightsOf } from './tfjs.js';

beforeAll(() => tf.setBackend('cpu'));

describe.each(kindNames)('a network of the kind %s', (name) => {
  it.each(optimizerNames)('trains under %s as in tfjs', async (optimizerName) => {
    const kind = kinds[name];
    const batches = batchesFor(kind, 12, 1);
    const optimizer = { name: optimizerName, learningRate: 0.02 };
    const network = kind.network();
    startWeights(network, 1);
    const training = {
      ...{ kind, start: network, optimizer, batches, calibration: batches[0] },
      ...{ sparsity: 0, blockShape: [1, 1] as const },
    };
    const model = startModel(training);
    const record = train(
      { network, optimizer, batches, sparsity: 0, blockShape: [1, 1], draws },
      { run: () => ({}) },
    );
    for (const [step, { shape, x, y }] of batches.entries()) {
      const loss = await model.trainOnBatch(
        tf.tensor([...x], [...shape]),
        tf.tensor([...y], [shape[0], y.length / shape[0]]),
      );
      expect(Number(loss)).toBeGreaterThan(0);
      weightsOf(model, network).forEach((values, i) => {
        const expected = record.moments[step + 1].weights[i];
        values.forEach((value, j) =>
          expect(
            Math.abs(value - expected[j]),
            `${network.parameters[i].name}[${j}] after ${step + 1}`,
          ).toBeLessThan(1e-5),
        );
      });
    }
    model.dispose();
  });
});
