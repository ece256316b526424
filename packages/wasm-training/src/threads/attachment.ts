// What the kernels know of threads: where several have been started for a backend, work is offered to them.

import type { WasmBackend } from '@espalier/blocks';
import type { PatchProduct } from '../patches.js';
import type { Product } from '../kernels.js';

/** Each call says whether the threads did the work: what is not worth dividing is left to the caller. */
export interface Threads {
  /** C = op(A) · op(B), or C += op(A) · op(B). */
  multiply(product: Product): boolean;
  /** out [N, OH, OW, K] = the convolution of x [N, H, W, C] with the filter; pointers in this order. */
  convolve(product: PatchProduct, operands: readonly [x: number, filter: number, out: number]): boolean;
  /** dx [N, H, W, C], of dy [N, OH, OW, K] and the filter. */
  inputGradient(product: PatchProduct, operands: readonly [dy: number, filter: number, dx: number]): boolean;
  /** dFilter [FH, FW, C, K], of x [N, H, W, C] and dy [N, OH, OW, K]. */
  filterGradient(product: PatchProduct, operands: readonly [x: number, dy: number, dFilter: number]): boolean;
}

const attached = new WeakMap<WasmBackend, Threads>();

/** From now on the large products and convolutions of a backend are offered to threads; with null they are not any more. */
export function attachThreads(backend: WasmBackend, threads: Threads | null): void {
  if (threads) attached.set(backend, threads);
  else attached.delete(backend);
}

export function threadsOf(backend: WasmBackend): Threads | null {
  return attached.get(backend) ?? null;
}
