/** What the functions of an experiment are given: what each thing is known by, and the words for it. */
import {
  allocations,
  anObject,
  assertArgument,
  assertOptions,
  assertOverrides,
  assertParts,
  aFunction,
  anInstance,
  aText,
  listOf,
  numberIn,
  oneOf,
  required,
  trueOrFalse,
  wholeNumber,
  aSeed,
  type Expected,
} from '@espalier/core';

import type { CompareOptions } from './compare.js';

/** NaN and infinities among them. */
export const anyNumber: Expected = {
  type: 'number',
  holds: (value) => typeof value === 'number',
  words: 'a number',
};
export const aPath = aText('a path');
export const someTime = numberIn('[0, ∞)', 'milliseconds');
/** Between two of a kind; ∞ is never. */
export const aPeriod = numberIn('[0, ∞]', 'milliseconds');
export const aSignal = anInstance(AbortSignal, "an AbortController's signal");

const aBlockShape: Expected = {
  ...listOf(wholeNumber(), 'rows and columns, such as [16, 16]'),
  holds: (value) => Array.isArray(value) && value.length === 2,
};

export const aReference = anObject(
  "where it comes from, { name, module, section, contentHash }; section is 'default', 'pruners' or 'workloads'",
  { name: 'string', section: 'string' },
);
const aStrategy = anObject('a strategy, or { reference, pruner }');
const aWorkload = anObject('a workload, or { reference, workload }');
export const aTrial = anObject('a trial, as planTrials() makes them', {
  workload: 'object',
  blockShape: 'object',
  sparsity: 'number',
  seed: 'number',
});
export const aSummary = anObject('a summary, as compare() returns it', {
  rows: 'object',
  workload: 'string',
});
export const aWidth: Expected = {
  type: 'number',
  holds: (value) => typeof value === 'number' && value > 0,
  words: 'a number of characters above 0',
};
export const aStore = anObject('a store: memoryStore(), or openFolder() of @espalier/experiment/node', {
  read: 'function',
  write: 'function',
  trial: 'function',
});
export const aTrialStore = anObject("a trial's place in a store: store.trial(name, lease)", {
  begin: 'function',
  publish: 'function',
});
export const aBackend = anObject(
  'a backend that was started: what currentBackend() or startBackend() resolves to',
  {
    name: 'string',
    choice: 'string',
    finished: 'function',
    gpuMemoryBytes: 'function',
    failure: 'object',
  },
);
const anExecutor = anObject('what runs trials: inPlace(), or processes() of @espalier/experiment/node', {
  run: 'function',
  startHere: 'function',
  jobs: 'number',
});
export const accelerators = listOf(
  anObject('an accelerator, { name, library }', { name: 'string' }),
  'a list of accelerators that are used, { name, library }',
);
export const allocationNames = listOf(
  oneOf(...Object.keys(allocations)),
  "a list of allocations' names, empty where it is each strategy's to say",
);
export const seedList = listOf(aSeed, 'a list of seeds, such as [0, 1, 2]');
const shapeList = listOf(aBlockShape, 'a list of block shapes, such as [[16, 16]]');
const trainingSettings = anObject('how it trains: { learningRateFactor, weightDecay }');
const sparsityList = listOf(
  numberIn('[0, 1)', 'a share of blocks to prune'),
  'a list of sparsities, such as [0.9]',
);

export const aStoreOrNone: Expected = {
  ...aStore,
  holds: (value) => typeof value === 'function' || aStore.holds(value),
  words: `${aStore.words}, or a function that opens one`,
};

const aWatcher = {
  planned: aFunction('a function of the trials'),
  started: aFunction('a function of a trial'),
  progressed: aFunction('a function of a trial and its progress'),
  ended: aFunction('a function of a trial, its outcome, and whether it ran'),
  stopped: aFunction('a function of a trial'),
  noted: aFunction('a function of a line'),
};

