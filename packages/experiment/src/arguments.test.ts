import { frobenius, identity, oneShot, type Pruner } from '@espalier/core';
import { regression, type Workload } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import * as experiment from './index.js';
import * as node from './node.js';

type Loose = (...args: unknown[]) => unknown;
const functions = { ...experiment, ...node, ...node.nodeReports } as unknown as Record<string, Loose>;

const byNorm = (): Pruner => ({
  name: 'by-norm',
  description: 'By norm, once',
  source: 'A test',
  settings: {},
  parameterisation: identity,
  importance: frobenius,
  search: oneShot(),
});

const refused = () => Promise.reject(new Error('nothing is loaded of what is refused'));
const workload: Workload = {
  name: 'mine',
  description: 'Never trained',
  task: regression,
  defaults: { sparsities: [0.5], blockShapes: [[2, 2]], seeds: [0], epochs: 1, batchSize: 4 },
  load: refused,
  model: () => tf.sequential(),
  optimizer: () => tf.train.sgd(0.1) as never,
  learningRate: () => 0.1,
};
const defaults = workload.defaults;
const compared = { workload, pruners: [byNorm()] };
const trial = { workload: {}, blockShape: [1, 1], sparsity: 0, seed: 0, pruner: null };

/** Both check what is compared in the same way. */
const ofCompared: [object, string][] = [
  [
    { pruners: byNorm() },
    'pruners = an object of name, description, source, settings, … 7 in all, and is to be a list of strategies',
  ],
  [
    { pruners: [byNorm] },
    'pruners[0] = a function (byNorm), and is to be a strategy, or { reference, pruner }: call it',
  ],
  [
    { pruners: [Promise.resolve(byNorm())] },
    'pruners[0] = a promise, and is to be a strategy, or { reference, pruner }: await it',
  ],
  [{ workload: 'mine' }, "workload = 'mine' (a string), and is to be a workload"],
  [{ workload: undefined }, 'workload = undefined, and is to be a workload'],
  [{ sparsities: 0.9 }, 'sparsities = 0.9, and is to be a list of sparsities, such as [0.9]'],
  [
    { sparsities: ['0.9'] },
    "sparsities[0] = '0.9' (a string), and is to be a share of blocks to prune, a number in [0, 1)",
  ],
  [{ sparsities: [] }, 'sparsities = [], and is to have one at least'],
  [{ sparsities: [0.9, 0.9] }, 'sparsities has 0.9 twice'],
  [{ sparsity: [0.9] }, "has no option 'sparsity': did you mean sparsities?"],
  [{ blockShapes: [16, 16] }, 'blockShapes[0] = 16, and is to be rows and columns, such as [16, 16]'],
  [
    { blockShapes: [[16, '16']] },
    "blockShapes[0][1] = '16' (a string), and is to be a whole number of at least 1",
  ],
  [{ seeds: [0, 1.5] }, 'seeds[1] = 1.5, and is to be a whole number from 0 to 4294967295'],
  [{ seeds: [0, 1, 0] }, 'seeds has 0 twice'],
  [{ epochs: NaN }, 'epochs = NaN, and is to be a whole number of at least 1'],
  [
    { allocations: ['unifrom'] },
    "allocations[0] = 'unifrom' (a string), and is to be 'uniform', 'global' or 'erdos-renyi-kernel'",
  ],
  [{ sparsePhases: 'on' }, "sparsePhases = 'on' (a string), and is to be true or false"],
  [{ reference: byNorm() }, 'reference = an object of name'],
  [{ dataFolder: 3 }, 'dataFolder = 3, and is to be a path'],
  [
    { executor: Promise.resolve() },
    'executor = a promise, and is to be what runs trials: inPlace(), or processes() of @espalier/experiment/node: await it',
  ],
  [{ executor: 'processes' }, "executor = 'processes' (a string), and is to be what runs trials"],
  [{ store: 'runs/mine' }, "store = 'runs/mine' (a string), and is to be a store"],
  [{ store: Promise.resolve() }, 'store = a promise, and is to be a store'],
  [{ watcher: { ended: 'log' } }, "watcher: ended = 'log' (a string), and is to be a function"],
  [{ onSummary: {} }, 'onSummary = an empty object, and is to be a function of the summary'],
  [
    { signal: new AbortController() },
    "signal = an AbortController, and is to be an AbortController's signal",
  ],
  [{ trialTimeoutMinutes: '5' }, "trialTimeoutMinutes = '5' (a string), and is to be a number"],
];

