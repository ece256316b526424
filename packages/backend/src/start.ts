import { repairGradients } from '@espalier/gradients';

import {
  assertChoice,
  BackendError,
  synchronous,
  type BackendChoice,
  type NamedChoice,
  type StartedBackend,
} from './choice.js';
import { probeBackend } from './inspect.js';
import { setBackend } from './set-backend.js';
import { startTensorflow } from './tensorflow.js';
import { startWebgpu } from './webgpu/start.js';

/**
 * Starts a backend, makes it tfjs' current one, and repairs its gradients. `auto` takes the first that is present of:
 * tensorflow with a GPU, a WebGPU adapter that is no software adapter, tensorflow on the processor, wasm.
 *
 * @throws BackendError when it is not present, or is none
 */
export async function startBackend(choice: BackendChoice): Promise<StartedBackend> {
  assertChoice(choice, 'startBackend()');
  const started = choice === 'auto' ? await startBest() : await startNamed(choice);
  repairGradients(started.name);
  return started;
}

async function startNamed(choice: NamedChoice): Promise<StartedBackend> {
  switch (choice) {
    case 'tensorflow':
      return startTensorflow();
    case 'webgpu':
      return startWebgpu(null);
    case 'wasm':
      return startWasm();
    case 'cpu':
      return startCpu();
    default:
      return startWebgpu(choice.slice('webgpu:'.length));
  }
}

async function startBest(): Promise<StartedBackend> {
  const tensorflow = await unlessAbsent(startTensorflow());
  if (tensorflow?.kind === 'gpu') return tensorflow;
  // In a process of its own: what a driver prints, or crashes, is nothing to a caller who did not ask for it.
  const webgpu = await unlessAbsent(probeBackend('webgpu'));
  if (webgpu?.kind === 'gpu') return startWebgpu(null);
  return tensorflow ?? startWasm();
}

async function unlessAbsent<T>(start: Promise<T>): Promise<T | null> {
  return start.catch((error: unknown) => {
    if (error instanceof BackendError) return null;
    throw error;
  });
}

async function startWasm(): Promise<StartedBackend> {
  // Before the first op: Node 20 has relaxed SIMD behind a flag, which this turns on.
  const { relaxedSimdSupported } = await import('@espalier/wasm-training/relaxed-simd');
  await import('@espalier/wasm-training');
  await setBackend('wasm');
  return {
    ...synchronous,
    name: 'wasm',
    device: `WebAssembly ${relaxedSimdSupported ? 'relaxed ' : ''}SIMD, one thread`,
    kind: 'processor',
    choice: 'wasm',
  };
}

async function startCpu(): Promise<StartedBackend> {
  await import('@espalier/blocks/cpu');
  await setBackend('cpu');
  return {
    ...synchronous,
    name: 'cpu',
    device: 'JavaScript, one thread',
    kind: 'processor',
    choice: 'cpu',
  };
}
