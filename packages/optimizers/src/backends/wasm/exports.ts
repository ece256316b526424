// What this package compiles to WebAssembly (the files *.as.ts), linked to the memory of a tfjs wasm backend once per backend.

import {
  growingWorkspace,
  instantiate,
  type KeptBlocks,
  oncePerBackend,
  supports,
  type WasmHeap,
} from '@espalier/blocks';

import { binaries } from '../../generated/binaries.js';

/** Settings of one step, in the order in which a kernel takes them. */
export type SgdSettings = [rate: number, decay: number];
export type MomentumSettings = [rate: number, momentum: number, decay: number, nesterov: number];
export type AdamSettings = [
  rate: number,
  beta1: number,
  oneMinusBeta1: number,
  beta2: number,
  oneMinusBeta2: number,
  epsilon: number,
  root: number,
  decay: number,
];

/** The blocks that are kept, the rest of which is to catch up; steps without a gradient; zeros, and scratch memory. */
export type CatchingUp = [...blocks: KeptBlocks, runs: number, count: number, zeros: number];

/** The exports of all of them. Pointers are byte offsets into the backend's memory. */
export interface KernelExports {
  sgdUpdate(w: number, g: number, newW: number, size: number, ...settings: SgdSettings): void;
  sgdCatchUp(w: number, ...rest: CatchingUp): void;
  momentumUpdate(
    w: number,
    g: number,
    v: number,
    newW: number,
    newV: number,
    size: number,
    ...settings: MomentumSettings
  ): void;
  momentumCatchUp(w: number, v: number, ...rest: CatchingUp): void;
  adamUpdate(
    w: number,
    g: number,
    m: number,
    v: number,
    newW: number,
    newM: number,
    newV: number,
    size: number,
    ...settings: AdamSettings
  ): void;
  adamCatchUp(w: number, m: number, v: number, ...rest: CatchingUp): void;
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

/** Memory for one call: byte offset of at least so many bytes, which are there from the first demand of as many on. */
export const workspaceOf = oncePerBackend(growingWorkspace);
