// What this package compiles to WebAssembly (the files *.as.ts), linked to the memory of a tfjs wasm backend once per backend.

import { instantiate, oncePerBackend, supports, type WasmHeap } from '@espalier/blocks';

import * as binaries from '../../generated/binaries.js';

/** The exports of all of them. Pointers are byte offsets into the backend's memory. */
export interface KernelExports {
  sgdUpdate(w: number, g: number, newW: number, size: number, rate: number, decay: number): void;
  momentumUpdate(
    w: number,
    g: number,
    v: number,
    newW: number,
    newV: number,
    size: number,
    rate: number,
    momentum: number,
    decay: number,
    nesterov: boolean,
  ): void;
  adamUpdate(
    w: number,
    g: number,
    m: number,
    v: number,
    newW: number,
    newM: number,
    newV: number,
    size: number,
    rate: number,
    beta1: number,
    oneMinusBeta1: number,
    beta2: number,
    oneMinusBeta2: number,
    epsilon: number,
    root: number,
    decay: number,
  ): void;
  crossEntropy(labels: number, logits: number, rows: number, columns: number): number;
  crossEntropyGrad(
    labels: number,
    logits: number,
    dLogits: number,
    rows: number,
    columns: number,
    factor: number,
  ): void;
}

/** Whether this JavaScript engine can run the kernels at all; they need 128-bit SIMD. */
export function simdSupported(): boolean {
  return supports(binaries.simd);
}

/** The kernels linked to a backend; links them at the first call. */
export const kernelsOf = oncePerBackend((backend: WasmHeap) => instantiate<KernelExports>(backend, binaries));
