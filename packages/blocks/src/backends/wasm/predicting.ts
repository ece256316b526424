// The module of what compressed models predict with.

import { binaries } from '../../generated/predicting-binaries.js';
import { supports } from './instantiate.js';
import { linkedOnce } from './module.js';

export const exportsOf = /* @__PURE__ */ linkedOnce(binaries);

/** Whether this JavaScript engine can run the kernels at all; they need 128-bit SIMD. */
export function simdSupported(): boolean {
  return supports(binaries.simd);
}
