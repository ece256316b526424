import { describe, expect, it } from 'vitest';

import { differences } from './differences.js';
import { trialId, trialName } from './identity.js';
import type { Trial } from './trial.js';

const trial: Trial = {
  workload: { name: 'mnist-mlp', module: '/here/mnist.js', section: 'default', contentHash: null },
  pruner: {
    name: 'acdc',
    module: '@espalier/acdc',
    section: 'default',
    contentHash: null,
    settings: { a: 1, b: 2 },
  },
  sparsity: 0.9,
  blockShape: [16, 16],
  allocation: { name: 'uniform', of: 'core' },
  seed: 0,
  epochs: 4,
  backend: 'wasm',
  accelerators: [],
  threads: 1,
  sparsePhases: true,
};

const blas = (path: string) => ({
  name: 'blas',
  library: { kind: 'OpenBLAS', path, version: '0.3.21', build: 'OpenBLAS 0.3.21 Zen' },
});

describe('trialId', () => {
  it('does not depend on the order of settings, nor on where a module lies', () => {
    const same: Trial = {
      ...trial,
      workload: { ...trial.workload, module: '/there/mnist.js' },
      pruner: trial.pruner && { ...trial.pruner, settings: { b: 2, a: 1 } },
    };
    expect(trialId(same)).toBe(trialId(trial));
  });

  it('does not depend on where a BLAS lies', () => {
    const withBlas = (path: string) => ({ ...trial, accelerators: [blas(path)] });
    expect(trialId(withBlas('libopenblas.so.0'))).toBe(trialId(withBlas('/usr/lib/libopenblas.so.0')));
  });

  const changes: [string, Partial<Trial>][] = [
    ['the seed', { seed: 1 }],
    ['the sparsity', { sparsity: 0.95 }],
    ['the block shape', { blockShape: [32, 32] }],
    ['the epochs', { epochs: 5 }],
    ['the backend', { backend: 'cpu' }],
    ['the BLAS', { accelerators: [blas('/here/libopenblas.so.0')] }],
    ['the threads', { threads: 2 }],
    ['the allocation', { allocation: { name: 'global', of: 'core' } }],
    ['whose allocation it is', { allocation: { name: 'uniform', of: 'workload' } }],
    ["a kernel's own sparsity", { overrides: { 'dense_1/kernel': { sparsity: 0.5 } } }],
    [
      'what products cost on the device',
      { productCosts: { blockShape: [16, 16], perKeptWeight: 2, perStep: 1e6 } },
    ],
    ['a setting', { pruner: trial.pruner && { ...trial.pruner, settings: { a: 1, b: 3 } } }],
    ['the data', { data: 'another' }],
    ['the batch size', { training: { batchSize: 1, optimizer: {}, learningRate: 'a' } }],
    ['the code that trains', { code: { modules: { '@espalier/core': 'edited' }, versions: {} } }],
    [
      "the workload's code",
      { workload: { ...trial.workload, code: { modules: { 'mine.ts': 'edited' }, versions: {} } } },
    ],
    ["the strategy's own code", { pruner: trial.pruner && { ...trial.pruner, contentHash: 'edited' } }],
  ];
  it.each(changes)('depends on %s', (_, change) => {
    expect(trialId({ ...trial, ...change })).not.toBe(trialId(trial));
  });
});

it('does not depend on the versions of packages, only on what is in them', () => {
  const code = (version: string) => ({ modules: { core: 'a' }, versions: { core: version } });
  expect(trialId({ ...trial, code: code('1.0.0') })).toBe(trialId({ ...trial, code: code('1.0.1') }));
});

describe('differences', () => {
  it('names what sets two trials of one slot apart, code by its module', () => {
    const code = (digest: string) => ({
      modules: { '@espalier/core': digest, 'mine.ts': 'a' },
      versions: {},
    });
    const stored: Trial = { ...trial, data: 'a', code: code('b') };
    expect(differences(stored, stored)).toEqual([]);
    expect(differences(stored, { ...stored, data: 'c', threads: 2, code: code('d') })).toEqual([
      'data',
      'threads',
      'code (@espalier/core)',
    ]);
  });
});

describe('trialName', () => {
  it('can be read by a person', () => {
    expect(trialName(trial)).toMatch(/^acdc-0\.9-16x16-seed0-[0-9a-f]{12}$/);
    const global = { name: 'global', of: 'core' } as const;
    expect(trialName({ ...trial, allocation: global })).toMatch(/^acdc-0\.9-16x16-global-seed0-/);
    expect(trialName({ ...trial, pruner: null, allocation: null })).toMatch(/^dense-seed0-[0-9a-f]{12}$/);
  });
});
