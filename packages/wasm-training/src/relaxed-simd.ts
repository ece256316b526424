// For Node 20 only: its V8 has relaxed SIMD (a fused multiply-add, a third faster in products) behind an experimental
// flag. Importing this module turns the flag on for the process; it must come before the first op on the wasm backend.
// Later versions of Node and the browsers have it without, and need nothing. Results may differ from those without
// it in the last bits, as a fused multiply-add rounds once.

import { supports } from '@espalier/blocks';
import { setFlagsFromString } from 'node:v8';
import { binaries } from './generated/binaries.js';

if (!supports(binaries.relaxedSimd)) setFlagsFromString('--experimental-wasm-relaxed-simd');

/** Whether products now run with relaxed SIMD. */
export const relaxedSimdSupported: boolean = supports(binaries.relaxedSimd);
