// The module of assembly/, linked to the memory of a tfjs wasm backend once per backend.

import {
  alignedScratch,
  compile,
  growingWorkspace,
  instantiate,
  oncePerBackend,
  supports,
  type WasmHeap,
} from '@espalier/blocks';

import { binaries } from '../generated/binaries.js';
import type { KernelExports } from './exports.js';

/** The kernels linked to one backend, with the scratch memory they share. */
export interface Kernels {
  readonly exports: KernelExports;
  /** Byte offset of the scratch memory of `gemm`; its size is fixed and it lives as long as the backend. */
  readonly scratch: number;
  /** The kernels for another memory, with the arithmetic of these: relaxed SIMD or not. */
  moduleFor(memory: WebAssembly.Memory): WebAssembly.Module;
  /** Byte offset of another piece of at least `bytes`, kept for reuse; a larger demand replaces it. */
  workspace(bytes: number): number;
}

/** Whether this JavaScript engine can run the kernels at all; they need 128-bit SIMD. */
export function simdSupported(): boolean {
  return supports(binaries.simd);
}

/** The kernels linked to a backend; links them at the first call. */
export const kernelsOf = oncePerBackend(link);

/** Links the kernels to a backend, without remembering it. */
export function link(backend: WasmHeap): Kernels {
  const exports = instantiate<KernelExports>(backend, binaries);
  // An engine may be told later to take relaxed SIMD.
  const sameKind = supports(binaries.relaxedSimd) ? binaries : { ...binaries, relaxedSimd: binaries.simd };
  return {
    exports,
    moduleFor: (memory) => compile(memory, sameKind),
    scratch: alignedScratch(backend, exports.gemmScratchBytes()),
    workspace: growingWorkspace(backend),
  };
}