describe.each(['compare', 'estimate'])('%s', (name) => {
  it.each(ofCompared)('refuses %j', async (changed, message) => {
    const called = functions[name]!({ ...compared, ...changed });
    await expect(called).rejects.toThrow(message);
    await expect(called).rejects.toThrow(new RegExp(`^${name}\\(\\)[^\\n]+$`));
  });

  it.each<[object, string]>([
    [
      { pruners: [{ ...byNorm(), importanse: frobenius }] },
      'by-norm has a field importanse, which there is not',
    ],
    [{ pruners: [{ ...byNorm(), search: oneShot }] }, 'by-norm: the search is the function oneShot'],
    [
      { overrides: { 'dense_1/kernel': { sparsity: 2 } } },
      'The overrides of dense_1/kernel: sparsity = 2 is not',
    ],
    [
      { workload: { ...workload, name: undefined } },
      `${name}(): the workload: name = undefined, and is to be its name`,
    ],
    [
      { workload: { ...workload, task: 'regression' } },
      "The workload 'mine': task = 'regression' (a string), and is to be regression, classification, or",
    ],
    [{ workload: { ...workload, task: { name: 'own' } } }, "The workload 'mine': task = an object of name"],
    [
      { workload: { ...workload, model: tf.sequential() } },
      "The workload 'mine': model = a tf.LayersModel, and is to be a function that makes its model: (seed, data) => model",
    ],
    [
      { workload: { ...workload, defaults: { ...defaults, epoch: 3 } } },
      "The workload 'mine': defaults has no option 'epoch': did you mean epochs?",
    ],
    [
      { workload: { ...workload, defaults: { ...defaults, batchSize: '64' } } },
      "The workload 'mine': defaults: batchSize = '64' (a string)",
    ],
    [
      { workload: { ...workload, defaults: { ...defaults, seeds: [] } } },
      "The workload 'mine': defaults: seeds = [], and is to have one at least",
    ],
    [
      { workload: { reference: 'mine', workload } },
      `${name}(): workload: reference = 'mine' (a string), and is to be where it comes from`,
    ],
  ])('refuses parts: %j', async (changed, message) => {
    await expect(functions[name]!({ ...compared, ...changed })).rejects.toThrow(message);
  });
});

