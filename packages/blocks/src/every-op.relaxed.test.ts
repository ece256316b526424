/** The table on wasm with relaxed SIMD, which Node 20 has behind a flag: it stays with this file's process. */
import '@tensorflow/tfjs-backend-wasm';
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';

import { supports } from './backends/wasm/instantiate.js';
import './backends/wasm.js';
import { binaries } from './generated/binaries.js';
import { itComputesEveryOp } from './test-table.js';

setFlagsFromString('--experimental-wasm-relaxed-simd');

describe('on wasm with relaxed SIMD, as defined:', () => {
  it('the engine takes the build with fused multiply-adds', () => {
    expect(supports(binaries.relaxedSimd)).toBe(true);
  });

  itComputesEveryOp('wasm', 20);
});