/** @throws TypeError for an option that there is not, RangeError or TypeError for one that is not what it is to be */
export function assertCompared(options: CompareOptions, of: string): void {
  assertOptions(of, options, {
    workload: required(aWorkload),
    pruners: required(listOf(aStrategy, 'a list of strategies, such as [magnitude()]')),
    sparsities: sparsityList,
    blockShapes: shapeList,
    seeds: seedList,
    allocations: allocationNames,
    overrides: anObject("an object, { 'dense_1/kernel': { sparsity: 0.5 } }"),
    epochs: wholeNumber(),
    sparsePhases: trueOrFalse,
    dense: trainingSettings,
    split: oneOf('validation'),
    tuning: anObject('how the settings were chosen'),
    reference: aText("the name of a strategy that is compared, or 'dense'"),
    dataFolder: aPath,
    executor: anExecutor,
    store: aStoreOrNone,
    save: oneOf('none', 'models'),
    watcher: anObject('an object of functions that are told how it goes'),
    onSummary: aFunction('a function of the summary'),
    signal: aSignal,
    dispatch: aFunction('what hands trials out: handOut() of @espalier/experiment/queue'),
    trialTimeoutMinutes: anyNumber,
  });
  assertAxis(of, 'sparsities', options.sparsities);
  assertAxis(of, 'blockShapes', options.blockShapes);
  assertAxis(of, 'seeds', options.seeds);
  if (options.overrides) assertOverrides(options.overrides);
  // It may have functions of its own besides.
  for (const [name, expected] of Object.entries(aWatcher)) {
    const told = options.watcher?.[name as keyof typeof aWatcher];
    if (told !== undefined) assertArgument(`${of}: watcher`, name, told, expected);
  }
  if ('reference' in options.workload) {
    assertArgument(`${of}: workload`, 'reference', options.workload.reference, aReference);
  }
  assertWorkload('workload' in options.workload ? options.workload.workload : options.workload, of);
  for (const strategy of options.pruners) {
    if ('pruner' in strategy) assertArgument(`${of}: pruners`, 'reference', strategy.reference, aReference);
    assertParts('pruner' in strategy ? strategy.pruner : strategy);
  }
}

/** @throws RangeError for a list that is empty, or has one thing twice: the same trial would run side by side */
function assertAxis(of: string, name: string, values: readonly unknown[] | undefined): void {
  if (!values) return;
  if (values.length === 0) throw new RangeError(`${of}: ${name} = [], and is to have one at least`);
  const texts = values.map(String);
  const twice = texts.find((text, i) => texts.indexOf(text) !== i);
  if (twice !== undefined) throw new RangeError(`${of}: ${name} has ${twice} twice`);
}

/**
 * @param of the function that is given it, as an error is to call it
 * @throws TypeError or RangeError, by name and in a line, for a workload that lacks something
 */
export function assertWorkload(workload: unknown, of: string): void {
  assertArgument(of, 'workload', workload, anObject('a workload'));
  const { name } = workload as { name?: unknown };
  const called = typeof name === 'string' ? `The workload '${name}'` : `${of}: the workload`;
  for (const [field, expected] of Object.entries(WORKLOAD)) {
    assertArgument(called, field, (workload as Record<string, unknown>)[field], expected);
  }
  const { defaults } = workload as { defaults: object };
  assertOptions(`${called}: defaults`, defaults, DEFAULTS);
  for (const axis of ['sparsities', 'blockShapes', 'seeds'] as const) {
    assertAxis(`${called}: defaults`, axis, (defaults as Record<string, unknown[]>)[axis]);
  }
}

const WORKLOAD: Readonly<Record<string, Expected>> = {
  name: aText("its name, such as 'mine'"),
  task: anObject('regression, classification, or one of your own: { name, loss }', {
    name: 'string',
    loss: 'function',
  }),
  defaults: anObject('an object of sparsities, blockShapes, seeds, epochs and batchSize'),
  load: aFunction('a function that loads its data: async ({ dataFolder, seed }) => data'),
  model: aFunction('a function that makes its model: (seed, data) => model'),
  optimizer: aFunction('a function that makes its optimiser: () => sgd({ learningRate: 0.1 })'),
  learningRate: aFunction('a function of progress from 0 to 1: cosineDecay(0.1)'),
};

const DEFAULTS: Readonly<Record<string, Expected>> = {
  sparsities: required(sparsityList),
  blockShapes: required(shapeList),
  seeds: required(seedList),
  epochs: required(wholeNumber()),
  batchSize: required(wholeNumber()),
  microBatchSize: wholeNumber(),
};

/** A strategy, or null for the dense baseline. */
export function assertPruner(pruner: unknown, of: string): void {
  if (pruner === undefined)
    throw new TypeError(`${of}: pruner = undefined, and is to be a strategy, or null for dense`);
  if (pruner !== null) assertParts(pruner as Parameters<typeof assertParts>[0]);
}
