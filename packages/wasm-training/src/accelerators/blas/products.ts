// Products of a BLAS library on the memory of the wasm backend, in place: what it is given are the addresses that
// the tensors have in the memory of the process.

import type { Product } from '../../wasm/exports.js';
import { addressesIn } from '../native/addresses.js';
import type { OpenLibrary } from './library.js';

/** Values of CBLAS_ORDER and CBLAS_TRANSPOSE. */
const ROW_MAJOR = 101;
const STRAIGHT = 111;
const TRANSPOSED = 112;

/** A matrix by its byte offset, and the floats from one of its rows to the next. */
type Matrix = readonly [offset: number, stride: number];

/** Products on one memory; pointers are byte offsets into it. */
export interface Multiplier {
  /** C = op(A) · op(B), or C += op(A) · op(B), of whole matrices. */
  multiply(...product: Product): void;
  /** The same of parts of matrices. */
  multiplyParts(
    transposeA: boolean,
    transposeB: boolean,
    sizes: readonly [m: number, n: number, k: number],
    a: Matrix,
    b: Matrix,
    c: Matrix,
    accumulate: boolean,
  ): void;
}

/** Products on `memory`, which may grow between two of them. */
export function productsOn(memory: WebAssembly.Memory, { sgemm, addressOf }: OpenLibrary): Multiplier {
  const at = addressesIn(memory, addressOf);
  const multiplyParts: Multiplier['multiplyParts'] = (tA, tB, [m, n, k], a, b, c, accumulate) => {
    sgemm(
      ROW_MAJOR,
      tA ? TRANSPOSED : STRAIGHT,
      tB ? TRANSPOSED : STRAIGHT,
      m,
      n,
      k,
      1,
      at(a[0]),
      a[1],
      at(b[0]),
      b[1],
      accumulate ? 1 : 0,
      at(c[0]),
      c[1],
    );
  };
  return {
    multiplyParts,
    multiply: (tA, tB, m, n, k, a, b, c, accumulate) =>
      multiplyParts(tA, tB, [m, n, k], [a, tA ? m : k], [b, tB ? k : n], [c, n], accumulate),
  };
}
