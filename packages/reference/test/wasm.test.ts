/** On the wasm backend, with the kernels for training: every strategy once. */
import '@espalier/wasm-training';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { TOLERANCE } from './agreement/describe-agreement.js';
import { agreementOf } from './agreement.js';
import { eachKind } from './matrix.js';
import { groups } from './pairs/index.js';

const strategies = Object.values(groups).flatMap((group) => Object.entries(group.strategies));

describe('on wasm, too, step by step as the reference', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
  });

  it.each(strategies)('%s', async (name, pair) => {
    const place = strategies.findIndex(([own]) => own === name);
    const settings = eachKind(place);
    const { masks, weights } = await agreementOf(pair, settings[place % settings.length]);
    expect(masks).toBeNull();
    expect(weights).toBeLessThan(TOLERANCE);
  });
});
