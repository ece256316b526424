import { repairGradients } from '@espalier/gradients';

import {
  assertChoice,
  BackendError,
  synchronous,
  type BackendChoice,
  type BackendDescription,
  type NamedChoice,
  type StartedBackend,
} from './choice.js';
import { probeBackend } from './inspect.js';
import { isInstalled } from './installed.js';
import { inOrder } from './order.js';
import { setBackend } from './set-backend.js';
import { startTensorflow, tensorflowPackages } from './tensorflow.js';
import { startWebgpu } from './webgpu/start.js';

/**
 * Starts a backend, makes it tfjs' current one, and repairs its gradients. `auto` takes the first that is present
 * of `backendOrder`.
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

/** What may have a GPU is tried in a process of its own: what a driver prints, loads or crashes is not the caller's. */
async function startBest(): Promise<StartedBackend> {
  const tried = await Promise.all([
    tensorflowPackages.some(isInstalled) ? unlessAbsent(probeBackend('tensorflow')) : null,
    unlessAbsent(probeBackend('webgpu')),
  ]);
  const present: Pick<BackendDescription, 'name' | 'kind'>[] = [
    ...tried.filter((found) => found !== null),
    { name: 'wasm', kind: 'processor' },
    { name: 'cpu', kind: 'processor' },
  ];
  const reasons: string[] = [];
  for (const { name } of inOrder(present)) {
    try {
      return await startNamed(name);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      reasons.push(error.message);
    }
  }
  throw new BackendError(
    `No tfjs backend started: ${reasons.join('; ')}. espalier doctor says what is missing`,
  );
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
