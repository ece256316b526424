import { describe, expect, it } from 'vitest';

import { findAccelerators } from '../index.js';
import { betterCore, processorFlags } from './openblas-core.js';

const AVX2 = ['sse4_2', 'avx', 'avx2', 'fma'];
const AVX512 = [...AVX2, 'avx512f', 'avx512cd', 'avx512bw', 'avx512dq', 'avx512vl'];

describe('the kernels of OpenBLAS', () => {
  it.each([
    ['Prescott', AVX512, 'SkylakeX'],
    ['prescott', AVX2, 'Haswell'],
    ['Nehalem', AVX512.filter((flag) => flag !== 'avx512bw'), 'Haswell'],
    ['Core2', ['sse4_2'], null],
    ['Prescott', [], null],
    ['SkylakeX', AVX512, null],
    ['Zen', AVX512, null],
    ['Haswell', AVX512, null],
    ['neoversen1', [], null],
  ])('%s on a processor with %j become %s', (chosen, flags, core) => {
    expect(betterCore(chosen, new Set(flags))).toBe(core);
  });
});

const library = (await findAccelerators('auto')).find(({ name }) => name === 'blas')?.library;

it.skipIf(library?.kind !== 'OpenBLAS')('are for this processor in the library that is used', () => {
  const core = library!.build.split(' ').find((word) => betterCore(word, new Set(AVX2)) !== null);
  expect(core && betterCore(core, processorFlags())).toBeFalsy();
});
