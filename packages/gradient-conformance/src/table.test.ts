/** The sweep leaves no gradient out that tfjs has. */
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

import { forward } from './known.js';
import { callsOf, weightsFor } from './sweep.js';
import { sweptOps } from './table.js';
import { tfjsGradients } from './tfjs-gradients.js';

/** Of what the sweep cannot reach, why. */
const UNREACHED = {
  ArgMax: 'gives whole numbers',
  ArgMin: 'gives whole numbers',
  OneHot: 'takes whole numbers',
  BroadcastTo: 'tf.broadcastTo is made of Tile',
  LogSoftmax: 'tf.logSoftmax has a gradient of its own',
  ComplexAbs: 'takes complex numbers',
};

it('goes through every gradient that is registered with tfjs, but for those that no call comes to', async () => {
  await tf.setBackend('cpu');
  // The names of kernels are among what tfjs exports.
  const names = (Object.values(tf) as unknown[]).filter(
    (value): value is string => typeof value === 'string' && tf.getGradient(value) !== undefined,
  );
  const reached = new Set<string>();
  for (const name of names) {
    const stock = tf.getGradient(name);
    tf.unregisterGradient(name);
    tf.registerGradient({
      ...stock,
      gradFunc: (...args) => {
        reached.add(name);
        return stock.gradFunc(...args);
      },
    });
  }
  for (const op of sweptOps) {
    for (const { sample, random } of callsOf(op, 2)) {
      const weights = weightsFor(await forward(op, sample), random);
      // Wrong or right, or refused: that is another test's.
      await tfjsGradients({ op, sample, weights }).catch(() => null);
    }
  }
  const unreached = names.filter((name) => !reached.has(name));
  expect([...new Set(unreached)].sort()).toEqual(Object.keys(UNREACHED).sort());
});

it('has a name for each op once', () => {
  const names = sweptOps.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
