/**
 * What an experiment has to know of the backend that it is handed: started, and tfjs' current one. The
 * `StartedBackend` of `@espalier/backend` is one.
 */
import * as tf from '@tensorflow/tfjs';

/** What computes, as plain data. */
export interface BackendDescription {
  /** As tfjs calls it. */
  readonly name: string;
  /** In words. */
  readonly device: string;
  readonly kind: 'processor' | 'gpu' | 'software adapter';
  /** The choice that starts the same again, in another process. */
  readonly choice: string;
}

export interface StartedBackend extends BackendDescription {
  /** Resolves when the device has completed all that it was given so far: what a clock is to wait for. */
  finished(): Promise<void>;
  /** Bytes of device memory that tfjs has allocated; null where there is none to be counted. */
  gpuMemoryBytes(): number | null;
  /** Rejects as soon as the device is lost; never resolves. */
  readonly failure: Promise<never>;
}

/** tfjs' current backend as it is, for a page or a script that started it itself. */
export async function currentBackend(): Promise<StartedBackend> {
  await tf.ready();
  const name = tf.getBackend();
  const processor = name === 'cpu' || name === 'wasm';
  return {
    name,
    device: name,
    kind: processor ? 'processor' : 'gpu',
    choice: name,
    async finished() {
      if (processor) return;
      const probe = tf.scalar(0);
      await probe.data();
      probe.dispose();
    },
    gpuMemoryBytes: () => null,
    failure: new Promise<never>(() => {}),
  };
}
