/** Wrong arguments: an error of one line that names the argument, the value seen and what was expected. */
import { blockGrid, patternOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import {
  compress,
  compressionReport,
  costsOf,
  decompress,
  measureCosts,
  sparseIsFaster,
  sparsePhases,
  type Costs,
  type HowToCompress,
} from './index.js';

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

const graph = () => new tf.GraphModel(tf.io.fromMemory({ modelTopology: {} }));

async function messageOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  }
  return 'nothing was thrown';
}

describe.each([
  ['compress()', compress],
  ['decompress()', decompress],
  ['compressionReport()', compressionReport],
])('the model of %s', (called, run) => {
  it.each<[string, () => unknown, string]>([
    ['undefined', () => undefined, 'it is given undefined'],
    ['a path', () => 'file://model', "it is given 'file://model' (a string)"],
    ['a promise', () => Promise.resolve(), 'it is given a promise: await it first'],
    ['a GraphModel', graph, 'it is given a GraphModel, which has no layers'],
    ['a layer', () => tf.layers.dense({ units: 1, name: 'one' }), 'it is given a layer (Dense one)'],
    [
      'layers',
      () => [tf.layers.dense({ units: 1, name: 'one' })],
      'it is given [a layer (Dense one)] (an array)',
    ],
    ['a tensor', () => tf.scalar(1), 'it is given a float32 tensor of shape []'],
  ])('%s', async (_, make, seen) => {
    const value = make();
    const message = await messageOf(() => run(value as tf.LayersModel));
    expect(message).toContain(`TypeError: ${called} takes a tf.LayersModel as its model, ${seen}`);
    expect(message).not.toContain('\n');
    if (value instanceof tf.Tensor) value.dispose();
  });
});

describe.each([
  ['compress()', compress],
  ['compressionReport()', compressionReport],
])('how to %s', (called, run) => {
  const kernel = { name: 'last/kernel', blockShape: [4, 4], blocks: 4, keptBlocks: 2 };
  it.each<[string, unknown, string]>([
    [
      'null',
      null,
      `TypeError: ${called} takes the report of finalize(), or { blockShape }, as its second argument, it is given null`,
    ],
    ['an array', [4, 4], 'it is given [4, 4] (an array): name it, { blockShape: [16, 16] }'],
    ['a number', 4, 'it is given 4'],
    ['a promise', Promise.resolve(), 'it is given a promise: await it first'],
    ['the run itself', { finalize: () => {} }, 'not the run itself: await run.finalize()'],
    [
      'a misspelt option',
      { blockSize: [4, 4] },
      `TypeError: ${called} has no option 'blockSize': did you mean blockShape?`,
    ],
    ['no option', {}, 'TypeError: blockShape is undefined, not rows and columns such as [16, 16]'],
    ['a block as a number', { blockShape: 4 }, 'TypeError: blockShape is 4, not rows and columns'],
    [
      'a block of three',
      { blockShape: [4, 4, 4] },
      'RangeError: Block shape [4, 4, 4] is not two whole numbers',
    ],
    ['no list', { pruned: 3, dense: [] }, 'a report whose pruned is 3, not a list of kernels'],
    ['a list of nothing', { pruned: [null], dense: [] }, 'a report in which null stands for a kernel'],
    [
      'a kernel without its count',
      { pruned: [{ ...kernel, keptBlocks: undefined }], dense: [] },
      'stands for a kernel: it is no report of finalize()',
    ],
    [
      'a kernel of another model',
      { pruned: [{ ...kernel, name: 'x/kernel' }], dense: [] },
      'this one has no x/kernel among its kernels last/kernel',
    ],
    [
      'a kernel of another shape',
      { pruned: [{ ...kernel, blocks: 9 }], dense: [] },
      'RangeError: The report is of another model: its last/kernel has 9 blocks of 4×4, this model’s [8, 8] has 4'.replace(
        '’',
        "'",
      ),
    ],
  ])('%s', async (_, how, seen) => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 8, inputShape: [8], name: 'last' })] });
    const message = await messageOf(() => run(model, how as HowToCompress));
    expect(message).toContain(seen);
    expect(message).not.toContain('\n');
    model.dispose();
  });
});

const pattern = patternOf(blockGrid([8, 8], [4, 4]), Uint8Array.of(1, 0, 0, 1));
const costs = costsOf('wasm')!;

it.each<[string, () => unknown, string]>([
  [
    'sparsePhases(), a misspelt option',
    () => sparsePhases({ cost: costs } as never),
    "TypeError: sparsePhases() has no option 'cost': did you mean costs?",
  ],
  [
    'sparsePhases(), a promise of costs',
    () => sparsePhases({ costs: Promise.resolve(costs) as never }),
    'TypeError: costs is a promise: await it, and is to be what measureCosts() resolves to',
  ],
  [
    'sparsePhases(), costs as text',
    () => sparsePhases({ costs: 'allways' as never }),
    "TypeError: costs is 'allways' (a string), and is to be",
  ],
  [
    'sparsePhases(), a speed as text',
    () => sparsePhases({ denseSpeed: '2' as never }),
    "RangeError: denseSpeed = '2' (a string) is not a number above 0",
  ],
  [
    'sparsePhases(), a speed of 0',
    () => sparsePhases({ denseSpeed: 0 }),
    'RangeError: denseSpeed = 0 is not a number above 0',
  ],
  [
    'sparsePhases(), null',
    () => sparsePhases(null as never),
    'TypeError: sparsePhases() takes an object of options (costs, denseSpeed), it is given null',
  ],
  [
    'costsOf(), an accelerator',
    () => costsOf('wasm', 'openblas'),
    "RangeError: accelerator = 'openblas' (a string), and is to be 'blas', or null",
  ],
  ['costsOf()', () => costsOf(undefined as never), 'TypeError: backendName is undefined'],
  [
    'sparseIsFaster(), rows',
    () => sparseIsFaster(NaN, pattern, costs),
    'RangeError: rows = NaN is not a number from 0 on',
  ],
  [
    'sparseIsFaster(), a pattern',
    () => sparseIsFaster(1, {} as never, costs),
    'TypeError: pattern is an empty object, not a BlockPattern',
  ],
  [
    'sparseIsFaster(), costs',
    () => sparseIsFaster(1, pattern, null as unknown as Costs),
    'TypeError: costs is null',
  ],
  ['sparseIsFaster(), a speed', () => sparseIsFaster(1, pattern, costs, -1), 'RangeError: denseSpeed = -1'],
  ['measureCosts(), nothing', () => measureCosts(undefined as never), 'TypeError: blockShape is undefined'],
  ['measureCosts(), a number', () => measureCosts(16 as never), 'TypeError: blockShape is 16'],
  ['measureCosts(), a block of halves', () => measureCosts([0.5, 2]), 'RangeError: Block shape [0.5, 2]'],
])('%s', async (_, run, seen) => {
  const message = await messageOf(run);
  expect(message).toContain(seen);
  expect(message).not.toContain('\n');
});
