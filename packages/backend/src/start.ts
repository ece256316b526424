import { assertOptions, wholeNumber } from '@espalier/blocks';
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
import { inOrder } from './order.js';
import { setBackend } from './set-backend.js';
import { expectedTensorflow, startTensorflow, type TensorflowWanted } from './tensorflow/start.js';
import { startWebgpu } from './webgpu/start.js';

export interface StartOptions {
  /** That TensorFlow computes with; as many as there are cores when absent. Other backends have one by themselves. */
  readonly threads?: number;
}

/**
 * Starts a backend, makes it tfjs' current one, and repairs its gradients. `auto` takes the first that is present
 * of `backendOrder`.
 *
 * @throws BackendError when it is not present, or is none
 * @throws TypeError or RangeError for an option that there is not, or is not what it is to be
 */
export async function startBackend(
  choice: BackendChoice,
  options: StartOptions = {},
): Promise<StartedBackend> {
  assertChoice(choice, 'startBackend()');
  assertOptions('startBackend()', options, { threads: wholeNumber() });
  const started = choice === 'auto' ? await startBest(options) : await startNamed(choice, options);
  repairGradients(started.name);
  return started;
}

async function startNamed(choice: NamedChoice, options: StartOptions): Promise<StartedBackend> {
  switch (choice) {
    case 'tensorflow':
      return startTensorflow(options);
    case 'webgpu':
      return startWebgpu(null);
    case 'wasm':
      return startWasm();
    case 'cpu':
      return startCpu();
    default:
      return choice.startsWith('tensorflow:')
        ? startTensorflow({ ...options, ...tensorflowOf(choice) })
        : startWebgpu(choice.slice('webgpu:'.length));
  }
}

/** `tensorflow:2.21.0-cuda`. */
function tensorflowOf(choice: string): TensorflowWanted {
  const text = choice.slice('tensorflow:'.length);
  return { version: text.replace(/-cuda$/, ''), gpu: text.endsWith('-cuda') };
}

/** What may have a GPU is tried in a process of its own: what a driver prints, loads or crashes is not the caller's. */
async function startBest(options: StartOptions): Promise<StartedBackend> {
  const tried = await Promise.all([tryTensorflow(), unlessAbsent(probeBackend('webgpu'))]);
  const present: Pick<BackendDescription, 'name' | 'kind'>[] = [
    ...tried.filter((found) => found !== null),
    { name: 'wasm', kind: 'processor' },
    { name: 'cpu', kind: 'processor' },
  ];
  const reasons: string[] = [];
  for (const { name } of inOrder(present)) {
    try {
      return await startNamed(name, options);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      reasons.push(error.message);
    }
  }
  throw new BackendError(
    `No tfjs backend started: ${reasons.join('; ')}. espalier doctor says what is missing`,
  );
}

/** One for the processor alone comes after what starts anywhere: it need not be loaded to know that. */
async function tryTensorflow(): Promise<Pick<BackendDescription, 'name' | 'kind'> | null> {
  const expected = await expectedTensorflow();
  if (expected === 'processor') return { name: 'tensorflow', kind: 'processor' };
  return expected && unlessAbsent(probeBackend('tensorflow'));
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