describe('a function of experiments says which of its arguments is wrong, and what it is to be', () => {
  const lines = ['markdown', 'csv', 'json', 'table'].map((report): [string, unknown[], string] => [
    report,
    [Promise.resolve()],
    `The report ${report}: summary = a promise, and is to be a summary, as compare() returns it: await it`,
  ]);
  it.each<[string, unknown[], string]>([
    ...lines,
    [
      'table',
      [{ rows: [], workload: 'mine' }, { widht: 80 }],
      "The report table has no option 'widht': did you mean width?",
    ],
    ['compare', [], 'compare() takes an object of options (workload, pruners,'],
    ['estimate', [compared, '0'], "estimate(): startedAt = '0' (a string), and is to be milliseconds"],
    ['inPlace', [], 'inPlace() takes an object of options (backend, accelerators,'],
    [
      'inPlace',
      [{ backend: Promise.resolve() }],
      'inPlace(): backend = a promise, and is to be a backend that was started: what currentBackend() or startBackend() resolves to: await it',
    ],
    ['inPlace', [{ backend: 'wasm' }], "inPlace(): backend = 'wasm' (a string)"],
    ['processes', [{ job: 2 }], "processes() has no option 'job': did you mean jobs?"],
    [
      'processes',
      [{ jobs: '2' }],
      "processes(): jobs = '2' (a string), and is to be a whole number of at least 1",
    ],
    ['processes', [{ threads: 0 }], 'processes(): threads = 0'],
    ['processes', [{ backend: 3 }], 'processes(): backend = 3, and is to be the name of a backend'],
    ['processes', [{ backend: 'wsam' }], "there is no backend 'wsam' (a string); did you mean wasm?"],
    [
      'processes',
      [{ accelerators: { blas: true } }],
      "processes(): accelerators = an object of blas, and is to be 'auto', 'off' or a list of names",
    ],
    [
      'processes',
      [{ checkpointEveryMs: -1 }],
      'processes(): checkpointEveryMs = -1, and is to be milliseconds',
    ],
    ['openFolder', [], 'openFolder(): folder = undefined, and is to be a path'],
    [
      'folderStore',
      [Promise.resolve('runs')],
      'folderStore(): folder = a promise, and is to be a path: await it',
    ],
    [
      'loadPruner',
      ['@espalier/magnitude'],
      "loadPruner(): reference = '@espalier/magnitude' (a string), and is to be where it comes from, { name, module, section, contentHash }",
    ],
    ['loadWorkload', [{ name: 'mine' }], 'loadWorkload(): reference = an object of name, and is to be'],
    ['withCode', [null], 'withCode(): reference = null'],
    ['codeOf', [], 'codeOf(): entry = undefined, and is to be a path'],
    ['findPackage', [3], "findPackage(): name = 3, and is to be a module's path, or a package's name"],
    ['isModulePath', [null], 'isModulePath(): asked = null'],
    ['loadModule', [undefined], 'loadModule(): module = undefined'],
    ['assertName', [3, 'A module'], 'A module calls something 3: a name is of letters'],
    ['planTrials', [undefined], 'planTrials() takes an object of options (workload, strategies, targets,'],
    [
      'planTrials',
      [{ workload }],
      'planTrials(): workload = an object of name, description, task, defaults, … 8 in all, and is to be a value with where it comes from',
    ],
    ['spread', [3], 'spread(): values = 3, and is to be a list of numbers'],
    ['spread', [[1, '2']], "spread(): values[1] = '2' (a string), and is to be a number"],
    [
      'pairedDifference',
      [new Map(), [1]],
      'pairedDifference(): b = [1] (an array), and is to be a Map of numbers by seed',
    ],
    ['duration', ['5'], "duration(): ms = '5' (a string), and is to be a number"],
    ['formatBytes', [], 'formatBytes(): bytes = undefined, and is to be a number'],
    [
      'unlessAborted',
      [Promise.resolve(), new AbortController()],
      "unlessAborted(): signal = an AbortController, and is to be an AbortController's signal",
    ],
    [
      'trialId',
      [compared],
      'trialId(): trial = an object of workload, pruners, and is to be a trial, as planTrials() makes them',
    ],
    ['trialName', [[trial]], 'trialName(): trial = [an object of workload, blockShape'],
    ['trialLabel', [undefined], 'trialLabel(): trial = undefined'],
    ['writeSummary', [{}, {}], 'writeSummary(): store = an empty object, and is to be a store'],
    [
      'writeSummary',
      [experiment.memoryStore(), []],
      'writeSummary(): summary = [] (an array), and is to be a summary',
    ],
    ['train', [undefined], 'train(): trial = undefined, and is to be a trial'],
    ['train', [trial, byNorm()], "The workload 'by-norm': task = undefined"],
    [
      'train',
      [trial, workload, undefined],
      'train(): pruner = undefined, and is to be a strategy, or null for dense',
    ],
    ['train', [trial, workload, byNorm], 'The strategy is the function byNorm, not what it makes: call it'],
    ['train', [trial, workload, null], 'train() takes an object of options (backend, store, dataFolder,'],
    [
      'train',
      [trial, workload, null, { datafolder: '' }],
      "train() has no option 'datafolder': did you mean dataFolder?",
    ],
    [
      'train',
      [trial, workload, null, { backend: {} }],
      'train(): backend = an empty object, and is to be a backend that was started',
    ],
  ])('%s(…%j)', async (name, args, message) => {
    const called = async () => functions[name]!(...args);
    await expect(called()).rejects.toThrow(message);
    await expect(called()).rejects.toThrow(/^[^\n]+$/);
  });
});
