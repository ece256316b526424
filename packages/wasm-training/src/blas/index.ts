// The system's BLAS for the large products of the wasm backend, in Node:
//
//   import { useBlas } from '@espalier/wasm-training/blas';
//   await tf.setBackend('wasm');
//   await useBlas();
//
// Never required: without a library, or without koffi, products stay where they are.

import { memoryOf, type WasmBackend } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import '../register.js';
import { attachBlas } from '../product.js';
import { installCommand } from './candidates.js';
import { BlasError, loadKoffi, open, openUsual, type BlasLibrary, type OpenLibrary } from './library.js';
import { productsOn } from './memory-products.js';

export { BlasError, type BlasKind, type BlasLibrary } from './library.js';

/** 'auto' takes the first that is found, 'off' none; anything else is the path or the file name of a library. */
export type BlasChoice = string;

export interface BlasReport {
  /** Null where there is none. */
  readonly library: BlasLibrary | null;
  /** Why there is none. */
  readonly absence: string | null;
  /** The command that mends it, where one does. */
  readonly remedy: string | null;
}

/**
 * Says which library `useBlas` would use, and uses it not.
 *
 * @throws BlasError when a library that was asked for by its path cannot serve
 */
export async function findBlas(choice: BlasChoice = 'auto'): Promise<BlasReport> {
  return (await find(choice)).report;
}

/**
 * Gives the large products of the started wasm backend to a BLAS library, or, with 'off', takes them back.
 *
 * @param options.threads how many threads a product may take; 1 by default, as trials run side by side
 * @returns which library it is; with 'auto' it may be none, and everything stays as it was
 * @throws BlasError when a library that was asked for by its path cannot serve
 * @throws Error when the wasm backend has not been started
 */
export async function useBlas(
  choice: BlasChoice = 'auto',
  { threads = 1 }: { threads?: number } = {},
): Promise<BlasReport> {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(`useBlas: threads must be a whole number of at least 1, got ${threads}.`);
  }
  const backend = tf.findBackend('wasm') as unknown as WasmBackend | null;
  if (!backend) throw new Error("useBlas: start the wasm backend first: await tf.setBackend('wasm').");
  const { found, report } = await find(choice);
  if (!found) {
    attachBlas(backend, null);
    return report;
  }
  const memory = memoryOf(backend);
  if (!(memory.buffer instanceof ArrayBuffer)) {
    attachBlas(backend, null);
    return none('the memory of the wasm backend is shared between threads', null);
  }
  found.setThreads(threads);
  attachBlas(backend, productsOn(memory, found));
  return report;
}

/** One line for people. */
export function describeBlas({ library, absence, remedy }: BlasReport): string {
  if (library) return `${[library.kind, library.version].filter(Boolean).join(' ')} (${library.path})`;
  return remedy ? `none: ${absence}; ${remedy}` : `none: ${absence}`;
}

async function find(choice: BlasChoice): Promise<{ found: OpenLibrary | null; report: BlasReport }> {
  const absent = (absence: string, remedy: string | null) => ({ found: null, report: none(absence, remedy) });
  if (choice === 'off') return absent('switched off', null);
  const koffi = await loadKoffi();
  if (typeof koffi === 'string') {
    if (choice === 'auto') return absent(koffi, 'npm install koffi');
    throw new BlasError(
      `The BLAS library ${choice} is called through koffi, and ${koffi}: npm install koffi`,
    );
  }
  const found = choice === 'auto' ? openUsual(koffi) : open(koffi, choice);
  if (!found) return absent('no BLAS library was found', installCommand(process.platform));
  return { found, report: { library: found.library, absence: null, remedy: null } };
}

function none(absence: string, remedy: string | null): BlasReport {
  return { library: null, absence, remedy };
}
