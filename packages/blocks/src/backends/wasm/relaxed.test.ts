// Node 20 has relaxed SIMD behind a flag. Test files run in processes of their own, so it stays with this one.
import { supports } from '@espalier/blocks';
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';

import { relaxedSimd } from '../generated/binaries.js';
import { itComputesWhatMaskedDenseOnesDo } from './test-kernels.js';

setFlagsFromString('--experimental-wasm-relaxed-simd');

describe('with relaxed SIMD, the wasm kernels compute what masked dense ops do:', () => {
  it('the engine takes the build with fused multiply-adds', () => {
    expect(supports(relaxedSimd)).toBe(true);
  });

  itComputesWhatMaskedDenseOnesDo();
});
