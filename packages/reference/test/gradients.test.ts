/** The derivatives that a training step goes by, of every kind of network, by central differences of its loss. */
import { expect, it } from 'vitest';

import { type Strategy, train } from '../src/index.js';
import { centralDifference } from './central-difference.js';
import { draws } from './draws.js';
import { kindNames, kinds } from './kinds.js';
import { batchesFor, startWeights } from './starts.js';

const plain: Strategy = { run: () => ({}) };

it.each(kindNames)('a step of gradient descent of a network of the kind %s', (name) => {
  const kind = kinds[name];
  const rest = {
    optimizer: { name: 'sgd', learningRate: 1 },
    batches: batchesFor(kind, 1, 3),
    sparsity: 0,
    blockShape: [1, 1],
    draws,
  } as const;
  const start = kind.network();
  startWeights(start, 3);
  /** A step from the start, the values of one parameter being others. */
  const step = (changed: number, values: readonly number[]) => {
    const network = kind.network();
    network.parameters.forEach((own, i) =>
      own.values.set(i === changed ? values : start.parameters[i].values),
    );
    return { network, record: train({ network, ...rest }, plain) };
  };
  const trained = new Set(start.trainable);
  start.parameters.forEach((parameter, place) => {
    if (!trained.has(parameter)) return;
    const at = Array.from(parameter.values);
    const after = step(place, at).network.parameters[place].values;
    const loss = (values: readonly number[]) => step(place, values).record.losses[0];
    // Some of them will do.
    for (let i = 0; i < at.length; i += 1 + Math.floor(at.length / 12)) {
      expect(at[i] - after[i], `${parameter.name}[${i}]`).toBeCloseTo(centralDifference(loss, at, i), 6);
    }
  });
});
