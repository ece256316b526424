import { describe, expect, it } from 'vitest';

import type { BackendDescription } from './choice.js';
import { backendNames, backendOrder, inOrder, placesBefore } from './index.js';

type Present = Pick<BackendDescription, 'name' | 'kind'>;

const tensorflow = { name: 'tensorflow', kind: 'processor' } as const;
const tensorflowOnGpu = { name: 'tensorflow', kind: 'gpu' } as const;
const webgpu = { name: 'webgpu', kind: 'gpu' } as const;
const software = { name: 'webgpu', kind: 'software adapter' } as const;
const wasm = { name: 'wasm', kind: 'processor' } as const;
const cpu = { name: 'cpu', kind: 'processor' } as const;

/** Of every combination of what can be there: the rule, written out. */
const combinations: [...Present[]][] = [undefined, tensorflow, tensorflowOnGpu].flatMap((native) =>
  [undefined, software, webgpu].flatMap((adapter) =>
    [undefined, wasm].map((assembly) =>
      [cpu, assembly, adapter, native].filter((one): one is NonNullable<typeof one> => one !== undefined),
    ),
  ),
);

describe('auto', () => {
  it.each(combinations.map((present) => [present.map(({ name, kind }) => `${name} (${kind})`), present]))(
    'takes of %s what the rule says',
    (_, present) => {
      const has = (one: Present) => (present as Present[]).includes(one);
      const [taken] = inOrder(present as Present[]);
      if (has(tensorflowOnGpu)) expect(taken).toBe(tensorflowOnGpu);
      else if (has(webgpu)) expect(taken).toBe(webgpu);
      else if (has(wasm)) expect(taken).toBe(wasm);
      else if (has(tensorflow)) expect(taken).toBe(tensorflow);
      else expect(taken).toBe(cpu);
    },
  );

  it('never takes a software adapter', () => {
    expect(inOrder([software])).toEqual([]);
    expect(inOrder([software, cpu])).toEqual([cpu]);
  });

  it('takes nothing of nothing', () => expect(inOrder([])).toEqual([]));
});

describe('the order', () => {
  it('has every backend', () => {
    expect(new Set(backendOrder.map(({ name }) => name))).toEqual(new Set(backendNames));
  });

  it('tells what is before a place', () => {
    expect(placesBefore(tensorflowOnGpu)).toEqual([]);
    expect(placesBefore(wasm).map(({ what }) => what)).toEqual(['tensorflow on a GPU', 'webgpu on a GPU']);
    expect(placesBefore(cpu)).toEqual(backendOrder.slice(0, -1));
  });
});

describe('what is no backend', () => {
  it.each([undefined, 'wasm', {}, { name: 'wasm' }, [1]])('%j is refused', (value) => {
    expect(() => inOrder([value] as never)).toThrow(TypeError);
    expect(() => inOrder(value as never)).toThrow('inOrder(): present');
    expect(() => placesBefore(value as never)).toThrow('placesBefore(): taken');
  });
});
