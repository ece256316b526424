/** What a backend is called, how it is asked for, and what is known of one that was started. */

import { describeValue, nearest } from '@espalier/blocks';

export const backendNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const;

export type BackendName = (typeof backendNames)[number];

/**
 * `webgpu:<part of an adapter's name>` takes that adapter: `webgpu:H100`. `tensorflow:<version>` takes that version alone,
 * `tensorflow:<version>-cuda` on a GPU.
 */
export type BackendChoice = 'auto' | NamedChoice;

/** A choice that leaves nothing to be chosen. */
export type NamedChoice = BackendName | `webgpu:${string}` | `tensorflow:${string}`;

export function isBackendChoice(text: unknown): text is BackendChoice {
  if (typeof text !== 'string') return false;
  const named = /^(webgpu:.|tensorflow:\d)/.test(text);
  return text === 'auto' || (backendNames as readonly string[]).includes(text) || named;
}

/** @throws BackendError for what is no choice */
export function assertChoice(choice: unknown, of: string): asserts choice is BackendChoice {
  if (isBackendChoice(choice)) return;
  const near = typeof choice === 'string' ? nearest(choice, ['auto', ...backendNames]) : null;
  throw new BackendError(
    `${of}: there is no backend ${describeValue(choice)}${near ? `; did you mean ${near}?` : ':'} ` +
      `There are auto, ${backendNames.join(', ')}, webgpu:<part of an adapter's name>, tensorflow:<version>`,
  );
}

/** What computes, as plain data. */
export interface BackendDescription {
  readonly name: BackendName;
  /** In words; those of a software adapter say so. */
  readonly device: string;
  /** A WebGPU adapter that computes on the processor (SwiftShader, llvmpipe) is a software adapter, never a GPU. */
  readonly kind: 'processor' | 'gpu' | 'software adapter';
  /** The choice that starts the same again, in another process. */
  readonly choice: NamedChoice;
}

export interface StartedBackend extends BackendDescription {
  /**
   * Resolves when the device has completed all that it was given so far: what a clock is to wait for, as handing
   * work to a GPU takes no time.
   *
   * @throws BackendError when the device failed since it was started
   */
  finished(): Promise<void>;
  /**
   * Bytes of device memory that tfjs has allocated; null where there is none to be counted. Freed buffers are kept
   * for the next tensor of their size, so that the number hardly ever falls.
   */
  gpuMemoryBytes(): number | null;
  /**
   * Rejects with a `BackendError` as soon as the device is lost, is out of memory, or refuses work; never resolves.
   * tfjs itself would go on with garbage, or wait forever: race it against the work. It needs no handler.
   */
  readonly failure: Promise<never>;
}

/** A backend that was asked for is not present, or its device failed. The message is one line. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
}

/** What a backend has that computes at once, on the processor: nothing to wait for, nothing that fails later. */
export const synchronous: Omit<StartedBackend, keyof BackendDescription> = {
  finished: async () => {},
  gpuMemoryBytes: () => null,
  failure: new Promise<never>(() => {}),
};
