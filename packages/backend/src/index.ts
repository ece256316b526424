/**
 * Choosing and starting a tfjs backend in Node.
 *
 * `auto` takes the best that is present. A backend that was asked for by name and is not present is an error
 * that says what is missing: nothing falls back in silence.
 */
import * as tf from '@tensorflow/tfjs';

export const backendNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const;

export type BackendName = (typeof backendNames)[number];

export interface StartedBackend {
  readonly name: BackendName;
  /** What computes, in words. */
  readonly device: string;
}

/** A backend that was asked for is not present. The message says what is missing and how to mend it. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
}

/**
 * Starts a backend and makes it tfjs' current one.
 *
 * @throws BackendError when it is not present
 */
export async function startBackend(choice: BackendName | 'auto'): Promise<StartedBackend> {
  if (choice !== 'auto') return starters[choice]();
  return startTensorflow().catch((error: unknown) => {
    if (error instanceof BackendError) return startWasm();
    throw error;
  });
}

const starters: Record<BackendName, () => Promise<StartedBackend>> = {
  tensorflow: startTensorflow,
  webgpu: async () => {
    throw new BackendError(
      'The webgpu backend does not run under Node yet: use --backend wasm, or tensorflow where it is installed',
    );
  },
  wasm: startWasm,
  cpu: async () => {
    await setBackend('cpu');
    return { name: 'cpu', device: 'JavaScript, one thread' };
  },
};

/** The native TensorFlow bindings, whichever is installed. Neither is a dependency of this package. */
async function startTensorflow(): Promise<StartedBackend> {
  const failures: string[] = [];
  for (const module of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      await import(module);
      await setBackend('tensorflow');
      return { name: 'tensorflow', device: module };
    } catch (error) {
      failures.push(`${module}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new BackendError(
    `The tensorflow backend is not installed: npm install @tensorflow/tfjs-node-gpu (or tfjs-node), whose ` +
      `native library is downloaded by its install script (${failures.join('; ')})`,
  );
}

async function startWasm(): Promise<StartedBackend> {
  await import('@espalier/training-kernels');
  await setBackend('wasm');
  return { name: 'wasm', device: 'WebAssembly SIMD, one thread' };
}

async function setBackend(name: BackendName): Promise<void> {
  const started = await tf.setBackend(name).catch(() => false);
  if (!started) throw new BackendError(`The tfjs backend ${name} did not start`);
  await tf.ready();
}
