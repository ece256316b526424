import '@espalier/blocks/cpu';
import { keepBlocks } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';

import { chain } from './chain.js';
import { inOnePass } from './one-pass.js';
import { softmaxAttention } from './parameterisations.js';
import type { Parameterisation } from './pruner.js';
import { KernelState } from './run/kernel-state.js';
import { values } from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Its op makes 3 of what its definition makes 2, so that it shows which is computed by. */
const told: Parameterisation = {
  name: 'told apart',
  elementwise: inOnePass(
    (raw) => raw.mul(2),
    (raw, _trainables, _kernel, mask) => keepBlocks(raw.mul(3), mask),
  ),
};

function effective(parameterisation: Parameterisation, mask: number[] = [1, 1]): number[] {
  const variable = tf.tidy(() => tf.variable(tf.tensor2d([[1, 1, 1, 1, 5, 5, 5, 5]])));
  const source = { name: 'w', variable, kind: 'other' } as const;
  const state = new KernelState(source, [1, 4], 0.5, parameterisation, { prunedWeights: 'masked' });
  state.choose(Uint8Array.from(mask));
  const weights = tf.tidy(() => values(state.effective()));
  state.finalize();
  variable.dispose();
  return weights;
}

const all = (a: number, b: number) => [a, a, a, a, b, b, b, b];

it.each<[string, Parameterisation, number[], number[]]>([
  ['computes by the op, with every block', told, [1, 1], all(3, 15)],
  ['and under a mask', told, [0, 1], all(0, 15)],
  [
    'by the definition where there is a scale of blocks too',
    { ...softmaxAttention(), ...told },
    [1, 0],
    all(2, 0),
  ],
  ['by the definition in a chain', chain(told, { name: 'plain' }), [1, 1], all(2, 10)],
  [
    'by what takes the place of the definition',
    { ...told, elementwise: (raw) => raw.mul(7) },
    [0, 1],
    all(0, 35),
  ],
])('core %s', (_, parameterisation, mask, expected) => {
  const before = tf.memory().numTensors;
  expect(effective(parameterisation, mask)).toEqual(expected);
  expect(tf.memory().numTensors).toBe(before);
});

it('leaves the function that it is given alone', () => {
  const definition = (raw: tf.Tensor2D) => raw;
  inOnePass(definition, (raw) => raw);
  expect(Object.keys(definition)).toEqual([]);
});

it.each([
  ['definition', () => inOnePass(null as never, (raw) => raw)],
  ['onePass', () => inOnePass((raw) => raw, 3 as never)],
])('refuses what is no function for %s', (name, run) => {
  expect(run).toThrow(new RegExp(`^inOnePass\\(\\): ${name} = `));
});
