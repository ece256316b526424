// Products of a BLAS library on the memory of the wasm backend, in place: what it is given are the addresses that
// the tensors have in the memory of the process.

import type { Product } from '../../wasm/exports.js';
import { addressesIn } from '../native/addresses.js';
import type { OpenLibrary } from './library.js';

/** Values of CBLAS_ORDER and CBLAS_TRANSPOSE. */
const ROW_MAJOR = 101;
const STRAIGHT = 111;
const TRANSPOSED = 112;

/** Products on one memory. */
export interface Multiplier {
  /** C = op(A) · op(B), or C += op(A) · op(B); pointers are byte offsets into it. */
  multiply(...product: Product): void;
}

/** Products on `memory`, which may grow between two of them. */
export function productsOn(memory: WebAssembly.Memory, { sgemm, addressOf }: OpenLibrary): Multiplier {
  const at = addressesIn(memory, addressOf);
  return {
    multiply(transposeA, transposeB, m, n, k, a, b, c, accumulate) {
      sgemm(
        ROW_MAJOR,
        transposeA ? TRANSPOSED : STRAIGHT,
        transposeB ? TRANSPOSED : STRAIGHT,
        m,
        n,
        k,
        1,
        at(a),
        transposeA ? m : k,
        at(b),
        transposeB ? k : n,
        accumulate ? 1 : 0,
        at(c),
        n,
      );
    },
  };
}
