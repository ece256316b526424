/** Starts what computes: WebGPU where there is a GPU for it, else WebAssembly. */
import '@espalier/wasm-training';
import { currentBackend, type StartedBackend } from '@espalier/experiment';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
// Vite puts the backend's own binaries beside the page; of the two, the browser fetches the one that it can run.
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';

import type { BackendChoice } from './choice.js';

/** @throws Error, in a line, where what was asked for is not there */
export async function startBackend(choice: BackendChoice): Promise<StartedBackend> {
  if (choice !== 'wasm') {
    const adapter = await adapterHere();
    // One of software is far slower than WebAssembly: it takes to be asked for.
    if (adapter && (choice === 'webgpu' || !adapter.info.isFallbackAdapter)) return startWebGpu(adapter);
    if (choice === 'webgpu')
      throw new Error('This browser offers no WebGPU: choose WebAssembly, or another browser');
  }
  // One thread, wherever the page is served: to the command's bits. In a minified page tfjs' threads do not start.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  setWasmPaths({
    'tfjs-backend-wasm.wasm': plain,
    'tfjs-backend-wasm-simd.wasm': simd,
    // Asked for by name, and never fetched.
    'tfjs-backend-wasm-threaded-simd.wasm': simd,
  });
  if (!(await tf.setBackend('wasm').catch(() => false)))
    throw new Error('WebAssembly could not be started: reload the page, or take another browser');
  return { ...(await currentBackend()), device: 'WebAssembly' };
}

async function adapterHere(): Promise<GPUAdapter | null> {
  return (await navigator.gpu?.requestAdapter().catch(() => null)) ?? null;
}

async function startWebGpu({ info }: GPUAdapter): Promise<StartedBackend> {
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu').catch(() => false)))
    throw new Error('WebGPU could not be started: choose WebAssembly');
  const what = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ');
  return { ...(await currentBackend()), device: what ? `WebGPU, ${what}` : 'WebGPU' };
}
