/** The native TensorFlow bindings, whichever are installed. Neither is a dependency of this package. */
import * as tf from '@tensorflow/tfjs';

import { BackendError, synchronous, type StartedBackend } from './choice.js';
import { setBackend } from './set-backend.js';

export const tensorflowPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** @throws BackendError when neither is installed whole */
export async function startTensorflow(): Promise<StartedBackend> {
  const failures: string[] = [];
  for (const name of tensorflowPackages) {
    try {
      await import(name);
      await setBackend('tensorflow');
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message.split('\n')[0]?.trim()}`);
      continue;
    }
    // Both packages compute on the processor where CUDA does not start.
    const onGpu = (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
    return {
      ...synchronous,
      name: 'tensorflow',
      device: `${name}, ${onGpu ? 'CUDA' : 'no GPU'}`,
      kind: onGpu ? 'gpu' : 'processor',
      choice: 'tensorflow',
    };
  }
  throw new BackendError(
    'The tensorflow backend is not installed: npm install @tensorflow/tfjs-node-gpu (or tfjs-node), whose ' +
      `native library is downloaded by its install script (${failures.join('; ')})`,
  );
}
