// Where a matrix product runs: in assembly/gemm.ts, or, where it is large enough to be worth the call, in a BLAS library
// (src/blas/) or on several threads (src/threads/), when the backend has been given one or the other. A library comes first.

import type { WasmBackend } from '@espalier/blocks';
import { PLAIN_ARGUMENTS, type EpilogueArguments } from './epilogue.js';
import { kernelsOf, type Product } from './kernels.js';
import { threadsOf } from './threads/attachment.js';

/** Products on the memory of one backend. Pointers are byte offsets into it; matrices are row-major. */
export interface Multiplier {
  multiply(...product: Product): void;
}

/**
 * Multiply-adds from which on a product goes to the library: from here on it was ahead of or level with the wasm kernel
 * in every shape and transposition of scripts/blas-crossover.mjs.
 */
const WORTH_A_CALL = 2 ** 14;

const attached = new WeakMap<WasmBackend, Multiplier>();

/** From now on the large products of a backend go to a library; with null they do not any more. */
export function attachBlas(backend: WasmBackend, blas: Multiplier | null): void {
  if (blas) attached.set(backend, blas);
  else attached.delete(backend);
}

/** The library for products of `work` multiply-adds, or null where assembly/gemm.ts makes them. */
export function blasFor(backend: WasmBackend, work: number): Multiplier | null {
  return work < WORTH_A_CALL ? null : (attached.get(backend) ?? null);
}

/** C = activation(op(A) · op(B) + bias), or C += op(A) · op(B). */
export function multiply(
  backend: WasmBackend,
  product: Product,
  epilogue: EpilogueArguments = PLAIN_ARGUMENTS,
): void {
  const [, , m, n, k, , , c] = product;
  const blas = blasFor(backend, m * n * k);
  if (blas) {
    blas.multiply(...product);
    finish(backend, c, m, n, epilogue);
  } else if (threadsOf(backend)?.multiply(product)) {
    finish(backend, c, m, n, epilogue);
  } else {
    const { exports, scratch } = kernelsOf(backend);
    exports.gemm(...product, ...epilogue, scratch);
  }
}

/** Adds the bias to C [m, n] and applies the activation, where there are any. */
export function finish(
  backend: WasmBackend,
  c: number,
  m: number,
  n: number,
  [bias, activation, slopes, slope]: EpilogueArguments,
): void {
  if (bias === 0 && activation === 0) return;
  kernelsOf(backend).exports.finishColumns(c, n, m, 0, n, bias, activation, slopes, slope);
}
