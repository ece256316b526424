import { describe, expect, it } from 'vitest';

import * as options from './options.js';

describe("the command's values", () => {
  it('are lists of what was typed, spaces around commas left out', () => {
    expect(options.names('acdc, ./mine.ts')).toEqual(['acdc', './mine.ts']);
    expect(options.sparsities('0,0.95')).toEqual([0, 0.95]);
    expect(options.blockShapes('16x16,32x8')).toEqual([
      [16, 16],
      [32, 8],
    ]);
    expect(options.seeds('2,0')).toEqual([2, 0]);
    expect(options.allocationNames('global,uniform')).toEqual(['global', 'uniform']);
    expect(options.accelerators('off')).toBe('off');
    expect(options.accelerators('blas:/a/lib.so,threads')).toEqual(['blas:/a/lib.so', 'threads']);
  });

  it("are kernels' own targets, gathered over the options that give them", () => {
    const first = options.override('dense_1/kernel=0.5@8x4');
    expect(options.override('dense_2/kernel=@16x16', options.override('a/b=0', first))).toEqual({
      'dense_1/kernel': { sparsity: 0.5, blockShape: [8, 4] },
      'a/b': { sparsity: 0 },
      'dense_2/kernel': { blockShape: [16, 16] },
    });
    expect(() => options.override('a/b=0.5', { 'a/b': {} })).toThrow('a/b is overridden twice');
  });

  it("are strategies' own settings: numbers, true, false, words", () => {
    const first = options.set('magnitude.dense=0.25');
    const second = options.set('@me/mine.form=block', first);
    expect(options.set('magnitude.slow=true', second)).toEqual({
      magnitude: { dense: 0.25, slow: true },
      '@me/mine': { form: 'block' },
    });
    expect(() => options.set('magnitude.dense=0.5', first)).toThrow('magnitude.dense is set twice');
  });

  const refusals: [string, (text: string) => unknown, string, RegExp][] = [
    ['a sparsity of 1', options.sparsities, '1', /sparsity is from 0 and under 1/],
    ['a negative sparsity', options.sparsities, '-0.5', /sparsity is from 0 and under 1/],
    ['a sparsity that is no number', options.sparsities, 'high', /sparsity is from 0 and under 1/],
    ['an empty sparsity', options.sparsities, '0.9,,0.5', /sparsity is from 0 and under 1/],
    ['one sparsity written in two ways', options.sparsities, '0.9,0.90', /0\.9 is given twice/],
    ['a block shape that is none', options.blockShapes, '16', /block shape is rows x columns/],
    ['a block without rows', options.blockShapes, '0x16', /block shape is rows x columns/],
    ['a block shape given twice', options.blockShapes, '8x8,8x8', /given twice/],
    ['a strategy given twice', options.names, 'acdc,acdc', /acdc is given twice/],
    ['an empty name', options.names, 'acdc,', /a name is empty/],
    ['a seed given twice', options.seeds, '0,1,0', /0 is given twice/],
    ['a fraction of a seed', options.seeds, '0.5', /a seed must be a whole number of at least 0/],
    ['a seed that numbers do not hold', options.seeds, '1e300', /a seed must be a whole number/],
    ['no epochs', options.epochs, '0', /epochs must be a whole number of at least 1/],
    ['no accelerator named', options.accelerators, '', /choose auto, off, or a list/],
    ['an accelerator given twice', options.accelerators, 'blas,blas', /blas is given twice/],
    ['an unknown allocation', options.allocationNames, 'unifrom', /did you mean 'uniform'/],
    [
      'a setting without a value',
      options.set,
      'magnitude.dense',
      /a setting is <strategy>\.<setting>=<value>/,
    ],
    ['a setting of nothing', options.set, '=0.5', /a setting is <strategy>\.<setting>=<value>/],
    ['an override of nothing', options.override, '=0.5', /an override is <kernel>=<sparsity>/],
    ['an override to nothing', options.override, 'dense_1/kernel', /an override is <kernel>=<sparsity>/],
    ['an override by a block that is none', options.override, 'k=0.5@8', /block shape is rows x columns/],
    ['no threads', options.threads, '0', /threads must be a whole number of at least 1/],
    ['no jobs', options.jobs, '0', /jobs must be a whole number of at least 1/],
    ['an unknown backend', options.backend, 'cuda', /one of auto, tensorflow/],
  ];
  it.each(refusals)('refuse %s', (_, parse, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});
