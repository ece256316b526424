import { describe, expect, it } from 'vitest';

import { automatic, toText, type Diagnosis } from './doctor.js';

const wasm = {
  name: 'wasm',
  device: 'WebAssembly SIMD, one thread',
  kind: 'processor',
  choice: 'wasm',
} as const;
const swiftshader = {
  name: 'webgpu',
  device: 'SwiftShader Device (software adapter)',
  kind: 'software adapter',
  choice: 'webgpu',
} as const;

const diagnosis: Diagnosis = {
  node: { version: 'v20.20.2', platform: 'linux x64' },
  machine: { processor: 'Some Processor', cores: 2, memoryBytes: 25.2e9 },
  relaxedSimd: true,
  accelerators: [
    { name: 'blas', library: null, absence: 'koffi is not installed', remedy: 'npm install koffi' },
    { name: 'threads', library: null, absence: null, remedy: null },
  ],
  backends: [
    {
      name: 'tensorflow',
      present: null,
      missing: 'its package',
      remedy: 'npm install @tensorflow/tfjs-node-gpu',
      adapters: [],
      facts: [],
    },
    {
      name: 'webgpu',
      present: swiftshader,
      missing: 'a GPU',
      remedy: null,
      adapters: ['SwiftShader Device'],
      facts: [],
    },
    { name: 'wasm', present: wasm, missing: null, remedy: null, adapters: [], facts: [] },
  ],
  auto: {
    backend: wasm,
    before: ['tensorflow on a GPU', 'webgpu on a GPU'],
    accelerators: ['threads'],
  },
  data: { folder: '/data', sets: ['cifar10', 'mnist'] },
};

const lines = (changes: Partial<Diagnosis> = {}) => toText({ ...diagnosis, ...changes }).split('\n');

describe('toText', () => {
  it('says of a backend that is not there what is missing and the command that mends it', () => {
    const at = lines().findIndex((text) => text.startsWith('tensorflow'));
    expect(lines().slice(at, at + 3)).toEqual([
      'tensorflow    not present',
      '              missing: its package',
      '              mend it: npm install @tensorflow/tfjs-node-gpu',
    ]);
  });

  it('marks a software adapter, and says what it lacks to be a GPU', () => {
    const at = lines().findIndex((text) => text.startsWith('webgpu'));
    expect(lines()[at]).toContain('(software adapter)');
    expect(lines()[at + 1]).toContain('missing: a GPU');
    expect(lines()[at + 2]).toContain('adapters: SwiftShader Device');
  });

  it('is one line for a backend that lacks nothing', () => {
    const at = lines().findIndex((text) => text.startsWith('wasm'));
    expect(lines().slice(at, at + 2)).toEqual(['wasm          WebAssembly SIMD, one thread', '']);
  });

  it('lists every accelerator, each with what it is or what would bring it', () => {
    const at = lines().findIndex((text) => text.startsWith('accelerators'));
    expect(lines().slice(at, at + 2)).toEqual([
      'accelerators  blas: none: koffi is not installed; npm install koffi',
      '              threads: present',
    ]);
    const library = { kind: 'OpenBLAS', path: 'libopenblas.so.0', version: '0.3.21', build: '' } as const;
    const found = lines({ accelerators: [{ name: 'blas', library, absence: null, remedy: null }] });
    expect(found).toContain('accelerators  blas: OpenBLAS 0.3.21 (libopenblas.so.0)');
  });

  it('says what auto takes, and why', () => {
    expect(lines().slice(-2)).toEqual([
      'auto takes    wasm: WebAssembly SIMD, one thread, with threads',
      '              as there is no tensorflow on a GPU, and no webgpu on a GPU',
    ]);
    const gpu = { name: 'tensorflow', device: 'CUDA', kind: 'gpu', choice: 'tensorflow' } as const;
    expect(lines({ auto: { backend: gpu, before: [], accelerators: [] } }).slice(-2)).toEqual([
      'auto takes    tensorflow: CUDA',
      '              as nothing comes before it',
    ]);
    const nothing = lines({ auto: { backend: null, before: [], accelerators: [] } });
    expect(nothing.at(-1)).toBe('auto takes    nothing: no backend starts');
  });

  it('lists the data sets, or says how to get one', () => {
    expect(lines()).toContain('data          /data: cifar10, mnist');
    expect(lines({ data: { folder: '/data', sets: [] } })).toContain(
      'data          /data: nothing yet (espalier data get mnist)',
    );
  });
});

describe('automatic', () => {
  const { backends, accelerators } = diagnosis;

  it('passes by a software adapter, and gives wasm the accelerators that are there', () => {
    expect(automatic(backends, accelerators)).toEqual({
      backend: wasm,
      before: ['tensorflow on a GPU', 'webgpu on a GPU'],
      accelerators: ['threads'],
    });
  });

  it('gives no other backend any', () => {
    const card = { ...swiftshader, device: 'a card', kind: 'gpu' } as const;
    const withCard = backends.map((one) => (one.name === 'webgpu' ? { ...one, present: card } : one));
    expect(automatic(withCard, accelerators)).toEqual({
      backend: card,
      before: ['tensorflow on a GPU'],
      accelerators: [],
    });
  });

  it('comes to nothing where nothing is present', () => {
    expect(automatic([], accelerators)).toEqual({ backend: null, before: [], accelerators: [] });
  });
});
